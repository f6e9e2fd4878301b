/** The shipped plan against the documented answer of OCP's failover API: the same task, node by node. */
import { readFileSync } from "node:fs";
import { parsePlan, toOcpTask } from "@belay/engine";
import type { OcpTask } from "@belay/engine/views";
import { loadPlan } from "@belay/failover-plans";
import { createOceanBaseModel, oceanBaseActions } from "@belay/failover-plans/oceanbase";
import { describe, expect, test } from "vitest";
import { freshSnapshot } from "../views/run-snapshot.ts";
import { failoverAnswer, type OcpAnswerTask } from "./ocp-samples.ts";

const filename = "oceanbase-failover.yaml";
const text = readFileSync(new URL(`../../packages/failover-plans/plans/${filename}`, import.meta.url), "utf8");
const plan = parsePlan(text, { filename });

/** The task with every number of a node replaced by the node's name, nodes by name: equal for isomorphic tasks. */
function byName(task: OcpTask | OcpAnswerTask) {
  const names = new Map(task.subtasks.map(({ id, name }) => [id, name]));
  expect(names.size).toBe(new Set(names.values()).size);
  const named = (ids: readonly number[]) => ids.map((id) => names.get(id));
  const { id: _id, startTime: _startTime, executor: _executor, ...rest } = task;
  const subtasks = task.subtasks.map(({ id: _, upstreams, downstreams, ...fields }) => ({
    ...fields,
    upstreams: named(upstreams),
    downstreams: named(downstreams),
  }));
  return { ...rest, subtasks: subtasks.sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

describe("the plan", () => {
  test("R2: a fresh run reads as the seed, up to numbers, times and executor", () => {
    const view = toOcpTask(freshSnapshot(plan), { clusterId: 6, creator: "admin" });
    expect(byName(view)).toEqual(byName(failoverAnswer().data));
  });

  test("R3: its text gives every edge on both sides", () => {
    expect(text.match(/^ {4}upstreams:/gm)).toHaveLength(9);
    expect(text.match(/^ {4}downstreams:/gm)).toHaveLength(9);
  });

  test("R3: every action and compensation that it and the switchover name is registered, and nothing else", () => {
    const registry = oceanBaseActions(createOceanBaseModel([{ clusterId: 1, name: "one", role: "PRIMARY" }]));
    const nodes = ["oceanbase-failover", "oceanbase-switchover"].flatMap((name) => loadPlan(name).document.nodes);
    const named = nodes.flatMap(({ action, compensation }) => [action, compensation?.action ?? action]);
    expect([...new Set(named)].sort()).toEqual(Object.keys(registry).sort());
  });

  test("R30: what can be undone has a compensation, the points of no return and what only reads have none", () => {
    const undone = plan.document.nodes.filter(({ compensation }) => compensation !== undefined).map(({ id }) => id);
    expect(undone).toEqual([
      "mc-lock-ob-clusters",
      "update-ob-cluster-status",
      "mc-ob-failover-update-mc-ob-cluster",
      "mc-unlock-ob-clusters",
    ]);
  });
});
