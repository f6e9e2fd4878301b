/**
 * The switchover of clusters, in memory and through SQL: from one primary to the other, a failure at each node under both policies, a
 * switchover that somebody left half done. Never do two clusters take writes.
 */
import { injectFailure, planText } from "@belay/failover-plans";
import { describe, expect, test } from "vitest";
import { ocpSamples, taskOf } from "./ocp-samples.ts";
import {
  type ClusterStage,
  clusterStage,
  clusterState,
  failedNode,
  mostWriters,
  planOf,
  runToRest,
  type SqlOptions,
  WAYS,
  type Way,
} from "./switchover-rig.ts";

const NAME = "oceanbase-switchover";
const plan = planOf(NAME);
const NODES = plan.document.nodes.map(({ id }) => id);
const LOCK = "mc-lock-ob-clusters";

const BEFORE = {
  roles: ["PRIMARY", "PHYSICAL STANDBY", "PHYSICAL STANDBY"],
  follows: [null, 1, 1],
  recorded: ["PRIMARY", "PHYSICAL STANDBY", "PHYSICAL STANDBY"],
  locks: [false, false, false],
  writers: ["north"],
};
const AFTER = {
  roles: ["PHYSICAL STANDBY", "PRIMARY", "PHYSICAL STANDBY"],
  follows: [2, null, 2],
  recorded: ["PHYSICAL STANDBY", "PRIMARY", "PHYSICAL STANDBY"],
  locks: [false, false, false],
  writers: ["south"],
};

/** Whatever happened, two never took writes at once. */
async function staged(way: Way, work: (stage: ClusterStage) => Promise<void>, sql: SqlOptions = {}): Promise<void> {
  const stage = await clusterStage(way, { switchingLooks: 2 }, sql);
  try {
    await work(stage);
    expect(mostWriters(stage.model)).toBe(1);
  } finally {
    await stage.close();
  }
}

const sample = ocpSamples().find(({ file }) => file === "switchover-ob-cluster.v2.json");

describe("the plan of the switchover", () => {
  test("R13: has the order, the labels and the limits of OCP's", () => {
    expect(plan.document.nodes.map(({ name, timeout, seriesId }) => [name, timeout, seriesId])).toEqual([
      ["Mc lock ob clusters", 60, 0],
      ["Prepare switchover", 300, 5],
      ["Switchover to standby", 300, 6],
      ["Switchover to primary check", 300, 1],
      ["Switchover to primary", 300, 2],
      ["Switchover Update Role Task", 60, 3],
      ["Mc unlock ob clusters", 60, 4],
    ]);
    expect(plan.document.nodes.some(({ prohibitRollback }) => prohibitRollback)).toBe(false);
    expect(planText(NAME).match(/^ {4}(up|down)streams:/gm)).toHaveLength(14);
  });

  test.skipIf(sample === undefined)("R2: is the published one, node by node, where that is beside the checkout", () => {
    const { subtasks } = taskOf(sample?.answer);
    const names = new Map(subtasks.map(({ id, name }) => [id, name]));
    const own = new Map(plan.document.nodes.map(({ id, name }) => [id, name]));
    const published = subtasks.map(
      ({ name, upstreams, timeout, seriesId, parallelIdx, prohibitRollback, nodeType }) => [
        name,
        { upstreams: upstreams.map((id) => names.get(id)), timeout, seriesId, parallelIdx, prohibitRollback, nodeType },
      ],
    );
    const ours = plan.document.nodes.map(({ name, upstreams = [], ...node }) => {
      const { timeout, seriesId, parallelIdx, prohibitRollback, nodeType } = node;
      const above = upstreams.map((id) => own.get(id));
      return [name, { upstreams: above, timeout, seriesId, parallelIdx, prohibitRollback, nodeType }];
    });
    expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(published));
  });
});

describe.for(WAYS)("the switchover of clusters through %s", (way) => {
  test("R10: the standby becomes primary, the others follow it, and all of it is recorded", () =>
    staged(way, async (stage) => {
      const run = await runToRest(stage.actions, plan);
      expect(run.snapshot().status).toBe("SUCCESSFUL");
      expect(await clusterState(stage)).toEqual(AFTER);
      expect(stage.model.statements).toEqual([
        "ALTER SYSTEM COMMIT TO SWITCHOVER TO PHYSICAL STANDBY",
        "ALTER SYSTEM COMMIT TO SWITCHOVER TO PRIMARY",
      ]);
    }));

  test.for(NODES)("R30: a failure after %s took effect is undone to the state before", (node) =>
    staged(way, async (stage) => {
      const rolling = planOf(NAME, "rollback");
      const run = await runToRest(injectFailure(stage.actions, rolling, node, "after"), rolling);
      expect(run.snapshot().status).toBe("ROLLED_BACK");
      expect(await clusterState(stage)).toEqual(BEFORE);
    }),
  );

  test("R27: a statement whose answer is lost is not given a second time", () =>
    staged(
      way,
      async (stage) => {
        const run = await runToRest(stage.actions, plan);
        expect(run.snapshot().status).toBe("SUCCESSFUL");
        expect(stage.model.statements).toHaveLength(2);
      },
      { fault: ({ statement }) => (statement.includes("COMMIT TO") ? "cut-after" : undefined) },
    ));

  test("R14: an old primary that is dead is refused, and the other plan is named", () =>
    staged(way, async (stage) => {
      for (const zone of [1, 2, 3]) await stage.setServer(`north-z${zone}:2881`, false);
      const run = await runToRest(stage.actions, plan);
      expect(failedNode(run.snapshot())).toMatchObject({
        id: "prepare-switchover",
        error: { code: "CLUSTER_UNREACHABLE", message: expect.stringContaining("oceanbase-failover") },
      });
      expect(stage.model.statements).toEqual([]);
    }));

  test("R10: a switchover that somebody left half done is finished", () =>
    staged(way, async (stage) => {
      await stage.control.switchoverToStandby(1);
      const run = await runToRest(stage.actions, plan);
      expect(run.snapshot()).toMatchObject({ status: "SUCCESSFUL" });
      expect(run.snapshot().nodes.find(({ id }) => id === "prepare-switchover")?.output).toMatchObject({
        halfDone: true,
      });
      expect(await clusterState(stage)).toEqual(AFTER);
    }));

  test("R30: a switchover that somebody left half done, undone, has its primary again", () =>
    staged(way, async (stage) => {
      await stage.control.switchoverToStandby(1);
      const rolling = planOf(NAME, "rollback");
      const run = await runToRest(injectFailure(stage.actions, rolling, "switchover-to-primary"), rolling);
      expect(run.snapshot().status).toBe("ROLLED_BACK");
      expect(await clusterState(stage)).toEqual(BEFORE);
    }));
});

