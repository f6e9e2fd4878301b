/**
 * postgres-switchover on real servers: no commit is lost, no client is led astray, and what is left when any node of the plan
 * fails. One cluster serves all cases, since each must leave it whole; a case that does not fails all that follow.
 */
import { loadPlan } from "@belay/failover-plans";
import { startWorkload } from "@belay/failover-plans/embedded-postgres";
import { explainPostgresRun } from "@belay/failover-plans/postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect, query } from "../../packages/failover-plans/src/postgres/client.ts";
import { failuresOf, LiveDrill, type Roles } from "./live-drill.ts";

const CASE_TIMEOUT_MS = 40_000;

/** Where a failure is undone: before the point of no return. */
const UNDONE = [
  ["precheck", "before"],
  ["flush", "before"],
  ["dropRoute", "before"],
  ["dropRoute", "after"],
  ["readonly", "before"],
  ["readonly", "after"],
  ["drain", "before"],
  ["stopOld", "before"],
  ["stopOld", "after"],
  ["verifyShutdown", "before"],
] as const;
/** Where a failure leaves what was promoted. */
const COMPLETED = [
  ["promote", "before"],
  ["promote", "after"],
  ["verify", "before"],
  ["publish", "before"],
  ["repoint", "before"],
  ["rejoinOld", "before"],
  ["rejoinOld", "after"],
] as const;

let drill: LiveDrill;
beforeAll(async () => {
  drill = await LiveDrill.create();
});
afterAll(async () => {
  await drill?.close();
});

function candidateOf({ standbys }: Roles): string {
  return standbys[0] ?? "";
}

function params(roles: Roles): Record<string, string | readonly string[]> {
  return { primary: roles.primary, standbys: roles.standbys, candidate: candidateOf(roles) };
}

test("every node of the plan fails in one of these cases", () => {
  const cases = new Set<string>([...UNDONE, ...COMPLETED].map(([node]) => node));
  expect([...cases].sort()).toEqual(
    loadPlan("postgres-switchover")
      .document.nodes.map(({ id }) => id)
      .sort(),
  );
});

test(
  "a switchover under load loses no acknowledged row and leaves one writer and equal nodes",
  async () => {
    const workload = await startWorkload({ route: drill.cluster.route, nodes: drill.cluster.nodes });
    const roles = await drill.roles();
    while (workload.acknowledged() < 500) await new Promise((resolve) => setTimeout(resolve, 20));
    workload.mark();
    const { snapshot } = await drill.start("postgres-switchover", params(roles));
    const before = workload.acknowledged();
    while (workload.acknowledged() < before + 100) await new Promise((resolve) => setTimeout(resolve, 20));
    await workload.stop();
    const report = await workload.report();
    expect(snapshot.status, JSON.stringify(snapshot.nodes.map(({ id, error }) => ({ id, error })))).toBe("SUCCESSFUL");
    expect(report).toMatchObject({ acknowledgedLost: 0, allNodesEqual: true, writers: [candidateOf(roles)] });
    const rejoined = snapshot.nodes.find(({ id }) => id === "rejoinOld");
    expect(rejoined?.output).toMatchObject({ node: roles.primary, mode: "direct", timeline: roles.timeline + 1 });
    await drill.expectHealthy(candidateOf(roles), roles.timeline + 1);
    expect(explainPostgresRun(snapshot)).toContain("Nothing is left to do.");
  },
  CASE_TIMEOUT_MS,
);

