/**
 * Failures as the reference model reads R14: which fail the run, what they hold and stop, and who may start all the same.
 * Owns: holding and stopping, for failures, cancels and the run's timeout alike (R26, R37).
 */
import { abort, fail } from "./reference-attempt.ts";
import {
  type Entry,
  everything,
  hasEnded,
  hasFailed,
  isReaction,
  isTeardown,
  mayStart,
  type World,
  workers,
} from "./reference-state.ts";

/** R14: the failures that fail the run. A group that cannot succeed any more counts before its last member ended. */
export function failuresOf(world: World): Entry[] {
  return [...world.declared.values()].filter((entry) => {
    if (entry.node.onFailure === "continue") return false;
    return hasFailed(entry) || (entry.failing && entry.status === "RUNNING");
  });
}

/** R14: a new failure holds what has not started, and with `kill` stops what runs; reactions are spared. */
export function spreadFailures(world: World): boolean {
  for (const entry of everything(world)) if (hasEnded(entry)) entry.asked = false;
  const fresh = failuresOf(world).filter(({ id }) => !world.known.has(id));
  for (const { id } of fresh) world.known.add(id);
  if (fresh.length === 0) return false;
  if (world.document.failureMode === "continue") return true;
  // What an operator asked for again was asked before this failure.
  for (const entry of everything(world)) entry.asked = false;
  hold(world);
  if (world.document.failureMode === "kill") stop(world, "kill");
  return true;
}

/** R14: nodes READY for the first attempt of their round wait again; between two attempts they go on. */
export function hold(world: World): void {
  for (const entry of workers(world)) {
    const first = entry.status === "READY" && entry.attempt === entry.before;
    if (!first || mayStart(world, entry)) continue;
    entry.status = "PENDING";
    entry.waits = undefined;
    entry.undo = undefined;
  }
}

/** R14, R26, R37: aborts what runs, and ends what is between two attempts. */
export function stop(world: World, why: "kill" | "cancel" | "run-timeout"): void {
  for (const entry of workers(world)) {
    if (why === "kill" && (isReaction(entry.node.trigger) || isTeardown(entry))) continue;
    stopOne(world, entry, why, entry.attempt > entry.before);
  }
}

/** `ready`: also when it is READY. */
export function stopOne(world: World, entry: Entry, why: "kill" | "cancel" | "run-timeout", ready: boolean): void {
  if (entry.status === "RUNNING" || entry.status === "CANCELING") abort(world, entry, why);
  else if (entry.status === "READY" && ready) {
    fail(entry);
    entry.stop = why;
  } else if (entry.status === "COMPENSATING" && entry.purpose === "retry") {
    // R26: it is undone to the end; the attempt that was to follow does not come.
    entry.stop = why;
  }
}
