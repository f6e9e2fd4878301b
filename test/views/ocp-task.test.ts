/** Runs as OCP shows tasks: the seed byte for byte, states in OCP's words, numbers, joins, times. */
import {
  createEngine,
  definePlan,
  importOcpTask,
  type NodeStatus,
  type RunSnapshot,
  type RunStatus,
  toOcpTask,
} from "@belay/engine";
import { ManualClock } from "@belay/engine/testing";
import { ocpIdentity, toOcpEnvelope } from "@belay/engine/views";
import { describe, expect, test } from "vitest";
import { failoverAnswer, ocpSamples, taskOf } from "../oceanbase/ocp-samples.ts";
import { freshSnapshot, withNodes } from "./run-snapshot.ts";

const pair = definePlan({
  belay: 1,
  name: "pair",
  nodes: [
    { id: "a", action: "do", compensation: { action: "undo" } },
    { id: "b", action: "do", upstreams: ["a"] },
  ],
});
const done = { status: "SUCCESSFUL", started: true } as const;

/** Status and operation of the pair's nodes in a run of that status. */
function seen(status: RunStatus, a: object, b: object, run: object = {}): string[] {
  const view = toOcpTask(withNodes(freshSnapshot(pair, { status, ...run }), { a, b }));
  return view.subtasks.map((subtask) => `${subtask.status}/${subtask.operation}`);
}

describe("the seed", () => {
  test("R2: a fresh run of the imported seed reads exactly as the seed, numbers and times included", () => {
    const answer = failoverAnswer();
    const task = toOcpTask(freshSnapshot(importOcpTask(answer)), ocpIdentity(answer));
    expect(task).toEqual(answer.data);
    const envelope = toOcpEnvelope(task, {
      duration: 148,
      server: "xxx.xxx.xxx.xxx",
      timestamp: "2022-09-05T13:39:18.451+08:00",
      traceId: "b0f5f8868349493c",
    });
    expect(JSON.stringify(envelope, null, 2)).toBe(JSON.stringify(answer, null, 2));
  });

  test("R2: the view imports again as the same plan", () => {
    const plan = importOcpTask(failoverAnswer());
    expect(importOcpTask(toOcpTask(freshSnapshot(plan))).hash).toBe(plan.hash);
  });

  test("R33: the task's flag follows the run, a subtask's is a constant of the plan", () => {
    const run = freshSnapshot(importOcpTask(failoverAnswer()));
    expect(toOcpTask(run).prohibitRollback).toBe(false);
    const begun = toOcpTask({ ...run, prohibitRollback: true });
    expect(begun.prohibitRollback).toBe(true);
    expect(begun.subtasks.filter((subtask) => subtask.prohibitRollback)).toHaveLength(3);
  });
});

const samples = ocpSamples();

describe.skipIf(samples.length === 0)("published tasks", () => {
  test("R2: there are 32 with edges; all are skipped when the data are not beside the checkout", () => {
    expect(samples).toHaveLength(32);
  });

  test.for(samples)("R2: $file comes back from its plan's view as it was", ({ answer, file }) => {
    const original = taskOf(answer);
    const view = toOcpTask(freshSnapshot(importOcpTask(answer)), ocpIdentity(answer));
    expect({ id: view.id, name: view.name, status: view.status }).toEqual({
      id: original.id,
      name: original.name,
      status: "RUNNING",
    });
    const structure = file.endsWith(".v2.json")
      ? [
          "id",
          "name",
          "description",
          "nodeType",
          "seriesId",
          "parallelIdx",
          "timeout",
          "runTime",
          "upstreams",
          "downstreams",
        ]
      : ["id", "name", "description", "upstreams", "downstreams"];
    const pick = (subtask: object) => structure.map((field) => (subtask as Record<string, unknown>)[field]);
    expect(view.subtasks.map(pick)).toEqual(original.subtasks.map(pick));
  });
});

describe("states of a run", () => {
  test.for([
    ["RUNNING", "EXECUTE", "RUNNING", "EXECUTE"],
    ["RUNNING", "RETRY", "RUNNING", "RETRY"],
    ["RUNNING", "SKIP", "RUNNING", "EXECUTE"],
    ["PAUSED", "EXECUTE", "RUNNING", "EXECUTE"],
    ["SUCCESSFUL", "RETRY", "SUCCESSFUL", "RETRY"],
    ["FAILED", "EXECUTE", "FAILED", "EXECUTE"],
    ["ROLLING_BACK", "ROLLBACK", "RUNNING", "ROLLBACK"],
    ["ROLLED_BACK", "ROLLBACK", "SUCCESSFUL", "ROLLBACK"],
    ["PARTIALLY_ROLLED_BACK", "ROLLBACK", "FAILED", "ROLLBACK"],
    ["ROLLBACK_FAILED", "ROLLBACK", "FAILED", "ROLLBACK"],
    ["CANCELED", "CANCEL", "FAILED", "CANCEL"],
    ["ABANDONED", "ROLLBACK", "FAILED", "ROLLBACK"],
  ] as const satisfies [RunStatus, RunSnapshot["operation"], string, string][])(
    "R36: a run %s after %s reads %s/%s",
    ([status, operation, expectedStatus, expectedOperation]) => {
      const view = toOcpTask(freshSnapshot(pair, { status, operation, finishTime: "2022-09-05T06:00:00.000Z" }));
      expect([view.status, view.operation]).toEqual([expectedStatus, expectedOperation]);
      expect("finishTime" in view).toBe(expectedStatus !== "RUNNING");
    },
  );
});

