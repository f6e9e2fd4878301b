/**
 * Attempts and compensations as the reference model reads R25 to R28, R31 and R32: how each begins, ends, is stopped, and
 * whether another follows. Owns: one node at a time. What its end means for others is in `reference-flow.ts`.
 */

import {
  delayMs,
  type Entry,
  hasUndo,
  homeOf,
  isReaction,
  isStopped,
  isTeardown,
  mayStart,
  type Purpose,
  retryOf,
  type Stop,
  type World,
} from "./reference-state.ts";

/** R25, R33: the attempt is dispatched; from here on the node has started. */
export function begin(world: World, entry: Entry): void {
  entry.status = "RUNNING";
  entry.waits = undefined;
  entry.attempt++;
  entry.outcome = undefined;
  entry.stop = undefined;
  entry.started = true;
  entry.since = world.now;
  if (entry.node.prohibitRollback === true) entry.barrier = true;
  const first = entry.attempt === entry.before + 1;
  if (first) entry.totalSince = entry.node.totalTimeout ? world.now : undefined;
}

/** R25, R26: the action let go. Once aborted, whatever it says is "unknown". */
export function answered(world: World, entry: Entry, answer: "ok" | "retryable" | "fatal"): void {
  if (entry.status === "CANCELING") {
    entry.outcome = "unknown";
    goOnOrFail(world, entry, !isFinal(entry.stop));
  } else if (answer === "ok") {
    entry.outcome = "succeeded";
    entry.status = "SUCCESSFUL";
    entry.totalSince = undefined;
  } else {
    entry.outcome = "failed";
    goOnOrFail(world, entry, answer === "retryable");
  }
}

/** R26: aborted, and given time to let go; a stop for good wins over one that allows another attempt. */
export function abort(world: World, entry: Entry, stop: Stop): void {
  if (entry.status === "CANCELING") {
    if (isFinal(stop)) entry.stop = stop;
    return;
  }
  entry.status = "CANCELING";
  entry.stop = stop;
  entry.since = world.now;
}

export function isFinal(stop: Stop | undefined): boolean {
  return stop !== undefined && stop !== "timeout" && stop !== "heartbeat";
}

function goOnOrFail(world: World, entry: Entry, another: boolean): void {
  const used = entry.attempt - entry.before;
  const allowed = retryOf(world, entry)?.maxAttempts ?? 1;
  if (!another || used >= allowed || isOver(world, entry)) {
    fail(entry);
    return;
  }
  entry.status = "READY";
  if (undoesFirst(world, entry)) queueUndo(entry, "retry");
  else wait(world, entry);
}

/** R25: it is undone before its next attempt. */
export function undoesFirst(world: World, entry: Entry): boolean {
  return retryOf(world, entry)?.mode === "compensate-first" && hasUndo(entry);
}

/** R25: the next attempt comes after the interval. */
function wait(world: World, entry: Entry): void {
  const ms = delayMs(retryOf(world, entry), entry.attempt - entry.before);
  entry.waits = ms > 0 ? "backoff" : "slot";
  entry.since = world.now + ms;
}

export function fail(entry: Entry): void {
  entry.status = "FAILED";
  entry.waits = undefined;
  entry.undo = undefined;
  entry.totalSince = undefined;
}

/** R14, R37: the run was stopped in a way that ends what is under way, so no further attempt follows. */
function isOver(world: World, entry: Entry): boolean {
  if (isTeardown(entry) || isStopped(world)) return isStopped(world);
  if (world.document.failureMode !== "kill" || world.known.size === 0) return false;
  return !entry.asked && !homeOf(world, entry).asked && !isReaction(entry.node.trigger);
}

/** R31: the compensation waits for its slot, with a budget of its own. */
export function queueUndo(entry: Entry, purpose: Purpose): void {
  entry.undo = "slot";
  entry.purpose = purpose;
  entry.undoBefore = entry.undoAttempt;
}

export function beginUndo(world: World, entry: Entry): void {
  entry.status = "COMPENSATING";
  entry.undo = "running";
  entry.undoAttempt++;
  entry.undoSince = world.now;
}

/** R31, R32: an aborted compensation counts as not done, whatever it still says. */
export function undoAnswered(world: World, entry: Entry, answer: "ok" | "retryable" | "fatal"): void {
  const aborted = entry.undo === "aborting";
  if (answer === "ok" && !aborted) {
    undoDone(world, entry);
    return;
  }
  const retry = entry.node.compensation?.retry;
  const used = entry.undoAttempt - entry.undoBefore;
  if ((aborted || answer === "retryable") && used < (retry?.maxAttempts ?? 1)) {
    const ms = delayMs(retry, used);
    entry.undo = ms > 0 ? "backoff" : "slot";
    entry.undoSince = world.now + ms;
    return;
  }
  entry.status = "COMPENSATION_FAILED";
  entry.undo = undefined;
  entry.totalSince = undefined;
  world.givenUp.add(entry.id);
}

function undoDone(world: World, entry: Entry): void {
  entry.undo = undefined;
  entry.started = false;
  if (entry.purpose === "fresh-round") {
    // R21: a stuck candidate is undone at last; its group starts over.
    waitAgain(entry);
    return;
  }
  if (entry.purpose !== "retry") {
    entry.status = "COMPENSATED";
    entry.undone = entry.purpose === "rollback";
    return;
  }
  // R25: undone between two attempts; the next one follows, unless the run was stopped meanwhile.
  entry.purpose = undefined;
  entry.status = "READY";
  const anew = entry.attempt === entry.before;
  if (isFinal(entry.stop) || isOver(world, entry)) fail(entry);
  else if (!anew) wait(world, entry);
  else if (mayStart(world, entry)) entry.waits = "slot";
  else entry.status = "PENDING";
}

/** As if it had never started; attempts go on counting (R25). */
export function startOver(entry: Entry): void {
  entry.started = false;
  entry.decided = false;
  waitAgain(entry);
}

/** R37, R30: back to the start for a fresh round; what earlier attempts did still counts for a rollback. */
export function waitAgain(entry: Entry): void {
  entry.status = "PENDING";
  entry.before = entry.attempt;
  entry.skip = undefined;
  entry.stop = undefined;
  entry.undone = false;
  entry.purpose = undefined;
  if (!entry.started) entry.outcome = undefined;
}
