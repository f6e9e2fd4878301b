/**
 * The plans for tenants of OceanBase 4.x, in memory and through SQL: switchover and failover, a failure at each node under both
 * policies, a switchover that somebody left half done, what is refused before anything is stopped. Never do two tenants take writes.
 */
import type { ActionContext } from "@belay/engine";
import { injectFailure } from "@belay/failover-plans";
import { promotionKey } from "@belay/failover-plans/oceanbase";
import { describe, expect, test } from "vitest";
import {
  mostWriters,
  PARAMS,
  planOf,
  runToRest,
  type SqlOptions,
  type TenantStage,
  tenantStage,
  tenantState,
  WAYS,
  type Way,
} from "./switchover-rig.ts";

const SWITCHOVER = "oceanbase-tenant-switchover";
const FAILOVER = "oceanbase-tenant-failover";
const idsIn = (name: string): string[] => planOf(name).document.nodes.map(({ id }) => id);
const SECOND = 1_000_000_000n;

const BEFORE = { writers: ["north"], source: "north", route: "north", rebuild: false };
const SWITCHED = { ...BEFORE, writers: ["south"], route: "south" };

/** Whatever happened, two never took writes at once. */
async function staged(way: Way, work: (stage: TenantStage) => Promise<void>, sql: SqlOptions = {}): Promise<void> {
  const stage = await tenantStage(way, { switchingLooks: 2 }, sql);
  try {
    await work(stage);
    expect(mostWriters(stage.model)).toBe(1);
  } finally {
    await stage.close();
  }
}

/** North is dead. */
async function outage(way: Way, work: (stage: TenantStage) => Promise<void>, sql: SqlOptions = {}): Promise<void> {
  await staged(
    way,
    async (stage) => {
      stage.model.setScn("south", (await stage.control.readTenant("south")).syncScn + SECOND);
      await stage.setAlive("north", false);
      await work(stage);
    },
    sql,
  );
}

describe.for(WAYS)("the switchover of tenants through %s", (way) => {
  test("R10: the standby becomes primary, the old primary follows it, the clients are sent there", () =>
    staged(way, async (stage) => {
      const run = await runToRest(stage.actions, planOf(SWITCHOVER));
      expect(run.snapshot().status).toBe("SUCCESSFUL");
      expect(await tenantState(stage)).toEqual(SWITCHED);
      expect(await stage.control.readRestoreSource("north")).toMatchObject({ from: "south" });
      expect(stage.model.statements.map((statement) => statement.replace(/SERVICE=\S+/, "SERVICE=..."))).toEqual([
        "ALTER SYSTEM SWITCHOVER TO STANDBY TENANT = shop",
        "ALTER SYSTEM SWITCHOVER TO PRIMARY TENANT = shop",
        "ALTER SYSTEM SET LOG_RESTORE_SOURCE = 'SERVICE=... USER=rep@shop PASSWORD=******' TENANT = shop",
      ]);
    }));

  test("R10: and back again, which needs no new source", () =>
    staged(way, async (stage) => {
      await runToRest(stage.actions, planOf(SWITCHOVER));
      const back = { ...PARAMS[SWITCHOVER], primary: "south", standby: "north" };
      const run = await runToRest(stage.actions, planOf(SWITCHOVER), back);
      expect(run.snapshot().status).toBe("SUCCESSFUL");
      expect(await tenantState(stage)).toEqual(BEFORE);
    }));

  test.for(idsIn(SWITCHOVER))("R30: a failure after %s took effect is undone to the state before", (node) =>
    staged(way, async (stage) => {
      const plan = planOf(SWITCHOVER);
      const run = await runToRest(injectFailure(stage.actions, plan, node, "after"), plan);
      expect(run.snapshot().status).toBe("ROLLED_BACK");
      expect(await tenantState(stage)).toEqual(BEFORE);
      expect(await stage.control.readRestoreSource("north")).toBeNull();
      expect(await stage.notes.readNote(promotionKey(run.id))).toBeUndefined();
    }),
  );

  test("R27: a statement whose answer is lost is asked about, and not given a second time", () =>
    staged(
      way,
      async (stage) => {
        const run = await runToRest(stage.actions, planOf(SWITCHOVER));
        expect(run.snapshot().status).toBe("SUCCESSFUL");
        expect(stage.model.statements).toHaveLength(3);
      },
      { fault: ({ statement }) => (/^ALTER/.test(statement) && !/VERIFY$/.test(statement) ? "cut-after" : undefined) },
    ));

  test("R10: a switchover that somebody left half done is finished, or gives the old primary its role back", async () => {
    await staged(way, async (stage) => {
      await stage.control.change("north", "SWITCHOVER TO STANDBY");
      expect((await runToRest(stage.actions, planOf(SWITCHOVER))).snapshot().status).toBe("SUCCESSFUL");
      expect(await tenantState(stage)).toEqual(SWITCHED);
    });
    await staged(way, async (stage) => {
      await stage.control.change("north", "SWITCHOVER TO STANDBY");
      const plan = planOf(SWITCHOVER);
      const run = await runToRest(injectFailure(stage.actions, plan, "drain"), plan);
      expect(run.snapshot().status).toBe("ROLLED_BACK");
      expect(await tenantState(stage)).toEqual(BEFORE);
    });
  });
});