describe("states of a node", () => {
  test.for([
    ["PENDING", {}, "PENDING/EXECUTE"],
    ["READY", {}, "READY/EXECUTE"],
    ["READY", { started: true, operation: "RETRY" }, "READY/RETRY"],
    ["RUNNING", { started: true }, "RUNNING/EXECUTE"],
    ["RUNNING", { started: true, runTime: 2 }, "RUNNING/RETRY"],
    ["CANCELING", { started: true, operation: "CANCEL" }, "CANCELING/EXECUTE"],
    ["SUCCESSFUL", { started: true, runTime: 3 }, "SUCCESSFUL/RETRY"],
    ["FAILED", { started: true }, "FAILED/EXECUTE"],
    ["FAILED", { started: true, operation: "CANCEL" }, "FAILED/CANCEL"],
    ["SKIPPED", { operation: "SKIP", skipReason: "operator" }, "SUCCESSFUL/SKIP"],
    ["SKIPPED", { skipReason: "condition" }, "SUCCESSFUL/SKIP"],
    ["COMPENSATING", { started: true, operation: "RETRY" }, "RUNNING/RETRY"],
  ] as const satisfies [NodeStatus, object, string][])("R36: %s with %j reads %s", ([status, fields, expected]) => {
    expect(seen("RUNNING", { status, ...fields }, {})[0]).toBe(expected);
  });

  test("R36: a finished rollback reads PENDING throughout, whatever had something to undo", () => {
    const a = { status: "COMPENSATED", started: true, operation: "ROLLBACK" };
    expect(seen("ROLLED_BACK", a, { ...done, operation: "ROLLBACK" })).toEqual([
      "PENDING/ROLLBACK",
      "PENDING/ROLLBACK",
    ]);
    expect(seen("ROLLED_BACK", a, { status: "SKIPPED" })).toEqual(["PENDING/ROLLBACK", "PENDING/ROLLBACK"]);
  });

  test("R30: a node that never started stays PENDING/EXECUTE through a rollback", () => {
    expect(seen("ROLLED_BACK", { status: "COMPENSATED", started: true, operation: "ROLLBACK" }, {})).toEqual([
      "PENDING/ROLLBACK",
      "PENDING/EXECUTE",
    ]);
  });

  test("R30: a rollback reads as OCP's does, from below", () => {
    expect(seen("ROLLING_BACK", done, { status: "COMPENSATING", started: true, operation: "ROLLBACK" })).toEqual([
      "SUCCESSFUL/ROLLBACK",
      "RUNNING/ROLLBACK",
    ]);
    expect(seen("ROLLING_BACK", { ...done, operation: "ROLLBACK" }, { ...done, operation: "ROLLBACK" })).toEqual([
      "READY/ROLLBACK",
      "PENDING/ROLLBACK",
    ]);
  });

  test("R32: a failed compensation reads FAILED/ROLLBACK, the nodes above it wait, and a skipped one is done", () => {
    const failed = { status: "COMPENSATION_FAILED", started: true, operation: "ROLLBACK" };
    expect(seen("ROLLBACK_FAILED", done, failed)).toEqual(["SUCCESSFUL/ROLLBACK", "FAILED/ROLLBACK"]);
    expect(seen("ROLLING_BACK", done, { ...failed, operation: "ROLLBACK_SKIP" })[1]).toBe("PENDING/ROLLBACK_SKIP");
  });

  test("R34: what a partial rollback leaves standing keeps its own state", () => {
    const b = { status: "COMPENSATED", started: true, operation: "ROLLBACK" };
    const expected = ["SUCCESSFUL/EXECUTE", "PENDING/ROLLBACK"];
    expect(seen("PARTIALLY_ROLLED_BACK", done, b, { prohibitRollback: true })).toEqual(expected);
    expect(seen("ROLLING_BACK", done, b, { prohibitRollback: true })).toEqual(expected);
  });
});

