/**
 * What the SQL adapters do with servers that misbehave, and that the server which tests and demos use refuses what it does not know:
 * lost answers, frozen and dead servers, wrong passwords, names that are none.
 */
import { BelayError, createEngine, MemoryJournal } from "@belay/engine";
import { injectFailure, loadPlan } from "@belay/failover-plans";
import { createOceanBaseModel, createTenantModel, oceanBaseActions } from "@belay/failover-plans/oceanbase";
import { clusterSql, tenantSql } from "@belay/failover-plans/oceanbase-sql";
import { describe, expect, test } from "vitest";
import { query, serverErrno } from "../../packages/failover-plans/src/mysql-client/client.ts";
import { codeOf } from "./cluster-cases.ts";
import { clustersOverSql, tenantsOverSql } from "./sql-rigs.ts";
import { clusterStage, clusterState, failedNode, PARAMS, planOf, runToRest, tenantStage } from "./switchover-rig.ts";
import { PASSWORDS } from "./tenant-cases.ts";

const PAIR = [
  { clusterId: 1, name: "north", role: "PRIMARY" },
  { clusterId: 2, name: "south", role: "PHYSICAL STANDBY" },
] as const;
const FAILOVER = loadPlan("oceanbase-failover");
const SWITCHOVER = planOf("oceanbase-switchover", "rollback");
const activates = (statement: string): boolean => statement.startsWith("ALTER SYSTEM ACTIVATE");
const noSleep = async (): Promise<void> => undefined;

describe("the failover of clusters through SQL", () => {
  test("R10: runs as in memory, statement by statement", async () => {
    const stage = await clusterStage("sql", { flashbackRounds: 2, cleanupLooks: 2 });
    try {
      for (const zone of [1, 2, 3]) await stage.setServer(`north-z${zone}:2881`, false);
      const run = await runToRest(stage.actions, FAILOVER);
      expect(run.snapshot().status).toBe("SUCCESSFUL");
      expect(stage.model.statements).toEqual([
        ...Array.from({ length: 3 }, () => "ALTER SYSTEM ACTIVATE PHYSICAL STANDBY CLUSTER"),
        "ALTER SYSTEM REMOVE CLUSTER north CLUSTER_ID = 1",
        "ALTER SYSTEM REMOVE CLUSTER west CLUSTER_ID = 3",
      ]);
      expect((await stage.model.readCluster(2)).role).toBe("PRIMARY");
    } finally {
      await stage.close();
    }
  });

  test.for(["cut-before", "cut-after"] as const)(
    "R27: a connection %s the statement is an unknown outcome; the retry looks first",
    async (fault) => {
      let left = 1;
      const stage = await clusterStage(
        "sql",
        {},
        {
          fault: ({ statement }) => (activates(statement) && left-- > 0 ? fault : undefined),
        },
      );
      try {
        for (const zone of [1, 2, 3]) await stage.setServer(`north-z${zone}:2881`, false);
        const run = await runToRest(stage.actions, FAILOVER);
        expect(failedNode(run.snapshot())).toMatchObject({
          id: "failover-to-primary",
          error: {
            code: "OUTCOME_UNKNOWN",
            retryable: true,
            message: expect.stringContaining("may have taken effect"),
          },
        });
        expect((await stage.model.readCluster(2)).role).toBe(fault === "cut-after" ? "PRIMARY" : "PHYSICAL STANDBY");
        await run.retry();
        await run.settled();
        expect(run.snapshot().status).toBe("SUCCESSFUL");
        expect(stage.model.statements.filter(activates)).toHaveLength(1);
      } finally {
        await stage.close();
      }
    },
  );
});

