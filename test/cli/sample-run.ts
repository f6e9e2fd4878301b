/** Runs that never ran, for tests of what is shown: snapshots by hand, and a `Run` that a test moves itself. */
import type { AnyRunEvent, NodeSnapshot, Run, RunSnapshot } from "@belay/engine";

/** Start of every sample run. */
export const START = Date.parse("2026-01-01T00:00:00.000Z");

/** The ISO time `ms` after the start. */
export function at(ms: number): string {
  return new Date(START + ms).toISOString();
}

/** A node that has not started, with what the test says instead. */
export function node(id: string, given: Partial<NodeSnapshot> = {}): NodeSnapshot {
  return {
    id,
    group: null,
    name: id,
    description: null,
    nodeType: "TASK",
    action: "sample.act",
    status: "PENDING",
    operation: "EXECUTE",
    skipReason: null,
    tolerated: false,
    parallelIdx: -1,
    seriesId: 0,
    runTime: 1,
    started: false,
    waiting: null,
    upstreams: [],
    downstreams: [],
    prohibitRollback: false,
    timeout: 0,
    startTime: null,
    finishTime: null,
    item: undefined,
    output: undefined,
    error: null,
    compensation: null,
    ...given,
  };
}

/** A node that ran from `from` to `to` milliseconds after the start; without `to` it still runs. */
export function ran(id: string, from: number, to: number | null, given: Partial<NodeSnapshot> = {}): NodeSnapshot {
  return node(id, {
    status: to === null ? "RUNNING" : "SUCCESSFUL",
    started: true,
    startTime: at(from),
    finishTime: to === null ? null : at(to),
    ...given,
  });
}

/** A run of these nodes. */
export function snapshot(nodes: readonly NodeSnapshot[], given: Partial<RunSnapshot> = {}): RunSnapshot {
  return {
    id: "run-1",
    planName: "sample",
    planHash: "0".repeat(64),
    title: "Sample",
    status: "RUNNING",
    operation: "EXECUTE",
    prohibitRollback: false,
    startTime: at(0),
    finishTime: null,
    clientToken: null,
    startedBy: null,
    fault: null,
    nodes,
    groups: [],
    ...given,
  };
}

/** A run in the test's hands. */
export interface HeldRun {
  readonly run: Run;
  /** Delivers an event. */
  emit(event: AnyRunEvent): void;
  /** Brings it to rest. */
  rest(snapshot: RunSnapshot): void;
  /** How often `cancel` was called. */
  cancels(): number;
}

/** `onCancel`: what `cancel` answers; default: it is accepted. */
export function heldRun(first: RunSnapshot, onCancel: () => Promise<RunSnapshot> = async () => first): HeldRun {
  const listeners = new Map<string, Set<(event: object) => void>>();
  let resolve: (last: RunSnapshot) => void = () => {};
  const promise = new Promise<RunSnapshot>((fulfil) => {
    resolve = fulfil;
  });
  let current = first;
  let cancels = 0;
  const fake = {
    id: first.id,
    on: (type: string, listener: (event: object) => void) => {
      listeners.set(type, (listeners.get(type) ?? new Set()).add(listener));
    },
    off: (type: string, listener: (event: object) => void) => listeners.get(type)?.delete(listener),
    snapshot: () => current,
    settled: () => promise,
    cancel: () => {
      cancels++;
      return onCancel();
    },
  };
  return {
    run: fake as unknown as Run,
    emit({ type, ...payload }) {
      for (const listener of listeners.get(type) ?? []) listener(payload);
    },
    rest(last) {
      current = last;
      resolve(last);
    },
    cancels: () => cancels,
  };
}
