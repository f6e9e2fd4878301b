/**
 * Deadlines as the reference model reads R25, R26 and R31: which count, and what happens when one passes. Owns: times; all of
 * them follow from when something began.
 */
import { abort, answered, fail, undoAnswered } from "./reference-attempt.ts";
import { hold, stop } from "./reference-failure.ts";
import { type Entry, isGroup, type World } from "./reference-state.ts";

/** A deadline that counts; `node` is "" for the run's own. `at`: milliseconds since the run began. */
export interface Armed {
  readonly node: string;
  readonly kind:
    | "attempt"
    | "heartbeat"
    | "total"
    | "backoff"
    | "grace"
    | "compensation"
    | "compensation-backoff"
    | "compensation-grace"
    | "run";
  readonly at: number;
}

/** R25, R26: what counts for one node. */
export function deadlinesOf(world: World, entry: Entry): Armed[] {
  const { status, waits, undo, since, undoSince, totalSince, id, node } = entry;
  const { defaults } = world.document;
  const found: Armed[] = [];
  const arm = (counts: boolean, kind: Armed["kind"], at: number): void => {
    if (counts) found.push({ node: id, kind, at });
  };
  const grace = world.graceMs;
  const timeout = seconds(node.timeout ?? defaults?.timeout);
  const undoTimeout = seconds(node.compensation?.timeout ?? defaults?.compensation?.timeout);
  const heartbeat = seconds(node.heartbeatTimeout);
  arm(status === "RUNNING" && timeout > 0 && !isGroup(entry), "attempt", since + timeout);
  arm(status === "RUNNING" && heartbeat > 0 && !isGroup(entry), "heartbeat", since + heartbeat);
  arm(totalSince !== undefined, "total", (totalSince ?? 0) + seconds(node.totalTimeout));
  arm(status === "CANCELING", "grace", since + grace);
  arm(waits === "backoff", "backoff", since);
  arm(undo === "running" && undoTimeout > 0, "compensation", undoSince + undoTimeout);
  arm(undo === "aborting", "compensation-grace", undoSince + grace);
  arm(undo === "backoff", "compensation-backoff", undoSince);
  return found;
}

/** The plan's own timeout: everything is stopped, reactions too. */
export function runTimesOut(world: World): void {
  world.runSince = undefined;
  if ((world.status !== "RUNNING" && world.status !== "PAUSED") || world.canceling) return;
  world.timedOut = true;
  hold(world);
  stop(world, "run-timeout");
}

/** R25, R26: a deadline of a node passed. */
export function pass(world: World, entry: Entry, kind: Armed["kind"]): void {
  switch (kind) {
    case "attempt":
      abort(world, entry, "timeout");
      break;
    case "heartbeat":
      abort(world, entry, "heartbeat");
      break;
    case "total":
      entry.totalSince = undefined;
      // What is being undone for its next attempt is undone all the same; that attempt does not come.
      if (entry.status === "READY") fail(entry);
      else if (entry.status === "RUNNING") abort(world, entry, "total");
      entry.stop = "total";
      break;
    case "grace":
      answered(world, entry, "fatal");
      break;
    case "backoff":
      entry.waits = "slot";
      break;
    case "compensation":
      entry.undo = "aborting";
      entry.undoSince = world.now;
      break;
    case "compensation-grace":
      undoAnswered(world, entry, "retryable");
      break;
    case "compensation-backoff":
      entry.undo = "slot";
      break;
    default:
      break;
  }
}

/** Seconds of a plan in milliseconds; none = 0. */
export function seconds(value: number | undefined): number {
  return Math.round((value ?? 0) * 1000);
}
