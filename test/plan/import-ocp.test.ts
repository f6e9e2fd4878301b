/** OCP tasks as plans: the seed, every published task with edges, groups, and what is refused. */
import { type BelayError, type Diagnostic, importOcpTask, type Plan } from "@belay/engine";
import { describe, expect, test } from "vitest";
import { failoverAnswer, ocpSamples, taskOf } from "../oceanbase/ocp-samples.ts";

const node = (id: number, fields: Record<string, unknown> = {}) => ({
  id,
  name: `Step ${id}`,
  parallelIdx: -1,
  upstreams: [] as number[],
  downstreams: [] as number[],
  ...fields,
});
const task = (subtasks: unknown[], fields: Record<string, unknown> = {}) => ({
  id: 1,
  name: "A task",
  subtasks,
  ...fields,
});

function refusal(value: unknown): Pick<Diagnostic, "code" | "path">[] {
  try {
    importOcpTask(value);
  } catch (error) {
    expect((error as BelayError).code).toBe("PLAN_INVALID");
    const { diagnostics } = (error as BelayError).details as { diagnostics: Diagnostic[] };
    return diagnostics.map(({ code, path }) => ({ code, path }));
  }
  throw new Error("the task was accepted");
}

const edges = (plan: Plan) => plan.document.nodes.map(({ id, upstreams = [] }) => `${upstreams.join("+")}>${id}`);

describe("the seed", () => {
  test("R2: every field of a subtask that a plan has is kept, in OCP's own words", () => {
    const { document } = importOcpTask(failoverAnswer());
    expect(document.name).toBe("failover-ob-cluster");
    expect(document.title).toBe("Failover OB cluster");
    expect(document.prohibitRollback).toBeUndefined();
    expect(document.nodes.find(({ id }) => id === "202628")).toEqual({
      id: "202628",
      name: "Failover to Primary",
      description: "Failover to Primary",
      nodeType: "JAVA_TASK",
      action: "ocp.failover-to-primary",
      upstreams: ["202626"],
      timeout: 1800,
      prohibitRollback: true,
      seriesId: 4,
      parallelIdx: -1,
    });
  });

  test("R13: seriesId is kept as a label although the edges run 8,5,4,1,6,0,7,3,2", () => {
    const { nodes } = importOcpTask(failoverAnswer()).document;
    const byEdges: number[] = [];
    for (let at = nodes.find((n) => n.upstreams === undefined); at; ) {
      byEdges.push(at.seriesId as number);
      const { id } = at;
      at = nodes.find((n) => n.upstreams?.includes(id));
    }
    expect(byEdges).toEqual([8, 5, 4, 1, 6, 0, 7, 3, 2]);
  });

  test("R20: parallelIdx 0 of a group of one stays 0, and makes no split", () => {
    const { nodes } = importOcpTask(failoverAnswer()).document;
    const zero = nodes.filter((n) => n.parallelIdx === 0);
    expect(zero.map((n) => n.name)).toEqual(["Remove standby cluster", "Update OB cluster status"]);
    expect(nodes.every((n) => n.split === undefined)).toBe(true);
  });

  test("R5: the envelope and the task alone give one plan, and so does a change of what only an execution has", () => {
    const { data } = failoverAnswer();
    const { hash } = importOcpTask(failoverAnswer());
    expect(importOcpTask(data).hash).toBe(hash);
    const later = {
      ...data,
      status: "FAILED",
      subtasks: data.subtasks.map((s) => ({ ...s, status: "FAILED", runTime: 3 })),
    };
    expect(importOcpTask(later).hash).toBe(hash);
  });
});

describe("published tasks", () => {
  const samples = ocpSamples();
  test.skipIf(samples.length === 0)("R2: there are 32 with edges", () => {
    expect(samples).toHaveLength(32);
  });
  test.for(samples)("R10: $file imports with the edges it has on both sides", ({ answer }) => {
    const plan = importOcpTask(answer);
    const { subtasks } = taskOf(answer);
    expect(plan.document.nodes.map(({ id }) => id)).toEqual(subtasks.map(({ id }) => String(id)));
    for (const subtask of subtasks) {
      const imported = plan.document.nodes.find(({ id }) => id === String(subtask.id));
      expect(imported?.upstreams ?? []).toEqual(subtask.upstreams.map(String));
      expect(imported?.timeout).toBe(subtask["timeout"]);
      expect(imported?.seriesId).toBe(subtask["seriesId"]);
      expect(imported?.prohibitRollback ?? false).toBe(subtask["prohibitRollback"] ?? false);
    }
  });
});

