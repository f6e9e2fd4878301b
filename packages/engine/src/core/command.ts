/**
 * Commands: what the core wants done and what it wants known, as rows of numbers in a buffer that the host reads and
 * clears after every step. Actions first (RESOLVE, RUN, COMPENSATE, ABORT, ARM, DISARM), then notices.
 * Rows are data, not callbacks: the same inputs give the same rows (R50). Cost: one push per column.
 */

export const Op = {
  /** Evaluate the condition or the list of `node` and answer with `resolved`. */
  RESOLVE: 0,
  /** Start attempt `value` of `node`. */
  RUN: 1,
  /** Start attempt `value` of the compensation of `node`. */
  COMPENSATE: 2,
  /** Abort what runs of `node`: `value` is a Cause. */
  ABORT: 3,
  /** Answer with `due` at time `at`: `value` is the token, `extra` the index of the kind in DEADLINES. */
  ARM: 4,
  /** Forget the deadline of that kind. */
  DISARM: 5,
  READY: 6,
  /** READY no more: a failure or a cancel holds the node back (R14). */
  HELD: 19,
  /** One of the approvals the node waits for; `value` is the attempt. */
  APPROVED: 20,
  SUCCEEDED: 7,
  /** Final: `value` is a Cause, `extra` attempt and outcome (`OUTCOME_SPAN`). */
  FAILED: 8,
  /** Another attempt follows after `at` milliseconds; `value` is a Cause, `extra` attempt and outcome. */
  RETRYING: 9,
  /** `value` is a SkipReason code. */
  SKIPPED: 10,
  /** `value` is a Cause. */
  CANCELING: 11,
  /** An answer that came too late; `value` the attempt, `extra` its outcome code. */
  LATE: 12,
  /** `value` members, numbered from `extra` on. */
  EXPANDED: 13,
  COMPENSATED: 14,
  UNDO_RETRYING: 15,
  UNDO_FAILED: 16,
  /** Back to PENDING: forget what earlier attempts left; `value` is 1 when they still count as started. */
  RESET: 17,
  /** `value` is an index into RUN_STATUSES; `extra` is 2 at the start, 1 when the run goes forward again after a rest. */
  RUN_STATUS: 18,
} as const;

/** Why an attempt was stopped. */
export const Cause = { NONE: 0, TIMEOUT: 1, HEARTBEAT: 2, TOTAL: 3, CANCEL: 4, RUN_TIMEOUT: 5, KILL: 6 } as const;

/** Deadline kinds by index; `ARM` and `DISARM` carry the index. */
export const DEADLINES = [
  "attempt",
  "heartbeat",
  "total",
  "backoff",
  "grace",
  "compensation",
  "compensation-backoff",
  "compensation-grace",
  "run",
] as const;

/** What a deadline is for. */
export type DeadlineKind = (typeof DEADLINES)[number];

export const Deadline = {
  ATTEMPT: 0,
  HEARTBEAT: 1,
  TOTAL: 2,
  BACKOFF: 3,
  GRACE: 4,
  COMPENSATION: 5,
  COMPENSATION_BACKOFF: 6,
  COMPENSATION_GRACE: 7,
  RUN: 8,
} as const;

/** Rows for which there is room at first. */
const ROOM = 64;

/** Room for more rows than that is given back when they are cleared. */
const MOST_ROOM = 2 ** 16;

/** A growing table of commands, reused between steps. */
export class Commands {
  length = 0;
  op: Uint8Array = new Uint8Array(ROOM);
  node: Int32Array = new Int32Array(ROOM);
  value: Int32Array = new Int32Array(ROOM);
  extra: Int32Array = new Int32Array(ROOM);
  at: Float64Array = new Float64Array(ROOM);

  /** Epoch milliseconds of the input being handled: the only time the core knows. */
  now = 0;

  // biome-ignore lint/complexity/useMaxParams: one argument per column; an object per row would cost an allocation.
  push(op: number, node: number, value = 0, extra = 0, at = 0): void {
    const row = this.length;
    if (row === this.op.length) this.#resize(2 * row);
    this.length = row + 1;
    this.op[row] = op;
    this.node[row] = node;
    this.value[row] = value;
    this.extra[row] = extra;
    this.at[row] = at;
  }

  clear(): void {
    this.length = 0;
    if (this.op.length > MOST_ROOM) this.#resize(ROOM);
  }

  /** Rows up to `length` stay. */
  #resize(room: number): void {
    const kept = this.length;
    const op = new Uint8Array(room);
    op.set(this.op.subarray(0, kept));
    this.op = op;
    this.node = resized(this.node, kept, room);
    this.value = resized(this.value, kept, room);
    this.extra = resized(this.extra, kept, room);
    const at = new Float64Array(room);
    at.set(this.at.subarray(0, kept));
    this.at = at;
  }
}

function resized(column: Int32Array, kept: number, room: number): Int32Array {
  const larger = new Int32Array(room);
  larger.set(column.subarray(0, kept));
  return larger;
}
