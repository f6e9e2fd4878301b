/**
 * mariadb-failover and mariadb-switchover on real servers when any node of them fails: what is undone, what stands. One cluster serves
 * all cases, since each must leave it whole; a case that does not fails all that follow.
 */
import { loadPlan } from "@belay/failover-plans";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { explain, failuresOf, hasMariadb, LiveDrill, outputOf, type Roles, statusesOf } from "./live-drill.ts";

const CASE_TIMEOUT_MS = 40_000;

type Case = readonly [node: string, when: "before" | "after"];

/** Of a failover: where a failure finds nothing to undo, is undone, leaves what was promoted. */
const UNTOUCHED: readonly string[] = ["checkRecent", "confirmDown", "checkReplicas"];
const UNDONE: readonly Case[] = [
  ["fence", "before"],
  ["fence", "after"],
  ["freeze", "after"],
  ["drain", "before"],
  ["rank", "after"],
  ["announce", "after"],
];
const COMPLETED: readonly Case[] = [
  ["promote", "before"],
  ["promote", "after"],
  ["verify", "after"],
  ["publish", "before"],
  ["repoint", "before"],
];
/** The same of a switchover. */
const SWITCH_UNDONE: readonly Case[] = [
  ["dropRoute", "after"],
  ["readonly", "before"],
  ["readonly", "after"],
  ["catchUp", "before"],
];
const SWITCH_COMPLETED: readonly Case[] = [
  ["promote", "after"],
  ["verify", "before"],
  ["publish", "before"],
  ["repoint", "after"],
  ["rejoinOld", "before"],
];

test("every node of both plans fails in one of these cases", () => {
  const failover = [...UNTOUCHED, "rejoinOld", ...[...UNDONE, ...COMPLETED].map(([node]) => node)];
  const switchover = ["precheck", ...[...SWITCH_UNDONE, ...SWITCH_COMPLETED].map(([node]) => node)];
  for (const [name, cases] of [
    ["mariadb-failover", failover],
    ["mariadb-switchover", switchover],
  ] as const) {
    const nodes = loadPlan(name).document.nodes.map(({ id }) => id);
    expect([...new Set(cases)].sort(), name).toEqual(nodes.toSorted());
  }
});