describe("the switchover of tenants, further", () => {
  const cases = idsIn(SWITCHOVER).flatMap((node) => [[node, "before"] as const, [node, "after"] as const]);

  test.for(cases)(
    "R37: failed at %s, %s its effect, it rests when told to, and a retry finishes it",
    ([node, moment]) =>
      staged("memory", async (stage) => {
        const plan = planOf(SWITCHOVER, "pause");
        const run = await runToRest(injectFailure(stage.actions, plan, node, moment), plan);
        expect(run.snapshot().status).toBe("FAILED");
        await run.retry();
        await run.settled();
        expect(run.snapshot().status).toBe("SUCCESSFUL");
        expect(await tenantState(stage)).toEqual(SWITCHED);
      }),
  );

  test.for([
    [
      "a standby that is too far behind",
      "LOGS_BEHIND",
      async ({ model, control }: TenantStage) => {
        model.stall("south", true);
        model.setScn("north", (await control.readTenant("north")).syncScn + 11n * SECOND);
      },
    ],
    [
      "a standby with an offline replica",
      "REPLICA_OFFLINE",
      async ({ model }: TenantStage) => model.setOffline("south", 1),
    ],
    [
      "an old primary with an offline replica",
      "REPLICA_OFFLINE",
      async ({ model }: TenantStage) => model.setOffline("north", 1),
    ],
    [
      "a standby that follows somebody else",
      "NOT_FOLLOWING",
      async ({ control }: TenantStage) =>
        control.setRestoreSource("south", { from: "west", user: "rep", passwordRef: "rep" }),
    ],
    [
      "a standby that follows nobody",
      "NOT_FOLLOWING",
      async ({ control }: TenantStage) => control.setRestoreSource("south", null),
    ],
    ["a dead primary", "TENANT_UNREACHABLE", async ({ setAlive }: TenantStage) => setAlive("north", false)],
  ] as const)("R14: %s is refused before anything is stopped", ([, code, arrange]) =>
    staged("memory", async (stage) => {
      await arrange(stage);
      const given = stage.model.statements.length;
      const run = await runToRest(stage.actions, planOf(SWITCHOVER));
      expect(run.snapshot().status).toBe("ROLLED_BACK");
      expect(run.snapshot().nodes[0]?.error).toMatchObject({ code });
      if (code === "TENANT_UNREACHABLE") expect(run.snapshot().nodes[0]?.error?.message).toContain(FAILOVER);
      expect(stage.model.statements).toHaveLength(given);
    }),
  );

  test.for([
    [9089, "OLD_PRIMARY_LOG_STREAM"],
    [4043, "OLD_PRIMARY_LOGIN"],
    [5260, "OLD_PRIMARY_LOCKED"],
    [4179, "LOGS_BEHIND"],
  ] as const)("R30: the number %i fails the promotion, and the old primary takes writes again", ([errno, code]) =>
    staged("sql", async (stage) => {
      stage.model.obstruct("north", errno);
      const run = await runToRest(stage.actions, planOf(SWITCHOVER));
      expect(run.snapshot().status).toBe("ROLLED_BACK");
      const promote = run.snapshot().nodes.find(({ id }) => id === "promote");
      expect(promote?.error).toMatchObject({ code, message: expect.stringContaining(String(errno)) });
      expect(await tenantState(stage)).toEqual(BEFORE);
    }),
  );

  test("R32: a new primary that does not answer stops the undo, and nobody becomes primary beside it", () =>
    staged("memory", async (stage) => {
      const plan = planOf(SWITCHOVER, "pause");
      const run = await runToRest(injectFailure(stage.actions, plan, "verifyPromoted"), plan);
      await stage.setAlive("south", false);
      await run.rollback();
      await run.settled();
      await run.skipRollback("promote");
      await run.settled();
      expect(run.snapshot().status).toBe("ROLLBACK_FAILED");
      expect((await stage.control.readTenant("north")).role).toBe("STANDBY");
      await stage.setAlive("south", true);
      await run.rollback();
      await run.settled();
      expect(run.snapshot().nodes.find(({ id }) => id === "demote")?.compensation?.error).toMatchObject({
        code: "TWO_PRIMARIES",
      });
    }));
});

