/**
 * The way forward as the reference model reads R10 to R24: from how all nodes stand to what follows, from scratch, over and
 * over until nothing more follows. Owns: failures and what they hold, groups, decisions, the run's coming to rest (R15).
 */
import type { NodeDocument } from "../plan/document.ts";
import { toleratedFailures } from "./plan-model.ts";
import { abort, fail, queueUndo, startOver } from "./reference-attempt.ts";
import { advanceRollback, beginRollback, rollbackEnd } from "./reference-rollback.ts";
import {
  type Entry,
  everything,
  expand,
  hasEnded,
  hasFailed,
  hasUndo,
  homeOf,
  isGroup,
  isStopped,
  isTeardown,
  type Skip,
  type World,
  workers,
} from "./reference-state.ts";
import { conclude, hasFailedPart, isReaction, viewOf } from "./reference-trigger.ts";

/** Everything that follows from how the nodes stand, until nothing does; then the run may come to rest. */
export function settle(world: World): void {
  if (world.status === "ROLLING_BACK" && !world.tearingDown) {
    advanceRollback(world);
  } else if (world.status === "RUNNING" || world.status === "PAUSED" || world.tearingDown) {
    while (spreadFailures(world) || moveGroups(world) || decideNodes(world)) {
      // Each pass may have changed what the others see.
    }
  }
  comeToRest(world);
}

/** R14: the failures that fail the run. A group that cannot succeed any more counts before its last member ended. */
export function failuresOf(world: World): Entry[] {
  return [...world.declared.values()].filter((entry) => {
    if (entry.node.onFailure === "continue") return false;
    return hasFailed(entry) || (entry.failing && entry.status === "RUNNING");
  });
}

