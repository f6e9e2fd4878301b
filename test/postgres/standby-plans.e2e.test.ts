/**
 * add-standby and fence-drill on real servers: what they leave when all goes well, and when any of their nodes fails. One cluster
 * serves all cases, since each must leave it whole.
 */
import { type ActionRegistry, createEngine, definePlan, type Json } from "@belay/engine";
import { loadPlan } from "@belay/failover-plans";
import { startWorkload } from "@belay/failover-plans/embedded-postgres";
import { postgresActions } from "@belay/failover-plans/postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { query } from "../../packages/failover-plans/src/postgres/client.ts";
import { controlBut, failuresOf, LiveDrill, type Roles, statusOf } from "./live-drill.ts";

const CASE_TIMEOUT_MS = 60_000;

let drill: LiveDrill;
beforeAll(async () => {
  drill = await LiveDrill.create();
});
afterAll(async () => {
  await drill?.close();
});

const lastOf = ({ standbys }: Roles): string => standbys.at(-1) ?? "";

/** The last standby's machine is replaced by an empty one. */
async function emptyNode(): Promise<{ readonly roles: Roles; readonly node: string }> {
  const roles = await drill.roles();
  const node = lastOf(roles);
  await drill.cluster.control.stop(node);
  await drill.cluster.control.wipe(node);
  await drill.keepRow(roles.primary);
  return { roles, node };
}

const join = ({ roles, node }: { roles: Roles; node: string }): Record<string, Json> => ({
  node,
  writer: roles.primary,
});
const fenceParams = ({ primary, standbys }: Roles): Record<string, Json> => ({ primary, standbys: [...standbys] });

