/**
 * postgres-failover on real servers: what clients lose (nothing), and what is left when any node of the plan fails. One cluster
 * serves all cases, since each must leave it whole; a case that does not fails all that follow.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ActionContext, NonRetryable } from "@belay/engine";
import { loadPlan } from "@belay/failover-plans";
import { startWorkload } from "@belay/failover-plans/embedded-postgres";
import { explainPostgresRun, postgresActions } from "@belay/failover-plans/postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect } from "../../packages/failover-plans/src/postgres/client.ts";
import type { NodeControl } from "../../packages/failover-plans/src/postgres/ports.ts";
import { readStatus } from "../../packages/failover-plans/src/postgres/status.ts";
import { controlBut, failuresOf, LiveDrill, type Roles, statusOf } from "./live-drill.ts";

const CASE_TIMEOUT_MS = 40_000;

/** Where a failure finds nothing to undo. */
const UNTOUCHED = ["checkRecent", "confirmDown", "checkStandbys"] as const;
/** Where a failure is undone: before the point of no return. */
const UNDONE = [
  ["fence", "before"],
  ["fence", "after"],
  ["freeze", "before"],
  ["freeze", "after"],
  ["rank", "before"],
  ["rank", "after"],
  ["announce", "before"],
  ["announce", "after"],
] as const;
/** Where a failure leaves what was promoted. */
const COMPLETED = [
  ["promote", "before"],
  ["promote", "after"],
  ["verify", "before"],
  ["publish", "before"],
  ["publish", "after"],
  ["repoint", "before"],
  ["checkpoint", "before"],
] as const;

let drill: LiveDrill;
beforeAll(async () => {
  drill = await LiveDrill.create();
});
afterAll(async () => {
  await drill?.close();
});

function params({ primary, standbys }: Roles): Record<string, string | readonly string[]> {
  return { primary, standbys };
}

test("every node of the plan fails in one of these cases", () => {
  const cases = new Set<string>([
    ...UNTOUCHED,
    ...UNDONE.map(([node]) => node),
    ...COMPLETED.map(([node]) => node),
    "rejoinOld",
  ]);
  expect([...cases].sort()).toEqual(
    loadPlan("postgres-failover")
      .document.nodes.map(({ id }) => id)
      .sort(),
  );
});

test(
  "a failover under load loses no acknowledged row and leaves one writer and equal nodes",
  async () => {
    const workload = await startWorkload({ route: drill.cluster.route, nodes: drill.cluster.nodes });
    const roles = await drill.roles();
    while (workload.acknowledged() < 500) await new Promise((resolve) => setTimeout(resolve, 20));
    workload.mark();
    await drill.cluster.control.kill(roles.primary);
    const { snapshot } = await drill.start("postgres-failover", {
      ...params(roles),
      salvage: { table: "belay_demo", key: "id" },
    });
    const before = workload.acknowledged();
    while (workload.acknowledged() < before + 100) await new Promise((resolve) => setTimeout(resolve, 20));
    await workload.stop();
    const report = await workload.report();
    expect(snapshot.status, JSON.stringify(snapshot.nodes.map(({ id, error }) => ({ id, error })))).toBe("SUCCESSFUL");
    const writer = (await drill.roles()).primary;
    expect(writer).not.toBe(roles.primary);
    expect(report).toMatchObject({ acknowledgedLost: 0, allNodesEqual: true, writers: [writer] });
    expect(report.unavailabilityMs).toBeGreaterThan(0);
    const rejoined = snapshot.nodes.find(({ id }) => id === "rejoinOld");
    expect(rejoined?.output).toMatchObject({ node: roles.primary, writer, timeline: roles.timeline + 1 });
    await drill.expectHealthy(writer, roles.timeline + 1);
    expect(explainPostgresRun(snapshot)[0]).toBe(`${writer} takes writes and the clients are sent there.`);
  },
  CASE_TIMEOUT_MS,
);

