/**
 * What the PostgreSQL plans refuse on real servers, and that nothing is touched by it: prepared transactions, an unclean stop, a fence
 * that somebody broke, servers of another cluster, a second primary; and the one wipe that needs no proof, `reclone: always`. One
 * cluster serves all cases, since each must leave it whole; a case that does not fails all that follow.
 */
import { truncate } from "node:fs/promises";
import { join } from "node:path";
import { createPostgresCluster } from "@belay/failover-plans/embedded-postgres";
import { explainPostgresRun } from "@belay/failover-plans/postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, query } from "../../packages/failover-plans/src/postgres/client.ts";
import { readStatus } from "../../packages/failover-plans/src/postgres/status.ts";
import { controlBut, failuresOf, LiveDrill, type Roles, statusOf } from "./live-drill.ts";

const CASE_TIMEOUT_MS = 20_000;
/** Beyond every fork: a server that holds it has diverged. */
const ONLY_HERE = 100_001;

let drill: LiveDrill;
beforeAll(async () => {
  drill = await LiveDrill.create();
});
afterAll(async () => {
  await drill?.close();
});

function failover({ primary, standbys }: Roles): { primary: string; standbys: readonly string[] } {
  return { primary, standbys };
}

function switchover(roles: Roles): { primary: string; standbys: readonly string[]; candidate: string } {
  return { ...failover(roles), candidate: roles.standbys[0] ?? "" };
}

/** Lets every node take prepared transactions; standbys first, they must allow as many as their primary. */
async function allowPreparedTransactions({ primary, standbys }: Roles): Promise<void> {
  for (const name of [...standbys, primary]) {
    await query(drill.node(name), "alter system set max_prepared_transactions = 4");
    await drill.cluster.control.stop(name);
    await drill.cluster.control.start(name);
  }
}

test(
  "R30: PREPARED_TRANSACTIONS: a switchover names them and changes nothing; once they are finished it goes through",
  async () => {
    const roles = await drill.roles();
    await allowPreparedTransactions(roles);
    await drill.expectHealthy(roles.primary, roles.timeline);
    const primary = drill.node(roles.primary);
    const session = await connect(primary);
    await session.query("create table promised (id integer)");
    await session.query("begin");
    await session.query("insert into promised values (1)");
    await session.query("prepare transaction 'an order'");
    await session.end();
    const route = await drill.cluster.route.current();
    const { snapshot } = await drill.start("postgres-switchover", switchover(roles));
    expect(snapshot.status).toBe("ROLLED_BACK");
    expect(snapshot.nodes.find(({ id }) => id === "precheck")?.error).toMatchObject({
      code: "PREPARED_TRANSACTIONS",
      details: ["an order"],
    });
    expect(await drill.cluster.route.current()).toEqual(route);
    expect(explainPostgresRun(snapshot).join(" ")).toContain("Nothing was changed: the primary takes writes");
    // Not lost, not decided by the plan: it is still there for its owner.
    await query(primary, "commit prepared 'an order'");
    await drill.expectHealthy(roles.primary, roles.timeline);
    const { snapshot: second } = await drill.start("postgres-switchover", switchover(roles));
    expect(second.status).toBe("SUCCESSFUL");
    await drill.expectHealthy(switchover(roles).candidate, roles.timeline + 1);
    expect(await query(drill.node(switchover(roles).candidate), "select id from promised")).toEqual([{ id: 1 }]);
  },
  CASE_TIMEOUT_MS,
);

test(
  "R30: UNCLEAN_SHUTDOWN: a primary that crashed instead of stopping is not replaced by a switchover, it takes writes again",
  async () => {
    const roles = await drill.roles();
    await drill.keepRow(roles.primary);
    const { control } = drill.cluster;
    const { snapshot } = await drill.start("postgres-switchover", switchover(roles), {
      access: { control: controlBut(control, { stop: (name) => control.kill(name) }) },
    });
    expect(snapshot).toMatchObject({ status: "ROLLED_BACK", prohibitRollback: false });
    expect(failuresOf(snapshot)).toEqual(["UNCLEAN_SHUTDOWN"]);
    expect(statusOf(snapshot, "stopOld")).toEqual(["COMPENSATED"]);
    await drill.expectHealthy(roles.primary, roles.timeline);
  },
  CASE_TIMEOUT_MS,
);