describe.for(WAYS)("the failover of tenants through %s", (way) => {
  test("R10: the standby with the most log is activated, the old primary is marked, the clients are sent there", () =>
    outage(way, async (stage) => {
      const run = await runToRest(stage.actions, planOf(FAILOVER));
      expect(run.snapshot().status).toBe("SUCCESSFUL");
      expect(await tenantState(stage)).toEqual({ writers: ["south"], source: "north", route: "south", rebuild: true });
      expect(run.snapshot().nodes.find(({ id }) => id === "mark")?.output).toEqual({
        rebuild: ["north"],
        reconnect: ["west"],
      });
      expect(stage.model.statements).toEqual(["ALTER SYSTEM ACTIVATE STANDBY TENANT = shop"]);
    }));

  test("R14: a primary that still answers is refused, and the other plan is named", () =>
    staged(way, async (stage) => {
      const run = await runToRest(stage.actions, planOf(FAILOVER));
      expect(run.snapshot().status).toBe("ROLLED_BACK");
      const { error } = run.snapshot().nodes[1] ?? {};
      expect(error).toMatchObject({ code: "ALIVE_OBSERVER", message: expect.stringContaining(SWITCHOVER) });
      expect(stage.model.statements).toEqual([]);
    }));

  test("R33: a primary that comes back at the last moment is not passed", () =>
    outage(way, async (stage) => {
      const { "oceanbase.drop-route": drop, ...others } = stage.actions;
      if (typeof drop !== "object") throw new Error("no action");
      const back = {
        ...drop,
        run: async (ctx: ActionContext) => {
          await stage.setAlive("north", true);
          return await drop.run(ctx);
        },
      };
      const run = await runToRest({ ...others, "oceanbase.drop-route": back }, planOf(FAILOVER));
      expect(run.snapshot().nodes.find(({ id }) => id === "activate")?.error).toMatchObject({ code: "ALIVE_OBSERVER" });
      expect(run.snapshot()).toMatchObject({ status: "PARTIALLY_ROLLED_BACK", prohibitRollback: true });
      expect(stage.model.statements).toEqual([]);
    }));
});