describe("options", () => {
  test("R30: a compensation comes from the caller, and retries compensate first when that is asked", () => {
    const plan = importOcpTask(task([node(1, { downstreams: [2] }), node(2, { upstreams: [1] })]), {
      name: "two",
      action: (subtask) => `do.${subtask.id}`,
      compensation: (subtask) => (subtask.id === "1" ? { action: "undo.1" } : undefined),
      retryMode: "compensate-first",
    });
    expect(plan.document).toMatchObject({
      name: "two",
      nodes: [
        { action: "do.1", compensation: { action: "undo.1" }, retry: { mode: "compensate-first" } },
        { action: "do.2" },
      ],
    });
    expect(plan.document.nodes[1]).not.toHaveProperty("retry");
  });

  test("R2: a name without Latin letters or digits falls back to the id", () => {
    const { document } = importOcpTask(task([node(7, { name: "等待节点" })], { name: "主备切换" }));
    expect([document.name, document.title]).toEqual(["ocp-task-1", "主备切换"]);
    expect(document.nodes[0]).toMatchObject({ action: "ocp.subtask-7", name: "等待节点" });
  });

  test("R33: a task's own prohibition is kept, one that follows from a subtask that has begun is not", () => {
    const flagged = (status: string, prohibitRollback: boolean) =>
      importOcpTask(task([node(1, { prohibitRollback, status })], { prohibitRollback: true })).document
        .prohibitRollback;
    expect(flagged("RUNNING", false)).toBe(true);
    expect(flagged("READY", true)).toBe(true);
    expect(flagged("RUNNING", true)).toBeUndefined();
  });
});

describe("groups", () => {
  const parallel = (name: string, ids: number[], fields: { upstreams: number[]; downstreams: number[] }) =>
    ids.map((id, parallelIdx) => node(id, { name, parallelIdx, ...fields, timeout: 9 }));

  test("R21: siblings with one name and the same neighbours are one PARALLEL group of n", () => {
    const plan = importOcpTask(
      task([
        node(1, { downstreams: [2, 3, 4] }),
        ...parallel("Stop server", [2, 3, 4], { upstreams: [1], downstreams: [5, 6] }),
        ...parallel("Start server", [5, 6], { upstreams: [2, 3, 4], downstreams: [] }),
      ]),
    );
    expect(edges(plan)).toEqual([">1", "1>2", "2>5"]);
    expect(plan.document.nodes[1]).toMatchObject({ split: { over: "[0, 1, 2]", method: "PARALLEL" }, timeout: 9 });
    expect(plan.document.nodes[2]).toMatchObject({ split: { over: "[0, 1]", method: "PARALLEL" } });
    expect(plan.document.nodes[1]).not.toHaveProperty("parallelIdx");
  });

  test("R21: siblings that hang on one another in order are one SERIAL group", () => {
    const plan = importOcpTask(
      task([
        node(4, { name: "Tail", upstreams: [3] }),
        node(3, { name: "Roll", parallelIdx: 1, upstreams: [2], downstreams: [4], seriesId: 6 }),
        node(2, { name: "Roll", parallelIdx: 0, upstreams: [1], downstreams: [3], seriesId: 5 }),
        node(1, { name: "Head", downstreams: [2] }),
      ]),
    );
    expect(edges(plan)).toEqual(["2>4", "1>2", ">1"]);
    expect(plan.document.nodes[1]).toMatchObject({ split: { over: "[0, 1]", method: "SERIAL" }, seriesId: 5 });
  });

  test("R21: two groups of one name in two branches stay two", () => {
    const plan = importOcpTask(
      task([
        node(1, { downstreams: [3, 4] }),
        node(2, { downstreams: [5, 6] }),
        ...parallel("Stop", [3, 4], { upstreams: [1], downstreams: [] }),
        ...parallel("Stop", [5, 6], { upstreams: [2], downstreams: [] }),
      ]),
    );
    expect(edges(plan)).toEqual([">1", ">2", "1>3", "2>5"]);
  });

  test.for([
    ["no sibling 0", [node(1, { parallelIdx: 1 })], "subtasks[0].parallelIdx"],
    [
      "a gap",
      [node(1, { name: "S", parallelIdx: 0 }), node(2, { name: "S", parallelIdx: 2 })],
      "subtasks[1].parallelIdx",
    ],
    [
      "members of different neighbours",
      [
        node(1, { name: "S", parallelIdx: 0, downstreams: [3] }),
        node(2, { name: "S", parallelIdx: 1 }),
        node(3, { upstreams: [1] }),
      ],
      "subtasks[1].parallelIdx",
    ],
    ["below -1", [node(1, { parallelIdx: -2 })], "subtasks[0].parallelIdx"],
  ] as const)("R20: a parallelIdx with %s is refused", ([, subtasks, path]) => {
    expect(refusal(task([...subtasks]))).toEqual([{ code: "INVALID_VALUE", path }]);
  });
});

