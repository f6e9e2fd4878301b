/** Schemas of runs as the native API shows them: `RunSnapshot`, its nodes and groups, and rows of the list of runs. */
import { anything, flag, list, nullable, object, oneOf, open, ref, type Schema, text, time, whole } from "./build.ts";

/** Where a run can stand (docs/states.md). */
export const RUN_STATUSES = [
  "RUNNING",
  "PAUSED",
  "FAILED",
  "CANCELED",
  "SUCCESSFUL",
  "ROLLING_BACK",
  "ROLLED_BACK",
  "PARTIALLY_ROLLED_BACK",
  "ROLLBACK_FAILED",
  "ABANDONED",
] as const;

const OPERATIONS = ["EXECUTE", "RETRY", "ROLLBACK", "SKIP", "ROLLBACK_SKIP", "CANCEL"];
const SKIP_REASONS = ["condition", "upstream", "empty", "superseded", "operator"];

const failure = object(
  {
    code: text("Stable, for programs."),
    message: text("For people."),
    retryable: flag("false: this failure ended the node's attempts."),
    details: anything(),
  },
  ["details"],
  "Why an attempt failed.",
);

const compensation = object({
  action: text("The action that undoes the node."),
  runTime: whole("Attempts made so far."),
  startTime: nullable(time()),
  finishTime: nullable(time()),
  error: nullable(ref("Failure")),
});

const waiting = object({
  for: oneOf(["time", "approval", "signal"]),
  until: nullable(time()),
  approvedBy: list(text()),
  approvers: nullable(list(text())),
  required: whole("How many people have to approve."),
});

const node = object(
  {
    id: text("What verbs take; a member's is group[0]."),
    group: nullable(text("Id of the group it is a member of.")),
    name: text(),
    description: nullable(text()),
    nodeType: text(),
    action: text(),
    status: text("docs/states.md has every state and transition."),
    operation: oneOf(OPERATIONS),
    skipReason: nullable(oneOf(SKIP_REASONS)),
    tolerated: flag("It failed, and that does not fail the run."),
    parallelIdx: whole("Place in the group; -1 for a node that is no member.", { minimum: -1 }),
    seriesId: { type: "integer" },
    runTime: whole("Number of the last attempt, from 1."),
    started: flag(),
    waiting: nullable(waiting),
    upstreams: list(text()),
    downstreams: list(text()),
    prohibitRollback: flag("A point of no return as soon as it has started."),
    timeout: { type: "number", description: "Seconds of one attempt; 0 = none." },
    startTime: nullable(time()),
    finishTime: nullable(time()),
    item: anything("The member's item of the list."),
    output: anything("What the action returned."),
    error: nullable(ref("Failure")),
    compensation: nullable(compensation),
  },
  ["item", "output"],
  "A node as it stands.",
);

const group = object(
  {
    id: text(),
    status: text(),
    members: whole(),
    output: anything(),
    error: nullable(ref("Failure")),
  },
  ["output"],
  "A group as a whole; its members are among the nodes.",
);

const election = object(
  {
    nodes: list(text(), "Ids of the steps that chose."),
    candidates: list(text(), "Who may take over, the first choice first."),
    chosen: nullable(text("Who was taken; null = nobody yet.")),
    rejected: list(
      object({
        candidate: text(),
        code: nullable(text("Stable, for programs, where the step gives one.")),
        reason: text("One sentence for people."),
        node: text("The step that says so."),
      }),
    ),
  },
  [],
  "Who could take over, who did, and why each of the others did not.",
);

const run = object(
  {
    id: text(),
    planName: text(),
    planHash: text("SHA-256 of the plan, hex."),
    title: text(),
    status: oneOf(RUN_STATUSES),
    operation: oneOf(OPERATIONS),
    prohibitRollback: flag("A plain rollback would be refused."),
    startTime: time(),
    finishTime: nullable(time("Last change before it came to rest; null while it moves.")),
    clientToken: nullable(text()),
    startedBy: nullable(text("Name of the principal who started it.")),
    fault: nullable(object({ code: text(), message: text() })),
    nodes: list(ref("Node")),
    groups: list(ref("Group")),
    election: ref("Election"),
  },
  ["election"],
  "A run as it stands.",
);

const row = object(
  {
    id: text(),
    plan: text(),
    planHash: text(),
    status: oneOf(RUN_STATUSES),
    ended: flag("The status is final."),
    startTime: time(),
    changeTime: time("When anything was last recorded of it."),
    startedBy: nullable(text()),
    clientToken: nullable(text()),
    parent: nullable(object({ runId: text(), nodeId: text(), attempt: whole() })),
    locks: list(text()),
    owner: nullable(text("The engine that executes it; null = none.")),
  },
  [],
  "A run in the list of runs.",
);

const step = { node: text(), action: text(), attempt: whole(), wave: whole() };
const OUTCOMES = ["succeeded", "failed", "unknown"];

const preview = object(
  {
    refused: nullable(object({ code: text(), message: text(), details: open() })),
    status: oneOf(RUN_STATUSES, "Right after the verb."),
    finalStatus: nullable(oneOf(RUN_STATUSES, "Where it would come to rest; null = that depends on `undecided`.")),
    run: list(object(step)),
    compensate: list(object({ ...step, outcome: oneOf(OUTCOMES) })),
    abort: list(text()),
    finish: list(text()),
    fail: list(text()),
    skip: list(object({ node: text(), reason: oneOf(SKIP_REASONS) })),
    leave: list(object({ node: text(), reason: text(), outcome: oneOf(OUTCOMES) })),
    pointsOfNoReturn: list(text()),
    crosses: list(text()),
    awaits: list(text()),
    afterResume: list(text()),
    undecided: list(object({ node: text(), reads: list(text()), reason: text() })),
    locksReleased: list(text()),
  },
  [],
  "What a verb would do now, and what would follow if everything succeeded.",
);

/** By the names that `ref` takes. */
export const RUN_SCHEMAS: Readonly<Record<string, Schema>> = {
  Failure: failure,
  Node: node,
  Group: group,
  Election: election,
  Run: run,
  RunRow: row,
  Preview: preview,
};