test(
  "RECOVERY_BLOCKED: a second failover right after the first is refused before anything is touched, until it is acknowledged",
  async () => {
    const first = await drill.loseThePrimary();
    const once = await drill.start("postgres-failover", failover(first));
    expect(once.snapshot.status).toBe("SUCCESSFUL");
    const second = await drill.loseThePrimary();
    const guarded = { ...failover(second), recoveryBlockSeconds: 3600 };
    const { snapshot } = await drill.start("postgres-failover", guarded);
    expect(snapshot).toMatchObject({ status: "ROLLED_BACK", prohibitRollback: false });
    expect(snapshot.nodes.find(({ id }) => id === "checkRecent")?.error).toMatchObject({
      code: "RECOVERY_BLOCKED",
      details: { last: { runId: once.snapshot.id, from: first.primary, to: second.primary } },
    });
    expect(statusOf(snapshot, "fence")).toEqual(["PENDING"]);
    const again = await drill.start("postgres-failover", { ...guarded, acknowledge: "a test of the second failure" });
    expect(again.snapshot.status).toBe("SUCCESSFUL");
    const [writer = ""] = await drill.writers();
    await drill.expectHealthy(writer, second.timeline + 1);
  },
  CASE_TIMEOUT_MS,
);

test(
  "ROUTE_TAKEN: a controller that another one has overtaken promotes nothing, and starts no old primary beside it",
  async () => {
    const roles = await drill.loseThePrimary();
    const { route } = drill.cluster;
    const { epoch } = await route.current();
    // Another controller empties the route under a later epoch while this one works.
    const overtaken = { ...route, current: async () => ({ writer: null, epoch: epoch + 9 }) };
    let emptied = false;
    const taking = {
      publish: async (writer: string | null, at: number) => {
        const done = await route.publish(writer, at);
        emptied = true;
        return done;
      },
      current: async () => await (emptied ? overtaken : route).current(),
    };
    const { snapshot } = await drill.start("postgres-failover", failover(roles), { access: { route: taking } });
    expect(snapshot.nodes.find(({ id }) => id === "announce")?.error?.code).toBe("ROUTE_TAKEN");
    expect(statusOf(snapshot, "promote")).toEqual(["PENDING"]);
    // What it had fenced is the other one's by now: an operator says what becomes of it.
    expect(snapshot.status).toBe("ROLLBACK_FAILED");
    expect(await drill.writers()).toEqual([]);
    await drill.act("postgres.unfence", { primary: roles.primary, standbys: [...roles.standbys] });
    await drill.expectHealthy(roles.primary, roles.timeline);
  },
  CASE_TIMEOUT_MS,
);

test(
  "R33: FENCE_BROKEN: nothing is promoted beside an old primary that somebody started; once it is down, a retry goes on",
  async () => {
    const roles = await drill.loseThePrimary();
    const { control } = drill.cluster;
    // The control file is the last that the fence looks at: from then on the server should stay down.
    const started = controlBut(control, {
      controlState: async (name) => {
        const state = await control.controlState(name);
        await control.start(name);
        return state;
      },
    });
    const { run, snapshot } = await drill.start("postgres-failover", failover(roles), { access: { control: started } });
    expect(snapshot).toMatchObject({ status: "PARTIALLY_ROLLED_BACK", prohibitRollback: true });
    expect(failuresOf(snapshot)).toEqual(["FENCE_BROKEN"]);
    expect(await drill.writers()).toEqual([]);
    // The fence held even so: whoever started it got a server that is read-only and follows nobody.
    expect(await readStatus(drill.node(roles.primary))).toMatchObject({ inRecovery: true, primaryConninfo: "" });
    expect((await drill.cluster.route.current()).writer).toBeNull();
    await control.kill(roles.primary);
    await run.retry({ who: "operator", why: "it is down again" });
    expect((await run.settled()).status).toBe("SUCCESSFUL");
    const [writer = ""] = await drill.writers();
    expect(writer).not.toBe(roles.primary);
    await drill.expectHealthy(writer, roles.timeline + 1);
  },
  CASE_TIMEOUT_MS,
);

test(
  "READ_ONLY_STANDBY: a standby that would refuse writes as a primary is found out before anything is touched",
  async () => {
    const roles = await drill.roles();
    const [standby = ""] = roles.standbys;
    await query(drill.node(standby), "alter system set default_transaction_read_only = on");
    await query(drill.node(standby), "select pg_reload_conf()");
    await drill.cluster.control.kill(roles.primary);
    const { snapshot } = await drill.start("postgres-failover", failover(roles));
    expect(snapshot).toMatchObject({ status: "ROLLED_BACK", prohibitRollback: false });
    expect(failuresOf(snapshot)).toEqual(["READ_ONLY_STANDBY"]);
    expect(statusOf(snapshot, "fence")).toEqual(["PENDING"]);
    await query(drill.node(standby), "alter system reset default_transaction_read_only");
    await query(drill.node(standby), "select pg_reload_conf()");
    await drill.cluster.control.start(roles.primary);
    await drill.expectHealthy(roles.primary, roles.timeline);
  },
  CASE_TIMEOUT_MS,
);