describe.skipIf(!hasMariadb)("on real servers", () => {
  let drill: LiveDrill;
  beforeAll(async () => {
    drill = await LiveDrill.create();
  });
  afterAll(async () => {
    await drill?.close();
  });

  test.each(UNTOUCHED)(
    "R34: a failover that fails in %s leaves everything as it was found",
    async (node) => {
      const roles = await drill.loseTheWriter();
      const route = await drill.cluster.route.current();
      const fault = { node, when: "before" } as const;
      const { snapshot } = await drill.start("mariadb-failover", { ...roles }, { fault });
      expect(snapshot.status).toBe("ROLLED_BACK");
      expect(await drill.cluster.route.current()).toEqual(route);
      expect(await drill.writers()).toEqual([]);
      expect(await drill.cluster.control.startRole(roles.writer)).toBe("writer");
      await drill.cluster.control.start(roles.writer);
      await drill.expectHealthy(roles.writer);
    },
    CASE_TIMEOUT_MS,
  );

  test.each(UNDONE)(
    "R30: a failover that fails in %s, %s its effect, makes the old writer take writes again",
    async (node, when) => {
      const roles = await drill.loseTheWriter();
      const { snapshot } = await drill.start("mariadb-failover", { ...roles }, { fault: { node, when } });
      expect(snapshot, explain(snapshot)).toMatchObject({ status: "ROLLED_BACK", prohibitRollback: false });
      expect(statusesOf(snapshot, "fence")).toEqual(["COMPENSATED"]);
      await drill.expectHealthy(roles.writer);
    },
    CASE_TIMEOUT_MS,
  );

  test.each(COMPLETED)(
    "R34: a failover that fails in %s, %s its effect, leaves what was promoted, and a retry completes it",
    async (node, when) => {
      const roles = await drill.loseTheWriter();
      const { run, snapshot } = await drill.start("mariadb-failover", { ...roles }, { fault: { node, when } });
      expect(snapshot, explain(snapshot)).toMatchObject({ status: "PARTIALLY_ROLLED_BACK", prohibitRollback: true });
      const candidate = String(outputOf(snapshot, "rank")["candidate"]);
      expect(await drill.writers()).toEqual(node !== "promote" || when === "after" ? [candidate] : []);
      expect((await drill.cluster.route.current()).writer).toBe(node === "repoint" ? candidate : null);
      await expect(run.rollback()).rejects.toMatchObject({ code: "ROLLBACK_PROHIBITED" });
      await run.retry({ who: "operator", why: "the cause is gone" });
      const settled = await run.settled();
      expect(settled.status, explain(settled)).toBe("SUCCESSFUL");
      await drill.expectHealthy(candidate);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "a failover stands without the old writer when its rejoin fails, and mariadb-rejoin brings it back",
    async () => {
      const roles = await drill.loseTheWriter();
      const fault = { node: "rejoinOld", when: "before" } as const;
      const { snapshot } = await drill.start("mariadb-failover", { ...roles }, { fault });
      expect(snapshot.status).toBe("SUCCESSFUL");
      expect(statusesOf(snapshot, "rejoinOld")).toEqual(["FAILED"]);
      expect(await drill.cluster.control.isRunning(roles.writer)).toBe(false);
      expect(await drill.cluster.control.startRole(roles.writer)).toBe("fenced");
      const [writer = ""] = await drill.writers();
      const rejoin = await drill.start("mariadb-rejoin", { node: roles.writer, writer });
      expect(rejoin.snapshot.status, explain(rejoin.snapshot)).toBe("SUCCESSFUL");
      await drill.expectHealthy(writer);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "a promotion that was cut off half-way is completed by a retry",
    async () => {
      const roles = await drill.loseTheWriter();
      const fault = { node: "promote", when: "before" } as const;
      const { run, snapshot } = await drill.start("mariadb-failover", { ...roles }, { fault });
      const candidate = String(outputOf(snapshot, "rank")["candidate"]);
      await drill.sql(candidate, "stop slave", "reset slave all");
      await run.retry({ who: "operator", why: "the engine is back" });
      const settled = await run.settled();
      expect(settled.status, explain(settled)).toBe("SUCCESSFUL");
      await drill.expectHealthy(candidate);
    },
    CASE_TIMEOUT_MS,
  );

  function switching({ writer, replicas }: Roles): Record<string, string | readonly string[]> {
    return { writer, replicas, candidate: replicas[0] ?? "" };
  }

  test(
    "R34: a switchover that fails in its precheck touches nothing",
    async () => {
      const roles = await drill.roles();
      const route = await drill.cluster.route.current();
      const fault = { node: "precheck", when: "before" } as const;
      const { snapshot } = await drill.start("mariadb-switchover", switching(roles), { fault });
      expect(failuresOf(snapshot)).toEqual(["INJECTED_FAILURE"]);
      expect(await drill.cluster.route.current()).toEqual(route);
      await drill.expectHealthy(roles.writer);
    },
    CASE_TIMEOUT_MS,
  );

  test.each(SWITCH_UNDONE)(
    "R30: a switchover that fails in %s, %s its effect, makes the old writer take writes again",
    async (node, when) => {
      const roles = await drill.roles();
      const { snapshot } = await drill.start("mariadb-switchover", switching(roles), { fault: { node, when } });
      expect(snapshot, explain(snapshot)).toMatchObject({ status: "ROLLED_BACK", prohibitRollback: false });
      await drill.expectHealthy(roles.writer);
    },
    CASE_TIMEOUT_MS,
  );

  test.each(SWITCH_COMPLETED)(
    "R34: a switchover that fails in %s, %s its effect, leaves what was promoted, and a retry completes it",
    async (node, when) => {
      const roles = await drill.roles();
      const planned = switching(roles);
      const { run, snapshot } = await drill.start("mariadb-switchover", planned, { fault: { node, when } });
      expect(snapshot, explain(snapshot)).toMatchObject({ status: "PARTIALLY_ROLLED_BACK", prohibitRollback: true });
      expect(await drill.writers()).toEqual([planned["candidate"]]);
      await run.retry({ who: "operator", why: "the cause is gone" });
      const settled = await run.settled();
      expect(settled.status, explain(settled)).toBe("SUCCESSFUL");
      await drill.expectHealthy(String(planned["candidate"]));
    },
    CASE_TIMEOUT_MS,
  );
});