describe("R34: a failure before anything was touched leaves everything as it was found", () => {
  test.each(UNTOUCHED)(
    "%s fails",
    async (node) => {
      const roles = await drill.loseThePrimary();
      const route = await drill.cluster.route.current();
      const { snapshot } = await drill.start("postgres-failover", params(roles), { fault: { node, when: "before" } });
      expect(snapshot.status).toBe("ROLLED_BACK");
      expect(await drill.cluster.route.current()).toEqual(route);
      expect(await drill.writers()).toEqual([]);
      expect(await drill.cluster.control.isMarkedStandby(roles.primary)).toBe(false);
      expect(explainPostgresRun(snapshot).join(" ")).toContain(`start the plan again, or start`);
      await drill.cluster.control.start(roles.primary);
      await drill.expectHealthy(roles.primary, roles.timeline);
    },
    CASE_TIMEOUT_MS,
  );
});

describe("R30: a failure before the point of no return makes the old primary take writes again", () => {
  test.each(UNDONE)(
    "%s fails %s its effect",
    async (node, when) => {
      const roles = await drill.loseThePrimary();
      const { snapshot } = await drill.start("postgres-failover", params(roles), { fault: { node, when } });
      expect(snapshot).toMatchObject({ status: "ROLLED_BACK", prohibitRollback: false });
      expect(statusOf(snapshot, "fence")).toEqual(["COMPENSATED"]);
      await drill.expectHealthy(roles.primary, roles.timeline);
      expect(explainPostgresRun(snapshot).join(" ")).toContain(`${roles.primary} is the primary again`);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "a standby that is too far behind is not promoted",
    async () => {
      const roles = await drill.loseThePrimary();
      const { snapshot } = await drill.start("postgres-failover", { ...params(roles), lastKnownLsn: "FF/0" });
      expect(snapshot.status).toBe("ROLLED_BACK");
      expect(failuresOf(snapshot)).toEqual(["LAG_CEILING"]);
      await drill.expectHealthy(roles.primary, roles.timeline);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "a primary that lives is not failed over",
    async () => {
      const roles = await drill.roles();
      const { snapshot } = await drill.start("postgres-failover", params(roles));
      expect(failuresOf(snapshot)).toEqual(["OLD_PRIMARY_ANSWERS"]);
      await drill.expectHealthy(roles.primary, roles.timeline);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "R32: an old primary that is really dead is named, and the rollback resumes when it is repaired",
    async () => {
      const roles = await drill.loseThePrimary();
      const machine = { broken: true };
      const { run, snapshot } = await drill.start("postgres-failover", params(roles), {
        fault: { node: "rank", when: "before" },
        access: { control: controlWhere(drill.cluster.control, roles.primary, machine) },
      });
      expect(snapshot.status).toBe("ROLLBACK_FAILED");
      expect(statusOf(snapshot, "freeze")).toEqual(["COMPENSATED"]);
      expect(await drill.writers()).toEqual([]);
      expect((await drill.cluster.route.current()).writer).toBeNull();
      const words = explainPostgresRun(snapshot).join(" ");
      expect(words).toContain(`Nobody takes writes: ${roles.primary} does not come back as primary`);
      expect(words).toContain("roll back again");
      machine.broken = false;
      await run.rollback({ who: "operator", why: "repaired" });
      expect((await run.settled()).status).toBe("ROLLED_BACK");
      await drill.expectHealthy(roles.primary, roles.timeline);
    },
    CASE_TIMEOUT_MS,
  );
});

describe("R34: a failure after the point of no return leaves what was promoted, and a retry completes it", () => {
  test.each(COMPLETED)(
    "%s fails %s its effect",
    async (node, when) => {
      const roles = await drill.loseThePrimary();
      const { run, snapshot } = await drill.start("postgres-failover", params(roles), { fault: { node, when } });
      expect(snapshot).toMatchObject({ status: "PARTIALLY_ROLLED_BACK", prohibitRollback: true });
      const rank = snapshot.nodes.find(({ id }) => id === "rank")?.output as { candidate: string };
      const promoted = node !== "promote" || when === "after";
      expect(await drill.writers()).toEqual(promoted ? [rank.candidate] : []);
      const reached = ["repoint", "checkpoint"].includes(node) || (node === "publish" && when === "after");
      expect((await drill.cluster.route.current()).writer).toBe(reached ? rank.candidate : null);
      await expect(run.rollback()).rejects.toMatchObject({ code: "ROLLBACK_PROHIBITED" });
      expect(explainPostgresRun(snapshot).join(" ")).toContain("retry the run");
      await run.retry({ who: "operator", why: "the cause is gone" });
      expect((await run.settled()).status).toBe("SUCCESSFUL");
      await drill.expectHealthy(rank.candidate, roles.timeline + 1);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "rejoinOld fails: the failover stands without the old primary, and rejoin-standby brings it back",
    async () => {
      const roles = await drill.loseThePrimary();
      const fault = { node: "rejoinOld", when: "before" } as const;
      const { snapshot } = await drill.start("postgres-failover", params(roles), { fault });
      expect(snapshot.status).toBe("SUCCESSFUL");
      expect(statusOf(snapshot, "rejoinOld")).toEqual(["FAILED"]);
      expect(await drill.cluster.control.isRunning(roles.primary)).toBe(false);
      expect(await drill.cluster.control.isMarkedStandby(roles.primary)).toBe(true);
      expect(explainPostgresRun(snapshot).join(" ")).toContain("start plan rejoin-standby");
      const [writer = ""] = await drill.writers();
      const rejoin = await drill.start("rejoin-standby", { node: roles.primary, writer });
      expect(rejoin.snapshot.status).toBe("SUCCESSFUL");
      await drill.expectHealthy(writer, roles.timeline + 1);
    },
    CASE_TIMEOUT_MS,
  );
});

describe("what a failover must not get wrong", () => {
  test(
    "a diverged old primary stays fenced when it must not be wiped; copied anew, the rows that only it had are reported",
    async () => {
      const roles = await drill.roles();
      await drill.keepRow(roles.primary);
      // Nobody listens while the last rows are written: they exist on the old primary only.
      for (const name of roles.standbys) await drill.cluster.control.stop(name);
      const session = await connect(drill.node(roles.primary));
      await session.query("set synchronous_commit = local");
      await session.query("insert into kept values (100007), (100008)");
      await session.end();
      await drill.cluster.control.kill(roles.primary);
      for (const name of roles.standbys) await drill.cluster.control.start(name);
      const { snapshot } = await drill.start("postgres-failover", { ...params(roles), reclone: "never" });
      expect(snapshot.status).toBe("SUCCESSFUL");
      expect(snapshot.nodes.find(({ id }) => id === "rejoinOld")?.error?.code).toBe("DIVERGED");
      const fenced = await readStatus(drill.node(roles.primary));
      expect(fenced).toMatchObject({ inRecovery: true, primaryConninfo: "", walReceiver: null });
      const [writer = ""] = await drill.writers();
      const salvage = { table: "public.kept", key: "id" };
      const rejoin = await drill.start("rejoin-standby", { node: roles.primary, writer, salvage });
      expect(rejoin.snapshot.nodes.find(({ id }) => id === "rejoin")?.output).toMatchObject({
        mode: "reclone",
        salvageable: { count: 2, keys: ["100007", "100008"] },
      });
      expect(explainPostgresRun(rejoin.snapshot).join(" ")).toContain("2 rows of public.kept existed only there");
      await drill.expectHealthy(writer, roles.timeline + 1);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "with the primary and one synchronous standby gone nobody is promoted, unless an operator says so",
    async () => {
      const roles = await drill.roles();
      const [lone = "", gone = ""] = roles.standbys;
      await drill.keepRow(roles.primary);
      // Every acknowledged row must reach the one that stays, or this test would lose one by its own doing.
      await drill.expectHealthy(roles.primary);
      await drill.cluster.control.kill(gone);
      await drill.cluster.control.kill(roles.primary);
      const refused = await drill.start("postgres-failover", params(roles));
      expect(failuresOf(refused.snapshot)).toEqual(["NO_QUORUM"]);
      expect(refused.snapshot.status).toBe("ROLLED_BACK");
      expect(await drill.writers()).toEqual([]);
      // The new writer waits for a synchronous standby that nobody is yet: the plan's own row must not wait with it.
      const { snapshot } = await drill.start("postgres-failover", { ...params(roles), quorum: 1 });
      expect(snapshot.status).toBe("SUCCESSFUL");
      expect(statusOf(snapshot, "repoint")).toEqual(["SKIPPED"]);
      expect(statusOf(snapshot, "rejoinOld")).toEqual(["SUCCESSFUL"]);
      const rejoin = await drill.start("rejoin-standby", { node: gone, writer: lone });
      expect(rejoin.snapshot.status).toBe("SUCCESSFUL");
      await drill.expectHealthy(lone, roles.timeline + 1);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "a primary that hangs, with its standbys still attached, is fenced and replaced",
    async () => {
      const roles = await drill.roles();
      await drill.keepRow(roles.primary);
      const pidFile = join(drill.cluster.dataDir, roles.primary, "postmaster.pid");
      process.kill(Number((await readFile(pidFile, "utf8")).split("\n")[0]), "SIGSTOP");
      const { snapshot } = await drill.start("postgres-failover", { ...params(roles), force: true });
      expect(snapshot.status).toBe("SUCCESSFUL");
      const [writer = ""] = await drill.writers();
      expect(writer).not.toBe(roles.primary);
      await drill.expectHealthy(writer, roles.timeline + 1);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "an idle primary that only this side cannot reach is not failed over: its standbys are still connected to it",
    async () => {
      const roles = await drill.roles();
      const nodes = drill.cluster.nodes.map((node) => (node.name === roles.primary ? { ...node, port: 1 } : node));
      const { snapshot } = await drill.start("postgres-failover", params(roles), { access: { nodes } });
      expect(failuresOf(snapshot)).toEqual(["OLD_PRIMARY_STREAMS"]);
      await drill.expectHealthy(roles.primary, roles.timeline);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "R42: after a crash the candidate itself says whether it was promoted",
    async () => {
      const { primary, standbys, timeline } = await drill.roles();
      const promote = postgresActions(drill.cluster)["postgres.promote"];
      if (typeof promote !== "object" || promote.verify === undefined) throw new Error("promote has no verify");
      const signal = new AbortController().signal;
      const ask = async (candidate: string, before: number): Promise<unknown> => {
        const ctx = { signal, input: { candidate, primary: "nobody", timeline: before } };
        return await promote.verify?.(ctx as unknown as ActionContext);
      };
      expect(await ask(primary, timeline - 1)).toEqual({ done: true, output: { writer: primary, timeline } });
      expect(await ask(standbys[0] ?? "", timeline)).toEqual({ done: false });
      // Out of recovery, but on the timeline that it had before: somebody else's primary.
      await expect(ask(primary, timeline)).rejects.toMatchObject({ code: "FOREIGN_PRIMARY" });
    },
    CASE_TIMEOUT_MS,
  );
});

/** The same control, on which one machine does not start while it is broken. */
function controlWhere(control: NodeControl, node: string, machine: { broken: boolean }): NodeControl {
  return controlBut(control, {
    start: async (name) => {
      if (name === node && machine.broken) throw new NonRetryable(`no route to the machine of ${name}`);
      await control.start(name);
    },
  });
}