describe("the switchover of clusters, further", () => {
  const cases = NODES.flatMap((node) => [[node, "before"] as const, [node, "after"] as const]);

  test.for(cases)("R37: failed at %s, %s its effect, it rests; a retry finishes it", ([node, moment]) =>
    staged("memory", async (stage) => {
      const run = await runToRest(injectFailure(stage.actions, plan, node, moment), plan);
      expect(run.snapshot().status).toBe("FAILED");
      const held = node !== LOCK || moment === "after";
      const released = node === "mc-unlock-ob-clusters" && moment === "after";
      expect(stage.model.lockOwner(2) !== undefined).toBe(held && !released);
      await run.retry();
      await run.settled();
      expect(run.snapshot().status).toBe("SUCCESSFUL");
      expect(await clusterState(stage)).toEqual(AFTER);
    }),
  );

  test.for(cases)("R30: failed at %s, %s its effect, it rests; a rollback undoes it", ([node, moment]) =>
    staged("memory", async (stage) => {
      const run = await runToRest(injectFailure(stage.actions, plan, node, moment), plan);
      await run.rollback();
      await run.settled();
      expect(run.snapshot().status).toBe("ROLLED_BACK");
      expect(await clusterState(stage)).toEqual(BEFORE);
    }),
  );

  test("R32: a new primary that cannot be demoted stops the undo: the old one stays a standby", () =>
    staged("memory", async (stage) => {
      const failing = injectFailure(stage.actions, plan, "switchover-update-role-task");
      const run = await runToRest(failing, plan);
      for (const zone of [1, 2, 3]) await stage.setServer(`south-z${zone}:2881`, false);
      await run.rollback();
      await run.settled();
      expect(run.snapshot().status).toBe("ROLLBACK_FAILED");
      // Passed over, it is still noted that south may be primary: north is not made one beside it.
      await run.skipRollback("switchover-to-primary");
      await run.settled();
      expect(run.snapshot().status).toBe("ROLLBACK_FAILED");
      const compensation = run.snapshot().nodes.find(({ id }) => id === "switchover-to-standby")?.compensation;
      expect(compensation?.error).toMatchObject({ code: "CLUSTER_UNREACHABLE" });
      expect((await stage.model.readCluster(1)).role).toBe("PHYSICAL STANDBY");
      for (const zone of [1, 2, 3]) await stage.setServer(`south-z${zone}:2881`, true);
      await run.rollback();
      await run.settled();
      expect(run.snapshot().nodes.find(({ id }) => id === "switchover-to-standby")?.compensation?.error).toMatchObject({
        code: "TWO_PRIMARIES",
      });
    }));

  test("R30: a standby that dies before it is promoted does not keep the old primary from coming back", () =>
    staged("memory", async (stage) => {
      const run = await runToRest(injectFailure(stage.actions, plan, "switchover-to-primary-check"), plan);
      for (const zone of [1, 2, 3]) await stage.setServer(`south-z${zone}:2881`, false);
      await run.rollback();
      await run.settled();
      expect(run.snapshot().status).toBe("ROLLED_BACK");
      expect(stage.model.writers.at(-1)).toEqual(["north"]);
    }));

  test.for([
    [
      "a standby that is not synchronised any more",
      "NOT_ALLOWED",
      (s: ClusterStage) => s.model.block(1, "NONE SYNCED STANDBY CLUSTER"),
    ],
    ["a backup under way", "NOT_ALLOWED", (s: ClusterStage) => s.model.block(1, "PRIMARY CLUSTER DOING BACKUP")],
  ] as const)("R14: %s is refused before anything is stopped", ([, code, arrange]) =>
    staged("memory", async (stage) => {
      arrange(stage);
      const run = await runToRest(stage.actions, planOf(NAME, "rollback"));
      expect(failedNode(run.snapshot())?.error ?? run.snapshot().nodes[1]?.error).toMatchObject({ code });
      expect(run.snapshot().status).toBe("ROLLED_BACK");
      expect(stage.model.statements).toEqual([]);
    }),
  );

  test("R14: what was switched already is refused, and stays as it is", () =>
    staged("memory", async (stage) => {
      expect((await runToRest(stage.actions, plan)).snapshot().status).toBe("SUCCESSFUL");
      const again = await runToRest(stage.actions, planOf(NAME, "rollback"));
      expect(again.snapshot().nodes[1]?.error).toMatchObject({ code: "NOT_STANDBY" });
      expect(await clusterState(stage)).toEqual(AFTER);
    }));
});