describe("add-standby", () => {
  test(
    "an empty node becomes a standby that is proved to follow",
    async () => {
      const empty = await emptyNode();
      const { snapshot } = await drill.start("add-standby", join(empty));
      expect(snapshot.status, JSON.stringify(failuresOf(snapshot))).toBe("SUCCESSFUL");
      expect(snapshot.nodes.find(({ id }) => id === "verify")?.output).toMatchObject({ standby: empty.node });
      await drill.expectHealthy(empty.roles.primary, empty.roles.timeline);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "NODE_NOT_EMPTY: a node that runs, or that holds a cluster of its own, is not overwritten",
    async () => {
      const roles = await drill.roles();
      const node = lastOf(roles);
      const running = await drill.start("add-standby", { node, writer: roles.primary });
      expect(failuresOf(running.snapshot)).toEqual(["NODE_NOT_EMPTY"]);
      const { control } = drill.cluster;
      await control.stop(node);
      await control.unmarkStandby(node);
      const stopped = await drill.start("add-standby", { node, writer: roles.primary });
      expect(failuresOf(stopped.snapshot)).toEqual(["NODE_NOT_EMPTY"]);
      expect(await control.hasData(node)).toBe(true);
      await control.markStandby(node, control.conninfo(node, drill.node(roles.primary)));
      await control.start(node);
      await drill.expectHealthy(roles.primary, roles.timeline);
    },
    CASE_TIMEOUT_MS,
  );

  test.each([
    ["start", "after"],
    ["verify", "before"],
  ] as const)(
    "R30: when %s fails %s its effect, the copy is removed again",
    async (node, when) => {
      const empty = await emptyNode();
      const { run, snapshot } = await drill.start("add-standby", join(empty), { fault: { node, when } });
      expect(snapshot.status).toBe("ROLLED_BACK");
      expect(await drill.cluster.control.hasData(empty.node)).toBe(false);
      expect(await drill.cluster.control.isRunning(empty.node)).toBe(false);
      expect(run.id).not.toBe("");
      const again = await drill.start("add-standby", join(empty));
      expect(again.snapshot.status).toBe("SUCCESSFUL");
      await drill.expectHealthy(empty.roles.primary, empty.roles.timeline);
    },
    CASE_TIMEOUT_MS,
  );

  test.each([
    ["precheck", "before"],
    ["clone", "before"],
  ] as const)(
    "R37: with onFailure pause a run that failed in %s goes on where it stopped",
    async (node, when) => {
      const empty = await emptyNode();
      const broken = { now: true };
      const real = drill.cluster.control;
      const control = controlBut(real, {
        hasData: async (name) => {
          if (broken.now && node === "precheck") throw new Error("the machine does not answer");
          return await real.hasData(name);
        },
        reclone: async (name, source) => {
          if (broken.now && when === "before") throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
          return await real.reclone(name, source);
        },
      });
      const plan = loadPlan("add-standby");
      const actions: ActionRegistry = postgresActions({ ...drill.cluster, control });
      const engine = await createEngine({ actions });
      const resting = { ...plan.document, onFailure: "pause" as const };
      const run = await engine.start(definePlan(resting), { params: { cluster: "drill", ...join(empty) } });
      expect((await run.settled()).status).toBe("FAILED");
      broken.now = false;
      await run.retry({ who: "operator", why: "repaired" });
      expect((await run.settled()).status).toBe("SUCCESSFUL");
      await engine.close();
      await drill.expectHealthy(empty.roles.primary, empty.roles.timeline);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "R31: an undoing never removes a node that takes writes by now",
    async () => {
      const roles = await drill.roles();
      await expect(drill.act("postgres.wipe", { node: roles.primary, writer: roles.primary })).rejects.toMatchObject({
        code: "NOT_A_COPY",
      });
      await drill.expectHealthy(roles.primary, roles.timeline);
    },
    CASE_TIMEOUT_MS,
  );
});

describe("rejoin-standby", () => {
  test(
    "a standby that fell behind comes back while clients write, although it still knows whom to follow",
    async () => {
      const roles = await drill.roles();
      const node = lastOf(roles);
      const workload = await startWorkload({ route: drill.cluster.route, nodes: drill.cluster.nodes, writers: 2 });
      try {
        await drill.cluster.control.kill(node);
        const before = workload.acknowledged();
        while (workload.acknowledged() < before + 100) await new Promise((resolve) => setTimeout(resolve, 20));
        const began = performance.now();
        const { snapshot } = await drill.start("rejoin-standby", { node, writer: roles.primary });
        expect(snapshot.status, JSON.stringify(failuresOf(snapshot))).toBe("SUCCESSFUL");
        expect(snapshot.nodes.find(({ id }) => id === "rejoin")?.output).toMatchObject({ mode: "direct" });
        // Its end is looked at while it follows nobody: waiting for the end of what is being written would never end.
        expect(performance.now() - began).toBeLessThan(30_000);
      } finally {
        await workload.stop();
      }
      await drill.expectHealthy(roles.primary, roles.timeline);
    },
    CASE_TIMEOUT_MS,
  );
});

describe("fence-drill", () => {
  test(
    "shows that the fenced primary refuses writes, and puts it back as it was",
    async () => {
      const roles = await drill.roles();
      const { epoch } = await drill.cluster.route.current();
      const { snapshot } = await drill.start("fence-drill", fenceParams(roles));
      expect(snapshot.status, JSON.stringify(failuresOf(snapshot))).toBe("SUCCESSFUL");
      expect(snapshot.nodes.find(({ id }) => id === "prove")?.output).toMatchObject({ refusedWith: "25006" });
      expect(await drill.cluster.route.current()).toEqual({ writer: roles.primary, epoch: epoch + 2 });
      await drill.expectHealthy(roles.primary, roles.timeline);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "FENCE_LEAKS: a fence that lets the server come back as a primary is found out, and the primary is put back",
    async () => {
      const roles = await drill.roles();
      const real = drill.cluster.control;
      // A machine whose supervisor removes the mark before it starts the server.
      const control = controlBut(real, {
        start: async (name) => {
          if (name === roles.primary && !(await real.isRunning(name))) await real.unmarkStandby(name);
          await real.start(name);
        },
      });
      const { snapshot } = await drill.start("fence-drill", fenceParams(roles), { access: { control } });
      expect(snapshot.status).toBe("ROLLED_BACK");
      expect(failuresOf(snapshot)).toEqual(["FENCE_LEAKS"]);
      await query(drill.node(roles.primary), "drop table belay_fence_drill");
      await drill.expectHealthy(roles.primary, roles.timeline);
    },
    CASE_TIMEOUT_MS,
  );

  test.each([
    ["fence", "after"],
    ["prove", "after"],
    ["unfence", "before"],
    ["unfence", "after"],
    ["streaming", "before"],
  ] as const)(
    "R30: when %s fails %s its effect, the primary takes writes again",
    async (node, when) => {
      const roles = await drill.roles();
      const { snapshot } = await drill.start("fence-drill", fenceParams(roles), { fault: { node, when } });
      expect(snapshot.status).toBe("ROLLED_BACK");
      expect(statusOf(snapshot, "fence")).toEqual(["COMPENSATED"]);
      await drill.expectHealthy(roles.primary, roles.timeline);
    },
    CASE_TIMEOUT_MS,
  );
});