test(
  "R30: a standby that a former run froze and left is frozen again, and its undoing lets it follow",
  async () => {
    const roles = await drill.roles();
    await drill.cluster.control.kill(roles.primary);
    await drill.act("postgres.freeze", { standby: roles.standbys[0] ?? "", primary: roles.primary, savedConninfo: "" });
    const fault = { node: "rank", when: "before" } as const;
    const { snapshot } = await drill.start("postgres-failover", failover(roles), { fault });
    expect(snapshot.status).toBe("ROLLED_BACK");
    await drill.expectHealthy(roles.primary, roles.timeline);
  },
  CASE_TIMEOUT_MS,
);

test(
  "a restarted standby is compared by all that is on its disk, not by how far it has replayed",
  async () => {
    const roles = await drill.roles();
    const { control } = drill.cluster;
    // The one that would lose among equals is the only one to receive the row, and replays it late.
    const [behind = "", ahead = ""] = roles.standbys;
    await query(drill.node(ahead), "alter system set recovery_min_apply_delay = '3s'");
    await query(drill.node(ahead), "select pg_reload_conf()");
    await control.stop(behind);
    await drill.keepRow(roles.primary);
    await control.kill(roles.primary);
    await control.kill(ahead);
    await control.start(ahead);
    await control.start(behind);
    const { snapshot } = await drill.start("postgres-failover", failover(roles));
    expect(snapshot.status).toBe("SUCCESSFUL");
    expect(await drill.writers()).toEqual([ahead]);
    for (const { name } of drill.cluster.nodes) {
      // A copy of the new primary has taken the setting along.
      await query(drill.node(name), "alter system reset recovery_min_apply_delay");
      await query(drill.node(name), "select pg_reload_conf()");
    }
    await drill.expectHealthy(ahead, roles.timeline + 1);
  },
  CASE_TIMEOUT_MS,
);

test(
  "FOREIGN_CLUSTER: a standby of another cluster takes no part, and nothing is touched",
  async () => {
    const other = await createPostgresCluster({ nodes: 1 });
    try {
      await other.control.stop(other.primary);
      await other.control.markStandby(other.primary, "");
      await other.control.start(other.primary);
      const aliens = other.nodes.map((node) => ({ ...node, name: "alien" }));
      const roles = await drill.loseThePrimary();
      const { snapshot } = await drill.start(
        "postgres-failover",
        { primary: roles.primary, standbys: [...roles.standbys, "alien"], quorum: 1 },
        { access: { nodes: [...drill.cluster.nodes, ...aliens] } },
      );
      expect(snapshot).toMatchObject({ status: "ROLLED_BACK", prohibitRollback: false });
      expect(snapshot.nodes.find(({ id }) => id === "checkStandbys")?.error).toMatchObject({
        code: "FOREIGN_CLUSTER",
        details: expect.arrayContaining([expect.objectContaining({ name: "alien" })]),
      });
      expect(statusOf(snapshot, "fence")).toEqual(["PENDING"]);
      expect(await drill.cluster.control.isMarkedStandby(roles.primary)).toBe(false);
      await drill.cluster.control.start(roles.primary);
      await drill.expectHealthy(roles.primary, roles.timeline);
    } finally {
      await other.stop();
    }
  },
  CASE_TIMEOUT_MS,
);

