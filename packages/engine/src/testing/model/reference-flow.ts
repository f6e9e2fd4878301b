/**
 * The way forward as the reference model reads R10 to R24: from how all nodes stand to what follows, from scratch, over and
 * over until nothing more follows. Owns: failures and what they hold (R14), decisions (R12), teardowns (R2), the run's coming
 * to rest (R15).
 */
import type { NodeDocument } from "../../plan/document.ts";
import { abort, fail, makeReady, startOver } from "./reference-attempt.ts";
import { isOpen, moveGroups, passRest, readsItem, skip } from "./reference-group.ts";
import { advanceRollback, beginRollback, rollbackEnd } from "./reference-rollback.ts";
import {
  declared,
  type Entry,
  everything,
  expand,
  hasEnded,
  hasFailed,
  isGroup,
  isReaction,
  isTeardown,
  mayStart,
  type World,
  workers,
} from "./reference-state.ts";
import { conclude, viewOf } from "./reference-trigger.ts";

/** R10: everything that follows from how the nodes stand, until nothing does; then the run may come to rest. */
export function settle(world: World): void {
  const back = world.status === "ROLLING_BACK";
  if (back && !world.tearingDown) {
    advanceRollback(world);
  } else if (world.status === "RUNNING" || world.status === "PAUSED" || back) {
    while (spreadFailures(world) || moveGroups(world) || decideNodes(world)) {
      // Each pass may have changed what the others see.
    }
  }
  comeToRest(world);
}

/** R10, R12, R23: what waits is looked at; true when something changed. */
function decideNodes(world: World): boolean {
  let changed = false;
  for (const entry of declared(world)) {
    if (entry.status !== "PENDING" || entry.asking || !mayStart(world, entry)) continue;
    // After a rollback only what cleans up goes forward.
    if (world.status === "ROLLING_BACK" && !isTeardown(entry)) continue;
    const upstreams = (entry.node.upstreams ?? []).map((id) => viewOf(world.declared.get(id) as Entry));
    const conclusion = conclude(entry.node.trigger ?? "all_succeeded", upstreams);
    // R21: what is left of a stuck candidate is undone before its group is passed over.
    if (conclusion === "never" && !(entry.members ?? []).some(isOpen)) skip(entry, "upstream");
    else if (conclusion === "holds") admit(world, entry);
    changed ||= entry.status !== "PENDING" || entry.asking;
  }
  return changed;
}

/** R20, R23: the condition and the list first, once; then the node is READY, or its group begins. */
function admit(world: World, entry: Entry): void {
  if (!entry.decided && asksFirst(entry.node)) entry.asking = true;
  else if (isGroup(entry)) beginGroup(entry);
  else makeReady(world, entry);
}

/** A condition that reads `item` is asked of each member; a list that reads nodes is bound when its turn comes. */
function asksFirst({ when, split }: NodeDocument): boolean {
  return (when !== undefined && (split === undefined || !readsItem(when))) || /\bnodes\./.test(split?.over ?? "");
}

/** R20: an empty list skips the node. */
function beginGroup(group: Entry): void {
  if (group.members?.length === 0) skip(group, "empty");
  else group.status = "RUNNING";
}

/** R20, R23: the answer to what a node asked: its condition and, for a group, how many members. */
export function resolved(world: World, entry: Entry, answer: "run" | "skip" | "fail", members: number): void {
  entry.asking = false;
  if (answer === "fail") {
    if (entry.members) passRest(entry);
    fail(entry);
    return;
  }
  entry.decided = true;
  if (answer === "skip") skip(entry, "condition");
  else if (entry.index >= 0 && mayStart(world, entry)) makeReady(world, entry);
  else if (isGroup(entry)) {
    if (entry.members === undefined) expand(world, entry, members);
    if (mayStart(world, entry)) beginGroup(entry);
  }
}

/** R14, R15: once nothing moves and nothing can start, the status of the run follows from all its nodes. */
function comeToRest(world: World): void {
  if (workers(world).some(isOpen) || everything(world).some(({ asking }) => asking)) return;
  if (world.status === "ROLLING_BACK") restAfterRollback(world);
  if (world.status !== "RUNNING" && world.status !== "PAUSED") return;
  if (awaitsTeardown(world)) {
    tearDown(world);
    return;
  }
  const failed = failuresOf(world).length > 0 || world.stopped === "run-timeout";
  const done = declared(world).every(hasEnded);
  if (failed || done || world.stopped) world.runSince = undefined;
  if (world.stopped === "cancel") world.status = "CANCELED";
  else if (failed) rest(world);
  else if (done) world.status = "SUCCESSFUL";
}

/** R34: `onFailure: rollback` undoes what is safe; a plan that prohibits rollback rests where it failed (R33). */
function rest(world: World): void {
  // A teardown that failed undoes nothing by itself.
  if (world.document.onFailure !== "rollback" || world.document.prohibitRollback === true || world.tearingDown) {
    world.status = "FAILED";
    return;
  }
  beginRollback(world, "barrier", true);
  settle(world);
}

/** R2: all else has ended well, and the teardowns have not had their turn. */
function awaitsTeardown(world: World): boolean {
  const all = declared(world);
  if (world.tearingDown || world.stopped || failuresOf(world).length > 0) return false;
  return all.some(isTeardown) && all.every((entry) => isTeardown(entry) || hasEnded(entry));
}

/** R2: those that failed before run again, those with nothing to clean up are SKIPPED; what succeeded stands. */
function tearDown(world: World): void {
  world.tearingDown = true;
  for (const entry of declared(world).filter(isTeardown)) {
    if (hasFailed(entry)) startOver(entry);
    world.known.delete(entry.id);
    const setups = (entry.node.always?.for ?? []).map((id) => world.declared.get(id) as Entry);
    if (entry.status === "PENDING" && !setups.some((setup) => hasEverStarted(world, setup))) skip(entry, "upstream");
  }
  settle(world);
}

/** R2: it, or a member it has or had, was dispatched. */
function hasEverStarted(world: World, entry: Entry): boolean {
  const floor = world.floors.get(entry.id)?.attempt ?? 0;
  return floor > 0 || [entry, ...(entry.members ?? [])].some(({ attempt }) => attempt > 0);
}

/** R2: a run that would end ROLLED_BACK cleans up first. */
function restAfterRollback(world: World): void {
  const end = rollbackEnd(world);
  const teardowns = declared(world).filter(isTeardown);
  if (end === "ROLLED_BACK" && teardowns.length > 0 && !world.tearingDown) {
    tearDown(world);
    return;
  }
  const failed = teardowns.some((entry) => hasFailed(entry) && entry.node.onFailure !== "continue");
  world.status = end === "ROLLED_BACK" && failed ? "ROLLBACK_FAILED" : end;
}

/** R14: the failures that fail the run. A group that cannot succeed any more counts before its last member ended. */
export function failuresOf(world: World): Entry[] {
  return declared(world).filter((entry) => {
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
    // What is being undone between two attempts is undone to the end, and asks then whether the next one follows.
    if (entry.status !== "COMPENSATING") stopOne(world, entry, why, entry.attempt > entry.before);
  }
}

/** R26: `ready`: also when it is READY. */
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

/** R2, R26: the plan's own timeout stops everything, reactions too. */
export function runTimesOut(world: World): void {
  world.runSince = undefined;
  if ((world.status !== "RUNNING" && world.status !== "PAUSED") || world.stopped) return;
  world.stopped = "run-timeout";
  hold(world);
  stop(world, "run-timeout");
}