describe("the failover of tenants, further", () => {
  const nodes = idsIn(FAILOVER);
  const cases = nodes.flatMap((node) => [[node, "before"] as const, [node, "after"] as const]);
  const return_ = nodes.indexOf("activate");

  test.for(cases)(
    "R33, R34: failed at %s, %s its effect: undone before the activation, forward after it",
    ([node, moment]) =>
      outage("memory", async (stage) => {
        const plan = planOf(FAILOVER);
        const run = await runToRest(injectFailure(stage.actions, plan, node, moment), plan);
        if (nodes.indexOf(node) < return_) {
          expect(run.snapshot().status).toBe("ROLLED_BACK");
          expect(await tenantState(stage)).toEqual({ ...BEFORE, writers: [] });
          return;
        }
        expect(run.snapshot()).toMatchObject({ status: "PARTIALLY_ROLLED_BACK", prohibitRollback: true });
        await run.retry();
        await run.settled();
        expect(run.snapshot().status).toBe("SUCCESSFUL");
        expect(await tenantState(stage)).toMatchObject({ writers: ["south"], route: "south", rebuild: true });
      }),
  );

  test.for(cases)(
    "R37: failed at %s, %s its effect, it rests when told to, and a retry finishes it",
    ([node, moment]) =>
      outage("memory", async (stage) => {
        const plan = planOf(FAILOVER, "pause");
        const run = await runToRest(injectFailure(stage.actions, plan, node, moment), plan);
        expect(run.snapshot().status).toBe("FAILED");
        await run.retry();
        await run.settled();
        expect(run.snapshot().status).toBe("SUCCESSFUL");
        expect(await tenantState(stage)).toMatchObject({ writers: ["south"], route: "south", rebuild: true });
      }),
  );

  test.for([
    ["a candidate that lacks too much", "LOGS_BEHIND", { candidate: "west", maxLagSeconds: 0.5 }],
    ["log that monitoring has seen, and nobody has", "LOGS_BEHIND", { lastKnownScn: "1735689700000000000" }],
    ["a candidate that is not among the standbys", "NO_CANDIDATE", { candidate: "east" }],
  ] as const)("R14: %s is refused", ([, code, params]) =>
    outage("memory", async (stage) => {
      const run = await runToRest(stage.actions, planOf(FAILOVER), { ...PARAMS[FAILOVER], ...params });
      expect(run.snapshot().status).toBe("ROLLED_BACK");
      expect(run.snapshot().nodes[2]?.error).toMatchObject({ code });
      expect(stage.model.statements).toEqual([]);
    }),
  );

  test.for([
    [
      "a standby that does not answer",
      "TENANT_UNREACHABLE",
      async ({ setAlive }: TenantStage) => setAlive("west", false),
    ],
    ["an offline replica", "REPLICA_OFFLINE", async ({ model }: TenantStage) => model.setOffline("south", 1)],
    [
      "a standby that is primary already",
      "TWO_PRIMARIES",
      async ({ control }: TenantStage) => {
        await control.change("west", "ACTIVATE STANDBY");
        while ((await control.readTenant("west")).role !== "PRIMARY");
      },
    ],
  ] as const)("R14: %s keeps the failover from beginning", ([, code, arrange]) =>
    outage("memory", async (stage) => {
      await arrange(stage);
      const given = stage.model.statements.length;
      const run = await runToRest(stage.actions, planOf(FAILOVER));
      expect(run.snapshot().nodes[2]?.error).toMatchObject({ code });
      expect(stage.model.statements).toHaveLength(given);
    }),
  );

  test("R10: an activation that somebody left half done is finished, on the same standby", () =>
    outage("memory", async (stage) => {
      await stage.control.change("west", "ACTIVATE STANDBY");
      const run = await runToRest(stage.actions, planOf(FAILOVER));
      expect(run.snapshot().status).toBe("SUCCESSFUL");
      expect((await tenantState(stage)).writers).toEqual(["west"]);
    }));
});