describe("numbers", () => {
  test("R24: nodes without a number get one from their seriesId, above all others, whenever groups expand", () => {
    const plan = definePlan({
      belay: 1,
      name: "mixed",
      nodes: [
        { id: "40", action: "do", seriesId: 1 },
        { id: "b", action: "do", upstreams: ["40"], seriesId: 0 },
        { id: "c", action: "do", upstreams: ["b"], seriesId: 2 },
      ],
    });
    const ids = toOcpTask(freshSnapshot(plan), { subtaskIds: { c: 7 } }).subtasks.map(({ id }) => id);
    expect(ids).toEqual([40, 41, 7]);
  });

  test("R24: a run's number depends on its id alone and stays a safe integer", () => {
    const id = (runId: string) => toOcpTask({ ...freshSnapshot(pair), id: runId }).id;
    expect(id("171603")).toBe(171603);
    const [one, other] = ["0d4a3f1e-8c11-4c63-9d2c-2f0f0f1ab3c7", "0d4a3f1e-8c11-4c63-9d2c-2f0f0f1ab3c8"];
    expect(id(one)).toBe(id(one));
    expect(id(one)).not.toBe(id(other));
    expect(Number.isSafeInteger(id("f".repeat(200)))).toBe(true);
  });
});

describe("groups", () => {
  test("R22: a join of m by n members is listed m*n times, and member 0 carries its group's number", async () => {
    const document = {
      belay: 1,
      name: "groups",
      nodes: [
        { id: "10", action: "do", split: { over: "[1, 2, 3]" } },
        { id: "20", action: "do", upstreams: ["10"], split: { over: "[1, 2]" } },
        { id: "30", action: "do", upstreams: ["20"], split: { over: "[1, 2]", method: "SERIAL" } },
        { id: "40", action: "do", upstreams: ["30"] },
      ],
    } as const;
    const engine = await createEngine({ actions: { do: () => null }, clock: new ManualClock() });
    const run = await engine.start(definePlan(document));
    const { subtasks } = toOcpTask(await run.settled());
    expect(
      subtasks.map(({ id, parallelIdx, upstreams, downstreams }) => [id, parallelIdx, upstreams, downstreams]),
    ).toEqual([
      [10, 0, [], [20, 45]],
      [42, 1, [], [20, 45]],
      [43, 2, [], [20, 45]],
      [20, 0, [10, 42, 43], [30]],
      [45, 1, [10, 42, 43], [30]],
      [30, 0, [20, 45], [47]],
      [47, 1, [30], [40]],
      [40, -1, [47], []],
    ]);
  });

  test("R20: a group that OCP numbered comes back with its members' own numbers", async () => {
    const member = (id: number, parallelIdx: number, seriesId: number) => ({
      ...{
        id,
        name: "Stop server",
        description: "Stop server",
        nodeType: "JAVA_TASK",
        operation: "EXECUTE",
        status: "PENDING",
      },
      ...{
        parallelIdx,
        prohibitRollback: false,
        runTime: 1,
        seriesId,
        timeout: 60,
        upstreams: [5],
        downstreams: [8, 9],
      },
    });
    const single = (id: number, seriesId: number, upstreams: number[], downstreams: number[]) => ({
      ...member(id, -1, seriesId),
      ...{ name: `Node ${id}`, description: `Node ${id}`, upstreams, downstreams },
    });
    const subtasks = [
      single(8, 0, [7, 3, 6], []),
      member(7, 0, 3),
      member(3, 1, 4),
      member(6, 2, 5),
      single(5, 1, [], [7, 3, 6]),
      single(9, 2, [7, 3, 6], []),
    ];
    const task = { id: 1, name: "Stop all", subtasks };
    const engine = await createEngine({ actions: { do: () => null }, clock: new ManualClock() });
    const run = await engine.start(importOcpTask(task, { action: () => "do" }));
    const view = toOcpTask(await run.settled(), ocpIdentity(task));
    const plain = view.subtasks.map(({ startTime: _, finishTime: _f, executor: _e, ...subtask }) => subtask);
    expect(plain).toEqual(subtasks.map((subtask) => ({ ...subtask, status: "SUCCESSFUL" })));
  });
});

describe("times", () => {
  test.for([
    [480, "2022-09-05T13:39:18.441+08:00"],
    [0, "2022-09-05T05:39:18.441+00:00"],
    [-570, "2022-09-04T20:09:18.441-09:30"],
  ] as const)("R2: times carry an offset of %i minutes", ([utcOffsetMinutes, expected]) => {
    expect(toOcpTask(freshSnapshot(pair), { utcOffsetMinutes }).startTime).toBe(expected);
  });

  test("R25: a subtask says where and when it ran once it has, and when it ended once nothing runs", () => {
    const times = { startTime: "2022-09-05T05:39:19.000Z", finishTime: "2022-09-05T05:39:20.000Z" };
    const view = (a: object) => toOcpTask(withNodes(freshSnapshot(pair), { a }), { executor: "10.0.0.1" }).subtasks[0];
    expect(view({})).not.toHaveProperty("executor");
    expect(view({ ...done, ...times })).toMatchObject({
      executor: "10.0.0.1",
      startTime: "2022-09-05T05:39:19.000+00:00",
      finishTime: "2022-09-05T05:39:20.000+00:00",
    });
    expect(view({ status: "RUNNING", started: true, ...times })).not.toHaveProperty("finishTime");
  });
});
