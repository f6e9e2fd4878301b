/**
 * The memory of a run's state. Owns: which columns there are, their sizes, growth for members, and the columns that are made
 * only once a run needs them: rounds and compensations, counters of failures. Does not own: what they mean (`state.ts`).
 * A run that only goes forward takes 18 bytes for a declared node, and a bit for its place in a queue.
 */
import type { CompiledPlan } from "../plan/compiled.ts";
import { ColumnBlock } from "./column-block.ts";
import { ReadyQueue } from "./ready-queue.ts";
import { OperationCode, type Rounds, type RunState, type Settings, upstreamsOf } from "./state.ts";
import { Worklist } from "./worklist.ts";

/** The declared nodes, and the members that are known from the start. */
function capacityFor({ size, splits }: CompiledPlan): number {
  let capacity = size;
  for (const { count } of splits) capacity += Math.max(0, count);
  return capacity;
}

/** Room of the columns for so many nodes, `members` of them members. */
function room(capacity: number, members: number): { readonly ints: number; readonly bytes: number } {
  return { ints: 2 * capacity + 2 * members, bytes: 6 * capacity };
}

export function createState(plan: CompiledPlan, settings: Settings): RunState {
  const { size } = plan;
  const capacity = capacityFor(plan);
  const members = capacity - size;
  const counted = plan.onlyAllSucceeded ? 0 : size;
  const { ints, bytes } = room(capacity, members);
  const block = new ColumnBlock({ ints: ints + size + 3 * counted, bytes });
  const waiting = block.ints(size);
  for (let v = 0; v < size; v++) waiting[v] = upstreamsOf(plan, v);
  return {
    plan,
    settings,
    status: "RUNNING",
    operation: OperationCode.EXECUTE,
    size,
    members: 0,
    node: block.bytes(capacity),
    operationOf: block.bytes(capacity),
    skipReason: block.bytes(capacity),
    outcome: block.bytes(capacity),
    cause: block.bytes(capacity),
    purpose: block.bytes(capacity),
    marks: block.ints(capacity),
    attempt: block.ints(capacity),
    memberGroup: block.ints(members),
    memberPlace: block.ints(members),
    rounds: undefined,
    groups: plan.splits.map(() => undefined),
    attemptFloor: new Int32Array(plan.splits.length),
    undoFloor: new Int32Array(plan.splits.length),
    waiting,
    succeeded: block.ints(counted),
    failed: block.ints(counted),
    spared: block.ints(counted),
    blocking: new Int32Array(0),
    undoWaiting: new Int32Array(0),
    undoScope: new Uint8Array(0),
    undoScopeKind: "all",
    undoScopeNode: -1,
    undoRetryFailed: true,
    queues: plan.pools.map(() => new ReadyQueue(size)),
    queued: 0,
    active: new Int32Array(plan.pools.length),
    done: new Worklist(),
    undecided: new Worklist(),
    running: 0,
    undoing: 0,
    backoff: 0,
    resolving: 0,
    finished: 0,
    failures: 0,
    undoFailures: 0,
    barriers: 0,
    asked: false,
    canceling: false,
    timedOut: false,
    tearingDown: false,
    runToken: 0,
  };
}

/** Appends `count` members of the group `node`; answers the number of the first. */
export function appendMembers(state: RunState, node: number, count: number): number {
  const base = state.size;
  const size = base + count;
  if (size > state.node.length) growTo(state, Math.max(size, state.node.length * 2));
  state.size = size;
  const first = base - state.plan.size;
  state.memberGroup.fill(node, first, first + count);
  for (let i = 0; i < count; i++) state.memberPlace[first + i] = i;
  return base;
}

function growTo(state: RunState, capacity: number): void {
  const members = capacity - state.plan.size;
  const block = new ColumnBlock(room(capacity, members));
  state.node = block.bytes(capacity, state.node);
  state.operationOf = block.bytes(capacity, state.operationOf);
  state.skipReason = block.bytes(capacity, state.skipReason);
  state.outcome = block.bytes(capacity, state.outcome);
  state.cause = block.bytes(capacity, state.cause);
  state.purpose = block.bytes(capacity, state.purpose);
  state.marks = block.ints(capacity, state.marks);
  state.attempt = block.ints(capacity, state.attempt);
  state.memberGroup = block.ints(members, state.memberGroup);
  state.memberPlace = block.ints(members, state.memberPlace);
  if (state.rounds !== undefined) state.rounds = roundsFor(capacity, state.rounds);
}

/** The counts of rounds, made when a run first needs them. */
export function roundsOf(state: RunState): Rounds {
  state.rounds ??= roundsFor(state.node.length);
  return state.rounds;
}

function roundsFor(capacity: number, old?: Rounds): Rounds {
  const block = new ColumnBlock({ ints: 3 * capacity, bytes: 0 });
  return {
    start: block.ints(capacity, old?.start),
    undoAttempt: block.ints(capacity, old?.undoAttempt),
    undoStart: block.ints(capacity, old?.undoStart),
  };
}

/** The counter of failures that hold a node, made when there is the first. */
export function blockingOf(state: RunState): Int32Array {
  if (state.blocking.length === 0) state.blocking = new Int32Array(state.plan.size);
  return state.blocking;
}
