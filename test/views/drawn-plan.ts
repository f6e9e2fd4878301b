/** A small plan with one of everything that drawings show, a run of it, and names that try to break out. */
import { definePlan, type NodeSnapshot, type NodeStatus, type Plan, type RunSnapshot } from "@belay/engine";

export const DRAWN: Plan = definePlan({
  belay: 1,
  name: "drawn",
  title: 'Move the "primary"',
  params: {
    type: "object",
    properties: { hosts: { type: "array", items: { type: "string" } }, tell: { type: "boolean" } },
    required: ["hosts", "tell"],
  },
  nodes: [
    { id: "lock", name: "Take the lock", action: "belay.noop", timeout: 90, compensation: { action: "belay.noop" } },
    {
      id: "freeze",
      action: "belay.noop",
      upstreams: ["lock"],
      split: { over: "params.hosts", maxConcurrency: 2, tolerated: 1 },
      retry: { maxAttempts: 3 },
    },
    { id: "promote", action: "belay.noop", upstreams: ["freeze"], prohibitRollback: true, timeout: 3600 },
    {
      id: "repoint",
      action: "belay.noop",
      upstreams: ["promote"],
      split: { over: "params.hosts", method: "FIRST_SUCCESS" },
    },
    { id: "tell", action: "belay.noop", upstreams: ["repoint"], when: "params.tell == true", trigger: "all_finished" },
  ],
});

/** A run in which the first group is under way; the second has not expanded. Only what drawings read. */
export function drawnRun(): RunSnapshot {
  const states: readonly Partial<NodeSnapshot>[] = [
    state("lock", "SUCCESSFUL"),
    state("freeze[0]", "SUCCESSFUL", { group: "freeze", parallelIdx: 0 }),
    // Out of order: drawings sort members by `parallelIdx`.
    state("freeze[2]", "RUNNING", { group: "freeze", parallelIdx: 2 }),
    state("freeze[1]", "FAILED", { group: "freeze", parallelIdx: 1, tolerated: true }),
    state("promote", "PENDING"),
    state("repoint", "PENDING"),
    state("tell", "PENDING"),
  ];
  return { status: "RUNNING", nodes: states } as unknown as RunSnapshot;
}

function state(id: string, status: NodeStatus, given: Partial<NodeSnapshot> = {}): Partial<NodeSnapshot> {
  return { id, group: null, parallelIdx: -1, status, tolerated: false, ...given };
}

/** A name, and what a reader of the drawing must see. */
export const nastyNames: readonly (readonly [name: string, shown: string])[] = [
  ['say "hi"', 'say "hi"'],
  ["end", "end"],
  ["a]b)c}d>e|f", "a]b)c}d>e|f"],
  ["<script>alert(1)</script>", "<script>alert(1)</script>"],
  ["&lt;b&gt; #35; #quot;", "&lt;b&gt; #35; #quot;"],
  ["`code` **bold** _it_", "`code` **bold** _it_"],
  ["%%{init: {}}%%", "%%{init: {}}%%"],
  ["style:#a;", "style:#a;"],
  ["1. first", "1. first"],
  ["- item", "- item"],
  ["back\\slash \\N", "back\\slash \\N"],
  ["two\nlines\tand a bell\u0007", "two lines and a bell"],
  ["主库切换 → é", "主库切换 → é"],
  ["abc\u202egfe", "abcgfe"],
  ["no\uffffcharacter", "no\ufffdcharacter"],
];