test(
  "FOREIGN_CLUSTER: a rejoin never wipes a server of another cluster, whatever its timeline",
  async () => {
    const other = await createPostgresCluster({ nodes: 1 });
    try {
      const [stranger] = other.nodes;
      if (stranger === undefined) throw new Error("no node");
      // A timeline that the writer never had: it looks diverged.
      await query(stranger, "create table precious (id integer)");
      for (let timeline = 1; timeline < 9; timeline += 1) {
        await other.control.stop(other.primary);
        await other.control.markStandby(other.primary, "");
        await other.control.start(other.primary);
        await query(stranger, "select pg_promote()");
      }
      await other.control.stop(other.primary);
      const roles = await drill.roles();
      const { control } = drill.cluster;
      const owner = (name: string) => (name === "alien" ? other.control : control);
      const known = (name: string): string => (name === "alien" ? other.primary : name);
      const both = controlBut(control, {
        start: (name) => owner(name).start(known(name)),
        stop: (name) => owner(name).stop(known(name)),
        isRunning: (name) => owner(name).isRunning(known(name)),
        markStandby: (name, conninfo) => owner(name).markStandby(known(name), conninfo),
        isMarkedStandby: (name) => owner(name).isMarkedStandby(known(name)),
        // Both clusters call a node pg1: the source must not be taken for the copy itself.
        reclone: (name, source) => owner(name).reclone(known(name), { ...source, name: `the writer ${source.name}` }),
        conninfo: (name, source) => owner(name).conninfo(known(name), source),
      });
      const nodes = [...drill.cluster.nodes, { ...stranger, name: "alien" }];
      const access = { control: both, nodes };
      const { snapshot } = await drill.start("rejoin-standby", { node: "alien", writer: roles.primary }, { access });
      expect(failuresOf(snapshot)).toEqual(["FOREIGN_CLUSTER"]);
      expect(await query(stranger, "select id from precious")).toEqual([]);
      // One that does not start is known by its control file.
      await other.control.stop(other.primary);
      const dead = controlBut(both, {
        start: () => Promise.reject(new Error("it does not start")),
        controlState: (name) => owner(name).controlState(known(name)),
      });
      const params = { node: "alien", writer: roles.primary, reclone: "always" };
      const wiping = await drill.start("rejoin-standby", params, { access: { control: dead, nodes } });
      expect(failuresOf(wiping.snapshot)).toEqual(["FOREIGN_CLUSTER"]);
      await drill.expectHealthy(roles.primary, roles.timeline);
    } finally {
      await other.stop();
    }
  },
  CASE_TIMEOUT_MS,
);

test(
  "SPLIT_BRAIN: a second primary is not wiped while it runs; once stopped it rejoins, and what only it had is reported",
  async () => {
    const roles = await drill.loseThePrimary();
    const { control } = drill.cluster;
    const fault = { node: "rejoinOld", when: "before" } as const;
    await drill.start("postgres-failover", failover(roles), { fault });
    const [writer = ""] = await drill.writers();
    // Against all advice: the old primary is freed from its fence and started.
    await control.unmarkStandby(roles.primary);
    await control.start(roles.primary);
    const session = await connect(drill.node(roles.primary));
    await session.query("set synchronous_commit = local");
    await session.query("insert into kept values ($1)", [ONLY_HERE]);
    await session.end();
    const params = { node: roles.primary, writer, salvage: { table: "public.kept", key: "id" } };
    const { run, snapshot } = await drill.start("rejoin-standby", params);
    expect(snapshot.status).toBe("FAILED");
    expect(failuresOf(snapshot)).toEqual(["SPLIT_BRAIN"]);
    expect([...(await drill.writers())].sort()).toEqual([roles.primary, writer].sort());
    expect((await drill.cluster.route.current()).writer).toBe(writer);
    await control.stop(roles.primary);
    await run.retry({ who: "operator", why: "it is stopped" });
    const settled = await run.settled();
    expect(settled.status).toBe("SUCCESSFUL");
    expect(settled.nodes.find(({ id }) => id === "rejoin")?.output).toMatchObject({
      mode: "reclone",
      salvageable: { count: 1, keys: [String(ONLY_HERE)] },
    });
    await drill.expectHealthy(writer, roles.timeline + 1);
  },
  CASE_TIMEOUT_MS,
);

test(
  "reclone: a server that does not start is left alone by default, and copied anew when the plan says always",
  async () => {
    const roles = await drill.loseThePrimary();
    await truncate(join(drill.cluster.dataDir, roles.primary, "global", "pg_control"), 100);
    const { snapshot } = await drill.start("postgres-failover", failover(roles));
    expect(snapshot.status).toBe("SUCCESSFUL");
    expect(snapshot.nodes.find(({ id }) => id === "rejoinOld")?.error?.code).toBe("DOES_NOT_START_FENCED");
    expect(await drill.cluster.control.isRunning(roles.primary)).toBe(false);
    const [writer = ""] = await drill.writers();
    const rejoin = await drill.start("rejoin-standby", { node: roles.primary, writer, reclone: "always" });
    expect(rejoin.snapshot.status).toBe("SUCCESSFUL");
    // What it held is not known: nothing is claimed about it.
    expect(rejoin.snapshot.nodes.find(({ id }) => id === "rejoin")?.output).toMatchObject({
      mode: "reclone",
      endLsn: null,
      salvageable: null,
    });
    await drill.expectHealthy(writer, roles.timeline + 1);
  },
  CASE_TIMEOUT_MS,
);