describe("refusals", () => {
  test("R3: sides that disagree are refused at the place of the claim", () => {
    expect(refusal({ data: task([node(1, { downstreams: [2] }), node(2)]) })).toEqual([
      { code: "EDGE_MISMATCH", path: "data.subtasks[0].downstreams[0]" },
    ]);
    expect(refusal(task([node(1), node(2, { upstreams: [1] })]))).toEqual([
      { code: "EDGE_MISMATCH", path: "subtasks[1].upstreams[0]" },
    ]);
  });

  test("R3: one side alone is enough", () => {
    const half = [
      { id: 1, name: "a", downstreams: [2] },
      { id: 2, name: "b" },
    ];
    expect(edges(importOcpTask(task(half)))).toEqual([">1", "1>2"]);
  });

  test.for([
    ["a missing id", [node(1, { id: undefined })], [{ code: "MISSING_FIELD", path: "subtasks[0].id" }]],
    ["an id twice", [node(1), node(1)], [{ code: "DUPLICATE_ID", path: "subtasks[1].id" }]],
    [
      "an unknown neighbour",
      [node(1, { upstreams: [9] })],
      [{ code: "UNKNOWN_NODE", path: "subtasks[0].upstreams[0]" }],
    ],
    [
      "a neighbour twice",
      [node(1, { downstreams: [2, 2] }), node(2, { upstreams: [1] })],
      [{ code: "DUPLICATE_EDGE", path: "subtasks[0].downstreams" }],
    ],
    ["a rounded id", [node(2 ** 53)], [{ code: "UNSAFE_INTEGER", path: "subtasks[0].id" }]],
    ["a missing name", [node(1, { name: undefined })], [{ code: "MISSING_FIELD", path: "subtasks[0].name" }]],
    ["a timeout in words", [node(1, { timeout: "60s" })], [{ code: "WRONG_TYPE", path: "subtasks[0].timeout" }]],
    ["a subtask that is none", [7], [{ code: "WRONG_TYPE", path: "subtasks[0]" }]],
    [
      "the list form, without edges",
      [
        { id: 1, name: "a" },
        { id: 2, name: "b" },
      ],
      [{ code: "MISSING_FIELD", path: "subtasks[0]" }],
    ],
    ["no subtasks", [], [{ code: "MISSING_FIELD", path: "subtasks" }]],
  ] as const)("R1: %s is refused, and nothing else is said", ([, subtasks, expected]) => {
    expect(refusal(task([...subtasks]))).toEqual(expected);
  });

  test("R1: every error comes at once", () => {
    expect(
      refusal(task([node(1, { id: undefined, timeout: "x" }), node(2, { name: 5 })])).map(({ path }) => path),
    ).toEqual(["subtasks[0].id", "subtasks[0].timeout", "subtasks[1].name"]);
  });

  test.for([
    undefined,
    null,
    7,
    "task",
    [],
    {},
    { data: {} },
    { data: { contents: [] } },
    { data: { contents: [{}, {}] } },
  ])("R1: %j is no task", (value) => {
    expect(refusal(value)).toHaveLength(1);
  });

  test("R3: a cycle is refused by the checks every plan passes", () => {
    const cycle = [node(1, { upstreams: [2], downstreams: [2] }), node(2, { upstreams: [1], downstreams: [1] })];
    expect(refusal(task(cycle)).map(({ code }) => code)).toEqual(["CYCLE"]);
  });

  test("R4: a chain of 60,000 subtasks imports", { timeout: 120_000 }, () => {
    const size = 60_000;
    const chain = Array.from({ length: size }, (_, at) =>
      node(at + 1, { upstreams: at === 0 ? [] : [at], downstreams: at === size - 1 ? [] : [at + 2] }),
    );
    expect(importOcpTask(task(chain)).document.nodes).toHaveLength(size);
  });
});
