/**
 * Attempts and compensations as the reference model reads R25 to R28, R31 and R32: how each begins, ends, is stopped, which
 * of its deadlines count, and whether another follows. Owns: one node at a time. What its end means for others is in
 * `reference-flow.ts`.
 */
import type { DeadlineKind } from "../../core/command.ts";
import type { RetryDocument } from "../../plan/document.ts";
import {
  type Entry,
  hasUndo,
  homeOf,
  isReaction,
  isStopped,
  isTeardown,
  mayStart,
  type Purpose,
  type Stop,
  type World,
} from "./reference-state.ts";

/** Its first attempt of the round waits for a slot. R25: with compensate-first, what earlier rounds left is undone first. */
export function makeReady(world: World, entry: Entry): void {
  entry.status = "READY";
  if (undoesFirst(world, entry)) queueUndo(entry, "retry");
  else entry.waits = "slot";
}

/** R25, R33: the attempt is dispatched; from here on the node has started. */
export function begin(world: World, entry: Entry): void {
  entry.status = "RUNNING";
  entry.waits = undefined;
  entry.attempt++;
  entry.outcome = undefined;
  entry.approvedBy = [];
  entry.stop = undefined;
  entry.started = true;
  entry.since = world.now;
  const first = entry.attempt === entry.before + 1;
  if (first) entry.totalSince = entry.node.totalTimeout ? world.now : undefined;
}

/** How an action, or a compensation, let go; "lost": its process ended, and nobody can tell what came of it (R42). */
export type Answer = "ok" | "retryable" | "fatal" | "lost";

/** R25, R26: the action let go. Once aborted, whatever it says is "unknown". */
export function answered(world: World, entry: Entry, answer: Answer): void {
  if (entry.status === "CANCELING") {
    entry.outcome = "unknown";
    goOnOrFail(world, entry, !isFinal(entry.stop));
  } else if (answer === "ok") {
    entry.outcome = "succeeded";
    entry.status = "SUCCESSFUL";
    entry.totalSince = undefined;
  } else {
    // R42: nobody knows what came of it, and nobody guesses.
    entry.outcome = answer === "lost" ? "unknown" : "failed";
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

/** R26: no further attempt follows. */
export function isFinal(stop: Stop | undefined): boolean {
  return stop !== undefined && stop !== "timeout" && stop !== "heartbeat";
}

/** R25: exactly `maxAttempts` attempts, then FAILED. */
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

/** R14: final, until an operator asks for it again. */
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

/** R31: the compensation is dispatched. */
export function beginUndo(world: World, entry: Entry): void {
  entry.status = "COMPENSATING";
  entry.undo = "running";
  entry.undoAttempt++;
  entry.since = world.now;
}

/** R31, R32: an aborted compensation counts as not done, whatever it still says. */
export function undoAnswered(world: World, entry: Entry, answer: Answer): void {
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
    entry.since = world.now + ms;
    return;
  }
  entry.status = "COMPENSATION_FAILED";
  entry.undo = undefined;
  entry.totalSince = undefined;
  world.givenUp.add(entry.id);
}

/** R31: what follows depends on what it was undone for. */
function undoDone(world: World, entry: Entry): void {
  entry.undo = undefined;
  entry.started = false;
  if (entry.purpose === "restart") {
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
  if (isFinal(entry.stop)) fail(entry);
  else if (isOver(world, entry)) {
    fail(entry);
    entry.stop = world.stopped ?? "kill";
  } else if (!anew) wait(world, entry);
  else if (mayStart(world, entry)) entry.waits = "slot";
  else entry.status = "PENDING";
}

/** R34: as if it had never started; attempts go on counting (R25). */
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

/** R25: the node's own policy, or the plan's. */
function retryOf({ document }: World, { node }: Entry): RetryDocument | undefined {
  return node.retry ?? document.defaults?.retry;
}

/** Milliseconds before the attempt after `used` ones of this round (R25); jitter is not modelled. */
function delayMs(retry: RetryDocument | undefined, used: number): number {
  const first = retry?.initialInterval ?? 1;
  const grown = first * (retry?.backoffCoefficient ?? 2) ** Math.max(0, used - 1);
  return Math.round(1000 * Math.min(grown, retry?.maxInterval ?? 100 * first));
}

/** A deadline that counts; `node` is "" for the run's own. `at`: milliseconds since the run began. */
export interface Armed {
  readonly node: string;
  readonly kind: DeadlineKind;
  readonly at: number;
}

/** R25, R26, R31: what counts for a node or a member. */
export function deadlinesOf(world: World, entry: Entry): Armed[] {
  const { status, waits, undo, since, totalSince, id, node } = entry;
  const { defaults } = world.document;
  const timeout = seconds(node.timeout ?? defaults?.timeout);
  const undoTimeout = seconds(node.compensation?.timeout ?? defaults?.compensation?.timeout);
  const heartbeat = seconds(node.heartbeatTimeout);
  const found: Armed[] = [];
  const arm = (counts: boolean, kind: DeadlineKind, at: number): void => {
    if (counts) found.push({ node: id, kind, at });
  };
  arm(status === "RUNNING" && timeout > 0, "attempt", since + timeout);
  arm(status === "RUNNING" && heartbeat > 0, "heartbeat", since + heartbeat);
  arm(totalSince !== undefined, "total", (totalSince ?? 0) + seconds(node.totalTimeout));
  arm(status === "CANCELING", "grace", since + world.graceMs);
  arm(waits === "backoff", "backoff", since);
  arm(undo === "running" && undoTimeout > 0, "compensation", since + undoTimeout);
  arm(undo === "aborting", "compensation-grace", since + world.graceMs);
  arm(undo === "backoff", "compensation-backoff", since);
  return found;
}

/** R25, R26: a deadline of a node passed. */
export function pass(world: World, entry: Entry, kind: DeadlineKind): void {
  if (kind === "attempt") abort(world, entry, "timeout");
  else if (kind === "heartbeat") abort(world, entry, "heartbeat");
  else if (kind === "total") outOfTime(world, entry);
  else if (kind === "grace") answered(world, entry, "fatal");
  else if (kind === "backoff") entry.waits = "slot";
  else if (kind === "compensation-grace") undoAnswered(world, entry, "retryable");
  else if (kind === "compensation-backoff") entry.undo = "slot";
  else Object.assign(entry, { undo: "aborting", since: world.now });
}

/** R2, R26: what is being undone for its next attempt is undone all the same; that attempt does not come. */
function outOfTime(world: World, entry: Entry): void {
  entry.totalSince = undefined;
  if (entry.status === "READY") fail(entry);
  else if (entry.status === "RUNNING") abort(world, entry, "total");
  entry.stop = "total";
}

/** R2: seconds of a plan in milliseconds; none = 0. */
export function seconds(value: number | undefined): number {
  return Math.round((value ?? 0) * 1000);
}