describe("the failover of clusters, a failure at each node", () => {
  const nodes = FAILOVER.document.nodes.map(({ id }) => id);
  const cases = nodes.flatMap((node) => [[node, "pause"] as const, [node, "rollback"] as const]);

  test.for(cases)(
    "R33, R34: after %s took effect, with onFailure %s, it ends as the plan says",
    async ([node, policy]) => {
      const stage = await clusterStage("sql");
      try {
        for (const zone of [1, 2, 3]) await stage.setServer(`north-z${zone}:2881`, false);
        const plan = planOf("oceanbase-failover", policy);
        const run = await runToRest(injectFailure(stage.actions, plan, node, "after"), plan);
        const lock = nodes[0] === node;
        const rolled = lock ? "ROLLED_BACK" : "PARTIALLY_ROLLED_BACK";
        expect(run.snapshot().status).toBe(policy === "pause" ? "FAILED" : rolled);
        const free = (lock && policy === "rollback") || (node === nodes.at(-1) && policy === "pause");
        expect(stage.model.lockOwner(2)).toBe(free ? undefined : run.id);
        if (run.snapshot().status === "ROLLED_BACK") return;
        await run.retry();
        await run.settled();
        expect(run.snapshot().status).toBe("SUCCESSFUL");
        expect(stage.model.writers).toEqual([["north"], [], ["south"]]);
        expect(stage.model.lockOwner(2)).toBeUndefined();
      } finally {
        await stage.close();
      }
    },
  );
});

describe("the switchover of clusters through SQL", () => {
  test.for([
    ["COMMIT TO SWITCHOVER TO PHYSICAL STANDBY", "switchover-to-standby"],
    ["COMMIT TO SWITCHOVER TO PRIMARY", "switchover-to-primary"],
  ] as const)("R26: a server that hangs in %s ends the wait, and all is as before", async ([words, node]) => {
    let left = 1;
    const stage = await clusterStage(
      "sql",
      {},
      {
        changeTimeoutMs: 100,
        fault: ({ statement }) => (statement.endsWith(words) && left-- > 0 ? "hang" : undefined),
      },
    );
    try {
      const before = await clusterState(stage);
      const run = await runToRest(stage.actions, SWITCHOVER);
      expect(run.snapshot().status).toBe("ROLLED_BACK");
      expect(run.snapshot().nodes.find(({ id }) => id === node)?.error).toMatchObject({ code: "OUTCOME_UNKNOWN" });
      expect(await clusterState(stage)).toEqual(before);
    } finally {
      await stage.close();
    }
  });

  test("R14: a standby that is too far behind is refused before anything is stopped", async () => {
    const model = createOceanBaseModel([
      { ...PAIR[0], scn: 60_000_000 },
      { ...PAIR[1], scn: 49_000_000 },
    ]);
    const rig = await clustersOverSql(model);
    try {
      const actions = oceanBaseActions(rig.platform, { sleep: noSleep });
      const run = await runToRest(actions, SWITCHOVER);
      expect(run.snapshot().nodes[1]?.error).toMatchObject({
        code: "LOGS_BEHIND",
        message: expect.stringContaining("11 s"),
      });
      expect(model.statements).toEqual([]);
      const wide = await runToRest(actions, SWITCHOVER, { clusterId: 2, maxLagSeconds: 11 });
      expect(wide.snapshot().status).toBe("SUCCESSFUL");
    } finally {
      await rig.close();
    }
  });
});