describe("R30: a failure before the point of no return leaves the cluster exactly as it was", () => {
  test.each(UNDONE)(
    "%s fails %s its effect",
    async (node, when) => {
      const roles = await drill.roles();
      await drill.keepRow(roles.primary);
      const { snapshot } = await drill.start("postgres-switchover", params(roles), { fault: { node, when } });
      expect(snapshot).toMatchObject({ status: "ROLLED_BACK", prohibitRollback: false });
      await drill.expectHealthy(roles.primary, roles.timeline);
      const words = explainPostgresRun(snapshot).join(" ");
      const touched = !["precheck", "flush"].includes(node);
      expect(words).toContain(touched ? `${roles.primary} is the primary again` : "Nothing was changed");
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "a silent standby and a read-only primary are refused while writes go on",
    async () => {
      const roles = await drill.roles();
      const [, other = ""] = roles.standbys;
      await drill.cluster.control.stop(other);
      const silent = await drill.start("postgres-switchover", params(roles));
      expect(silent.snapshot.status).toBe("ROLLED_BACK");
      await drill.cluster.control.start(other);
      await drill.expectHealthy(roles.primary, roles.timeline);
      const primary = drill.node(roles.primary);
      await query(primary, "alter system set default_transaction_read_only = on");
      await query(primary, "select pg_reload_conf()");
      const readOnly = await drill.start("postgres-switchover", params(roles));
      expect(failuresOf(readOnly.snapshot)).toEqual(["READ_ONLY_ALREADY"]);
      await query(primary, "alter system reset default_transaction_read_only");
      await query(primary, "select pg_reload_conf()");
      await drill.expectHealthy(roles.primary, roles.timeline);
    },
    CASE_TIMEOUT_MS,
  );
});

describe("R34: a failure after the point of no return leaves what was promoted, and a retry completes it", () => {
  test.each(COMPLETED)(
    "%s fails %s its effect",
    async (node, when) => {
      const roles = await drill.roles();
      await drill.keepRow(roles.primary);
      const { run, snapshot } = await drill.start("postgres-switchover", params(roles), { fault: { node, when } });
      expect(snapshot).toMatchObject({ status: "PARTIALLY_ROLLED_BACK", prohibitRollback: true });
      const promoted = node !== "promote" || when === "after";
      expect(await drill.writers()).toEqual(promoted ? [candidateOf(roles)] : []);
      const reached = ["repoint", "rejoinOld"].includes(node);
      expect((await drill.cluster.route.current()).writer).toBe(reached ? candidateOf(roles) : null);
      await expect(run.rollback()).rejects.toMatchObject({ code: "ROLLBACK_PROHIBITED" });
      await run.retry({ who: "operator", why: "the cause is gone" });
      expect((await run.settled()).status).toBe("SUCCESSFUL");
      await drill.expectHealthy(candidateOf(roles), roles.timeline + 1);
    },
    CASE_TIMEOUT_MS,
  );
});

test(
  "blocking writes disconnects clients: a commit that waits for a standby is never called a success",
  async () => {
    const roles = await drill.roles();
    const primary = drill.node(roles.primary);
    await query(primary, "create table unacknowledged (id integer)");
    const open = await connect(primary);
    await open.query("begin");
    await open.query("insert into unacknowledged values (1)");
    for (const name of roles.standbys) await drill.cluster.control.stop(name);
    const waiting = await connect(primary, { queryTimeoutMs: 30_000 });
    const commit = waiting.query("insert into unacknowledged values (2)").then(
      () => "acknowledged",
      (error: Error) => error.message,
    );
    await drill.eventually(async () => {
      const waits = await query(primary, "select from pg_stat_activity where wait_event = 'SyncRep'");
      expect(waits.length).toBe(1);
    });
    await drill.act("postgres.block-writes", { primary: roles.primary });
    // The server says no more to that client: the outcome is unknown, which is the truth.
    expect(await commit).toMatch(/Connection terminated/);
    await expect(open.query("commit")).rejects.toThrow();
    await Promise.all([open.end(), waiting.end()]);
    await drill.act("postgres.allow-writes", { primary: roles.primary });
    for (const name of roles.standbys) await drill.cluster.control.start(name);
    await drill.expectHealthy(roles.primary, roles.timeline);
  },
  CASE_TIMEOUT_MS,
);