/** R14: a new failure holds what has not started, and with `kill` stops what runs; reactions are spared. */
function spreadFailures(world: World): boolean {
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

/** R14, R37: whether a first attempt may start. */
export function mayStart(world: World, entry: Entry): boolean {
  if (isStopped(world)) return false;
  if (isTeardown(entry)) return world.tearingDown;
  if (entry.asked || homeOf(world, entry).asked || isReaction(entry.node.trigger)) return true;
  return world.document.failureMode === "continue" || world.known.size === 0;
}

/** R14: nodes READY for the first attempt of their round wait again; between two attempts they go on. */
export function hold(world: World): void {
  for (const entry of workers(world)) {
    const first = entry.status === "READY" && entry.waits !== undefined && entry.attempt === entry.before;
    if (!first || mayStart(world, entry)) continue;
    entry.status = "PENDING";
    entry.waits = undefined;
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

/** R10, R12, R23: what waits is looked at; true when something changed. */
function decideNodes(world: World): boolean {
  let changed = false;
  for (const entry of world.declared.values()) {
    if (entry.status !== "PENDING" || entry.asking || !mayStart(world, entry)) continue;
    // After a rollback only what cleans up goes forward.
    if (world.status === "ROLLING_BACK" && !isTeardown(entry)) continue;
    const upstreams = (entry.node.upstreams ?? []).map((id) => viewOf(world.declared.get(id) as Entry));
    const conclusion = conclude(entry.node.trigger ?? "all_succeeded", upstreams);
    if (conclusion === "never") skip(entry, "upstream");
    else if (conclusion === "holds") admit(entry);
    changed ||= entry.status !== "PENDING" || entry.asking;
  }
  return changed;
}

/** R20, R23: the condition and the list first, once; then the node is READY, or its group begins. */
function admit(entry: Entry): void {
  if (!entry.decided && asksFirst(entry.node)) entry.asking = true;
  else if (isGroup(entry)) beginGroup(entry);
  else makeReady(entry);
}

/** A condition that reads `item` is asked of each member; a list that reads nodes is bound when its turn comes. */
function asksFirst({ when, split }: NodeDocument): boolean {
  return (when !== undefined && (split === undefined || !readsItem(when))) || /\bnodes\./.test(split?.over ?? "");
}

function readsItem(when: string): boolean {
  return /\bitem\b/.test(when);
}

export function makeReady(entry: Entry): void {
  entry.status = "READY";
  entry.waits = "slot";
}

function beginGroup(group: Entry): void {
  if (group.members?.length === 0) skip(group, "empty");
  else group.status = "RUNNING";
}

/** The answer to what a node asked: its condition and, for a group, how many members. */
export function resolved(world: World, entry: Entry, answer: "run" | "skip" | "fail", members: number): void {
  entry.asking = false;
  if (answer === "fail") {
    if (entry.members) passRest(entry);
    fail(entry);
    return;
  }
  entry.decided = true;
  if (answer === "skip") skip(entry, "condition");
  else if (entry.index >= 0 && mayStart(world, entry)) makeReady(entry);
  else if (isGroup(entry)) {
    if (entry.members === undefined) expand(world, entry, members);
    if (mayStart(world, entry)) beginGroup(entry);
  }
}

/** R20, R37: a group takes with it every member that has not ended, or has failed. */
export function skip(entry: Entry, why: Skip): void {
  for (const member of entry.members ?? []) if (isPassable(member)) skip(member, why);
  entry.status = "SKIPPED";
  entry.skip = why;
  entry.waits = undefined;
}

function isPassable({ status }: Entry): boolean {
  return status === "PENDING" || status === "READY" || status === "FAILED" || status === "COMPENSATION_FAILED";
}

/** R14: nobody will retry the rest of a tolerated group. */
function passRest(group: Entry): void {
  if (group.node.onFailure !== "continue") return;
  for (const member of group.members ?? []) if (member.status === "PENDING") skip(member, "upstream");
}

/** R21: each group that runs; true when something changed. Groups are never teardowns. */
function moveGroups(world: World): boolean {
  if (world.status === "ROLLING_BACK") return false;
  const running = [...world.declared.values()].filter((entry) => entry.members && entry.status === "RUNNING");
  return running.map((group) => moveGroup(world, group, group.members as Entry[])).includes(true);
}

function moveGroup(world: World, group: Entry, members: Entry[]): boolean {
  const candidates = group.node.split?.method === "FIRST_SUCCESS";
  for (const member of members) {
    if (!candidates) break;
    // R21: a failed candidate is undone before the next one starts; once one succeeded, the rest is not needed.
    if (member.status === "FAILED" && member.undo === undefined && hasUndo(member)) queueUndo(member, "next-candidate");
    const found = members.some(({ status }) => status === "SUCCESSFUL");
    if (found && member.status === "PENDING" && !member.asking) skip(member, "superseded");
  }
  if (!group.failing && mustFail(group, members)) {
    group.failing = true;
    // What this failure holds is settled first.
    return true;
  }
  return releaseMembers(world, group, members) || endGroup(group, members);
}

/** R21: no matter what the open members come to, the group has failed. */
export function mustFail(group: Entry, members: Entry[]): boolean {
  const failed = members.filter((member) => hasFailedPart(member)).length;
  const open = members.filter(isOpen);
  const ended = members.every((member) => !isOpen(member) && member.status !== "PENDING");
  if (group.stop === "cancel" && open.length === 0 && !ended) return true;
  if (group.node.split?.method !== "FIRST_SUCCESS") return failed > toleratedFailures(group.node, members.length);
  if (members.some(({ status }) => status === "SUCCESSFUL")) return false;
  if (members.some((member) => member.status === "COMPENSATION_FAILED" && hasFailed(member))) return true;
  const lost = open.filter(({ undo, purpose }) => undo !== undefined && purpose === "next-candidate");
  return failed + lost.length > 0 && open.length === lost.length && !members.some(({ status }) => status === "PENDING");
}

/** Released and not ended: it takes a place in the group. */
function isOpen(member: Entry): boolean {
  if (member.asking || member.undo !== undefined) return true;
  return member.status === "READY" || member.status === "RUNNING" || member.status === "CANCELING";
}

/** R21: PARALLEL members go as far as `maxConcurrency` lets them, the others one by one. */
export function hasRoom(group: Entry, members: Entry[]): boolean {
  const { method = "PARALLEL", maxConcurrency } = group.node.split ?? { over: "" };
  const places = method === "PARALLEL" ? (maxConcurrency ?? members.length) : 1;
  return members.filter(isOpen).length < places;
}

function releaseMembers(world: World, group: Entry, members: Entry[]): boolean {
  const chained = (group.node.split?.method ?? "PARALLEL") !== "PARALLEL";
  if (!mayStart(world, group) || group.stop === "cancel" || (chained && group.failing)) return false;
  let changed = false;
  for (const member of members) {
    if (member.status !== "PENDING" || member.asking || !hasRoom(group, members)) continue;
    changed = true;
    letGo(member);
  }
  return changed;
}

/** R20: a condition that reads the item is asked first, once. */
export function letGo(member: Entry): void {
  if (readsItem(member.node.when ?? "") && !member.decided) member.asking = true;
  else makeReady(member);
}

/** R21: the group ends once nothing of it can go on. One that is only held stays RUNNING (R14). */
function endGroup(group: Entry, members: Entry[]): boolean {
  if (members.some(isOpen)) return false;
  if (group.failing) {
    group.outcome = "failed";
    passRest(group);
    group.status = "FAILED";
  } else if (members.some(({ status }) => status === "PENDING")) {
    return false;
  } else if (members.every(({ status }) => status === "SKIPPED")) {
    skip(group, "condition");
  } else {
    group.status = "SUCCESSFUL";
  }
  return true;
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
  const failed = failuresOf(world).length > 0 || world.timedOut;
  const done = [...world.declared.values()].every(hasEnded);
  if (failed || done || world.canceling) world.runSince = undefined;
  if (world.canceling) world.status = "CANCELED";
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
  const all = [...world.declared.values()];
  if (world.tearingDown || world.canceling || world.timedOut || failuresOf(world).length > 0) return false;
  return all.some(isTeardown) && all.every((entry) => isTeardown(entry) || hasEnded(entry));
}

/** R2: those that failed before run again, those with nothing to clean up are SKIPPED; what succeeded stands. */
function tearDown(world: World): void {
  world.tearingDown = true;
  for (const entry of [...world.declared.values()].filter(isTeardown)) {
    if (hasFailed(entry)) startOver(entry);
    world.known.delete(entry.id);
    const setups = (entry.node.always?.for ?? []).map((id) => world.declared.get(id) as Entry);
    if (entry.status === "PENDING" && !setups.some((setup) => hasEverStarted(world, setup))) skip(entry, "upstream");
  }
  settle(world);
}

function hasEverStarted(world: World, entry: Entry): boolean {
  const floor = world.floors.get(entry.id)?.attempt ?? 0;
  return floor > 0 || [entry, ...(entry.members ?? [])].some(({ attempt }) => attempt > 0);
}

/** R2: a run that would end ROLLED_BACK cleans up first. */
function restAfterRollback(world: World): void {
  const end = rollbackEnd(world);
  const teardowns = [...world.declared.values()].filter(isTeardown);
  if (end === "ROLLED_BACK" && teardowns.length > 0 && !world.tearingDown) {
    tearDown(world);
    return;
  }
  const failed = teardowns.some((entry) => hasFailed(entry) && entry.node.onFailure !== "continue");
  world.status = end === "ROLLED_BACK" && failed ? "ROLLBACK_FAILED" : end;
}