describe("the adapters", () => {
  test("a question goes to the next server when one is dead, or loses the connection", async () => {
    let left = 1;
    const rig = await clustersOverSql(createOceanBaseModel(PAIR), {
      fault: ({ statement }) => (statement.startsWith("SELECT") && left-- > 0 ? "cut-before" : undefined),
    });
    try {
      await rig.setServer("north-z1:2881", false);
      expect((await rig.control.readCluster(1)).name).toBe("north");
      expect(rig.servers.heard).toHaveLength(2);
    } finally {
      await rig.close();
    }
  });

  test("servers that belong to another cluster are noticed", async () => {
    const rig = await clustersOverSql(createOceanBaseModel(PAIR));
    try {
      const [north] = rig.servers.sites;
      const swapped = clusterSql([{ clusterId: 2, servers: north?.servers ?? [] }], { password: "loopback-only" });
      await expect(swapped.readCluster(2)).rejects.toThrow("are those of 1");
      const wrong = clusterSql(rig.servers.sites, { password: "wrong" });
      await expect(wrong.readCluster(1)).rejects.toMatchObject({ errno: 1045 });
    } finally {
      await rig.close();
    }
  });

  test("a name that cannot stand in a statement, and a password with blanks, are refused", async () => {
    const secret = (): string => "two words";
    const site = { name: "north", tenant: "shop; DROP TENANT shop", servers: [] };
    expect(() => tenantSql([site], { secret })).toThrow(BelayError);
    const good = [
      { ...site, tenant: "shop" },
      { name: "south", tenant: "shop", servers: [] },
    ];
    const source = { from: "south", user: "rep", passwordRef: "rep" };
    expect(await codeOf(tenantSql(good, { secret }).setRestoreSource("north", source))).toBe("INVALID_ARGUMENT");
  });

  test("R46: the password of a source is in no record of a run whose statement is lost, nor in its error", async () => {
    const stage = await tenantStage(
      "sql",
      {},
      {
        fault: ({ statement }) => (statement.includes("LOG_RESTORE_SOURCE =") ? "cut-before" : undefined),
      },
    );
    try {
      const journal = new MemoryJournal();
      const engine = await createEngine({ actions: stage.actions, journal });
      const plan = planOf("oceanbase-tenant-switchover");
      const run = await engine.start(plan, { params: PARAMS[plan.document.name] ?? {} });
      await run.settled();
      expect(run.snapshot().nodes.find(({ id }) => id === "follow")?.error).toMatchObject({ code: "OUTCOME_UNKNOWN" });
      const kept = JSON.stringify([journal.read(run.id), journal.logs(run.id), run.snapshot()]);
      expect(kept).toContain("PASSWORD=******");
      expect(kept).not.toContain("k0st");
      await engine.close();
    } finally {
      await stage.close();
    }
  });
});

describe("the server over the models", () => {
  test.for([
    ["SELECT 1", 1064],
    ["ALTER SYSTEM REMOVE STANDBY CLUSTER north", 1064],
    ["ALTER SYSTEM COMMIT TO SWITCHOVER TO PRIMARY NOW", 1064],
    ["SELECT A FROM oceanbase.V$OB_CLUSTERS", 1146],
    ["SELECT CLUSTER_COLOUR FROM oceanbase.V$OB_CLUSTER", 1054],
    ["ALTER SYSTEM COMMIT TO SWITCHOVER TO PRIMARY", 4179],
    ["ALTER SYSTEM FAILOVER TO 'south' CLUSTER_ID = 2", 4018],
  ] as const)("%s is refused with %i", async ([statement, errno]) => {
    const rig = await clustersOverSql(createOceanBaseModel(PAIR));
    try {
      const { host = "", port = 0 } = rig.servers.sites[0]?.servers[0] ?? {};
      const server = { name: "north", host, port, user: "root@sys", password: "loopback-only" };
      const error: unknown = await query(server, statement).catch((reason: unknown) => reason);
      expect(serverErrno(error)).toBe(errno);
    } finally {
      await rig.close();
    }
  });

  test("a tenant of another name is not this one", async () => {
    const model = createTenantModel([{ name: "north" }], { passwords: PASSWORDS });
    const rig = await tenantsOverSql(model);
    try {
      const other = rig.servers.sites.map((site) => ({ ...site, tenant: "crm" }));
      const control = tenantSql(other, { password: "loopback-only", secret: () => "x" });
      expect(await codeOf(control.readTenant("north"))).toBe("TENANT_UNKNOWN");
      await expect(control.change("north", "SWITCHOVER TO STANDBY")).rejects.toMatchObject({ errno: 5160 });
    } finally {
      await rig.close();
    }
  });
});
