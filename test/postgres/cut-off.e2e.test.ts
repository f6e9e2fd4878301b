/**
 * The engine dies right after each step of a plan took effect, once per step, on real servers: every action is executed
 * again, or asked whether it was done, and the run ends as if nothing had happened (R42). One cluster serves all cases.
 */
import type { ActionRegistry, Json } from "@belay/engine";
import { injectFailure, loadPlan } from "@belay/failover-plans";
import { postgresActions } from "@belay/failover-plans/postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { withSession } from "../../packages/failover-plans/src/postgres/client.ts";
import { type CutOff, cutOffEverywhere, explain, idsOf, stepsOf } from "../crash/trap.ts";
import { controlBut, LiveDrill } from "./live-drill.ts";

const CASE_TIMEOUT_MS = 120_000;

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
    const real = postgresActions(drill.cluster);
    return fail === undefined ? real : injectFailure(real, plan, fail, "before");
  };
  // One cluster is failed over many times here.
  const repeated = name === "postgres-failover" ? { recoveryBlockSeconds: 0 } : {};
  return await cutOffEverywhere({ plan, params: { cluster: "drill", ...repeated, ...params }, actions });
}

describe("R42: an engine that dies after every single step", () => {
  test(
    "postgres-failover ends with one writer, equal servers and every acknowledged row",
    async () => {
      const roles = await drill.loseThePrimary();
      const { primary, standbys, timeline } = roles;
      const salvage = { table: "kept", key: "id" };
      const found = await cutOff("postgres-failover", { primary, standbys, salvage });
      expect(found.snapshot.status, explain(found)).toBe("SUCCESSFUL");
      expect(stepsOf(found)).toEqual(idsOf(loadPlan("postgres-failover")));
      expect(found.snapshot.nodes.every(({ runTime, started }) => !started || runTime === 1)).toBe(true);
      const writer = (await drill.roles()).primary;
      expect(standbys).toContain(writer);
      const promoted = found.snapshot.nodes.find(({ id }) => id === "promote");
      expect(promoted?.output).toEqual({ writer, timeline: timeline + 1 });
      await drill.expectHealthy(writer, timeline + 1);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "what only the old primary had is said after it was wiped, by an engine that never saw it",
    async () => {
      const { primary, standbys, timeline } = await drill.roles();
      for (const standby of standbys) await drill.act("postgres.freeze", { standby, primary, savedConninfo: "" });
      await withSession(drill.node(primary), {}, async (session) => {
        await session.query("set synchronous_commit = local");
        await session.query("insert into kept values (-7)");
      });
      await drill.cluster.control.kill(primary);
      const salvage = { table: "kept", key: "id" };
      const found = await cutOff("postgres-failover", { primary, standbys, salvage });
      expect(found.snapshot.status, explain(found)).toBe("SUCCESSFUL");
      const rejoined = found.snapshot.nodes.find(({ id }) => id === "rejoinOld")?.output as Record<string, Json>;
      expect(rejoined).toMatchObject({ mode: "reclone", copiedBytes: null, salvageable: { count: 1, keys: ["-7"] } });
      expect(rejoined["divergedBytes"]).toBeGreaterThan(0);
      await drill.expectHealthy((await drill.roles()).primary, timeline + 1);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "a failover that fails before its point of no return is undone: the old primary takes writes again",
    async () => {
      const { primary, standbys, timeline } = await drill.loseThePrimary();
      const found = await cutOff("postgres-failover", { primary, standbys }, "rank");
      expect(found.snapshot.status, explain(found)).toBe("ROLLED_BACK");
      expect(stepsOf(found)).toEqual([
        "checkRecent",
        "checkStandbys",
        "confirmDown",
        "fence",
        "freeze",
        "undo/fence",
        "undo/freeze",
      ]);
      await drill.expectHealthy(primary, timeline);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "postgres-switchover ends with the candidate as the writer",
    async () => {
      const { primary, standbys, timeline } = await drill.roles();
      const [candidate = ""] = standbys;
      const found = await cutOff("postgres-switchover", { primary, standbys, candidate });
      expect(found.snapshot.status, explain(found)).toBe("SUCCESSFUL");
      expect(stepsOf(found)).toEqual(idsOf(loadPlan("postgres-switchover")));
      await drill.expectHealthy(candidate, timeline + 1);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "a switchover that fails before its point of no return is undone",
    async () => {
      const { primary, standbys, timeline } = await drill.roles();
      const [candidate = ""] = standbys;
      const found = await cutOff("postgres-switchover", { primary, standbys, candidate }, "verifyShutdown");
      expect(found.snapshot.status, explain(found)).toBe("ROLLED_BACK");
      expect(stepsOf(found)).toEqual([
        "drain",
        "dropRoute",
        "flush",
        "precheck",
        "readonly",
        "stopOld",
        "undo/dropRoute",
        "undo/readonly",
        "undo/stopOld",
      ]);
      await drill.expectHealthy(primary, timeline);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "a server that was being started when the engine died is waited for",
    async () => {
      const { primary, standbys, timeline } = await drill.roles();
      const [node = ""] = standbys;
      const { control } = drill.cluster;
      await control.stop(node);
      // As one whose process is there and does not answer yet: only `start` knows when it does.
      const access = { control: controlBut(control, { isRunning: async () => true }) };
      const { snapshot } = await drill.start("rejoin-standby", { node, writer: primary }, { access });
      expect(snapshot.status, JSON.stringify(snapshot.nodes.map(({ id, error }) => ({ id, error })))).toBe(
        "SUCCESSFUL",
      );
      await drill.expectHealthy(primary, timeline);
    },
    CASE_TIMEOUT_MS,
  );
});
