/**
 * The engine dies right after each step of a plan took effect, once per step, on real servers: every action is executed again, or asked
 * whether it was done, and the run ends as if nothing had happened (R42). One cluster serves all cases.
 */
import type { ActionRegistry, Json } from "@belay/engine";
import { injectFailure, loadPlan } from "@belay/failover-plans";
import { mariadbActions } from "@belay/failover-plans/mariadb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CutOff, cutOffEverywhere, explain, idsOf, stepsOf } from "../crash/trap.ts";
import { hasMariadb, LiveDrill, outputOf } from "./live-drill.ts";

const CASE_TIMEOUT_MS = 60_000;

describe.skipIf(!hasMariadb)("R42: an engine that dies after every single step", () => {
  let drill: LiveDrill;
  beforeAll(async () => {
    drill = await LiveDrill.create();
  });
  afterAll(async () => {
    await drill?.close();
  });

  /** Runs a plan whose engine dies after every step. `fail`: that node fails, so that the plan is undone. */
  async function cutOff(name: string, params: Record<string, Json>, fail?: string): Promise<CutOff> {
    const plan = loadPlan(name);
    const actions = (): ActionRegistry => {
      const real = mariadbActions(drill.cluster);
      return fail === undefined ? real : injectFailure(real, plan, fail, "before");
    };
    const repeated = name === "mariadb-failover" ? { recoveryBlockSeconds: 0 } : {};
    return await cutOffEverywhere({ plan, params: { cluster: "drill", ...repeated, ...params }, actions });
  }

  test(
    "mariadb-failover ends with one writer, equal servers and every acknowledged row",
    async () => {
      const roles = await drill.loseTheWriter();
      const found = await cutOff("mariadb-failover", { ...roles });
      expect(found.snapshot.status, explain(found)).toBe("SUCCESSFUL");
      expect(stepsOf(found)).toEqual(idsOf(loadPlan("mariadb-failover")));
      expect(found.snapshot.nodes.every(({ runTime, started }) => !started || runTime === 1)).toBe(true);
      const writer = String(outputOf(found.snapshot, "rank")["candidate"]);
      expect(roles.replicas).toContain(writer);
      await drill.expectHealthy(writer);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "what only the old writer had is said after it was wiped, by an engine that never saw it",
    async () => {
      const { writer, replicas } = await drill.roles();
      await drill.diverge({ writer, replicas }, [-7, -8]);
      await drill.cluster.control.kill(writer);
      const found = await cutOff("mariadb-failover", { writer, replicas });
      expect(found.snapshot.status, explain(found)).toBe("SUCCESSFUL");
      expect(outputOf(found.snapshot, "rejoinOld")).toMatchObject({
        mode: "reclone",
        copiedRows: null,
        divergedTransactions: 2,
      });
      await drill.expectHealthy(String(outputOf(found.snapshot, "rank")["candidate"]));
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "a failover that fails before its point of no return is undone: the old writer takes writes again",
    async () => {
      const roles = await drill.loseTheWriter();
      const found = await cutOff("mariadb-failover", { ...roles }, "rank");
      expect(found.snapshot.status, explain(found)).toBe("ROLLED_BACK");
      expect(stepsOf(found)).toEqual([
        "checkRecent",
        "checkReplicas",
        "confirmDown",
        "drain",
        "fence",
        "freeze",
        "undo/fence",
        "undo/freeze",
      ]);
      await drill.expectHealthy(roles.writer);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "mariadb-switchover ends with the candidate as the writer",
    async () => {
      const { writer, replicas } = await drill.roles();
      const [candidate = ""] = replicas;
      const found = await cutOff("mariadb-switchover", { writer, replicas, candidate });
      expect(found.snapshot.status, explain(found)).toBe("SUCCESSFUL");
      expect(stepsOf(found)).toEqual(idsOf(loadPlan("mariadb-switchover")));
      await drill.expectHealthy(candidate);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "a switchover that fails before its point of no return is undone",
    async () => {
      const { writer, replicas } = await drill.roles();
      const [candidate = ""] = replicas;
      const found = await cutOff("mariadb-switchover", { writer, replicas, candidate }, "catchUp");
      expect(found.snapshot.status, explain(found)).toBe("ROLLED_BACK");
      expect(stepsOf(found)).toEqual(["dropRoute", "precheck", "readonly", "undo/dropRoute", "undo/readonly"]);
      await drill.expectHealthy(writer);
    },
    CASE_TIMEOUT_MS,
  );
});
