/**
 * The operators' verbs as the reference model reads R37: what each changes, once `reference-refusal.ts` has let it pass.
 * What follows from the change is in `reference-flow.ts`: no verb decides anything that a failure or a success would decide otherwise.
 */
import { answered, queueUndo, startOver, waitAgain } from "./reference-attempt.ts";
import { failuresOf, hold, stop, stopOne } from "./reference-failure.ts";
import { hasRoom, letGo, makeReady, mustFail, skip } from "./reference-group.ts";
import type { Verb } from "./reference-refusal.ts";
import { beginRollback } from "./reference-rollback.ts";
import { type Entry, homeOf, isGroup, isTeardown, isTolerated, type World, workers } from "./reference-state.ts";

/** Does what was asked; `refusal` has let it pass. */
export function apply(world: World, asked: Verb, find: (id: string) => Entry): void {
  const entry = "node" in asked && asked.node !== undefined ? find(asked.node) : undefined;
  switch (asked.verb) {
    case "retry":
      retry(world, entry);
      break;
    case "skip":
      skipByOperator(world, entry as Entry);
      break;
    case "cancel":
      cancel(world, entry);
      break;
    case "rollback":
      beginRollback(world, asked.to, true);
      break;
    case "skip-rollback":
      if (isTeardown(entry as Entry)) skip(entry as Entry, "operator");
      else Object.assign(entry as Entry, { undone: true, started: false });
      beginRollback(world, world.rollback?.to ?? "all", false);
      break;
    case "approve":
    case "signal":
      answered(world, entry as Entry, "ok");
      break;
    case "reject":
      answered(world, entry as Entry, "fatal");
      break;
    case "pause":
      world.status = "PAUSED";
      break;
    case "resume":
      world.status = "RUNNING";
      break;
    case "abandon":
      world.status = "ABANDONED";
      break;
  }
}

/** A run that rested goes forward again, and its own timeout begins anew. */
function goForward(world: World): void {
  const rested = world.status !== "RUNNING" && world.status !== "PAUSED";
  if (rested) world.status = "RUNNING";
  if (rested || world.timedOut) world.runSince = world.document.timeout ? world.now : undefined;
  world.canceling = false;
  world.timedOut = false;
}

function retry(world: World, entry: Entry | undefined): void {
  const undone = world.status === "PARTIALLY_ROLLED_BACK";
  goForward(world);
  if (undone) forgetUndone(world);
  if (entry === undefined) for (const declared of world.declared.values()) retryWithAll(world, declared);
  else if (entry.status !== "PENDING") retryOne(world, entry);
  // Undone, or below what was: it waits for its turn, and no other failure holds it.
  else homeOf(world, entry).asked = true;
  mend(world);
}

/** R12: a retry of all decides what it runs again anew. */
function retryWithAll(world: World, entry: Entry): void {
  if (entry.members && entry.status === "RUNNING") {
    againMembers(world, entry, entry.members);
  } else if (isFailure(entry) && !isAccepted(world, entry)) {
    entry.asked = true;
    if (entry.members) againMembers(world, entry, entry.members);
    again(entry);
  }
}

/** R12, R37: one node that is asked for runs, whatever has become of its upstreams since. */
function retryOne(world: World, entry: Entry): void {
  const home = homeOf(world, entry);
  entry.asked = true;
  if (entry.index >= 0) {
    reopen(home);
    again(entry);
    if (entry.status !== "PENDING") return;
    if (hasRoom(home, home.members ?? [])) letGo(world, entry);
    else home.asked = true;
  } else if (entry.members && isDecided(entry)) {
    reopen(entry);
    againMembers(world, entry, entry.members);
  } else {
    again(entry);
    if (entry.status === "PENDING" && !isGroup(entry) && isDecided(entry)) makeReady(world, entry);
  }
}

function isDecided({ decided, node: { when, split } }: Entry): boolean {
  return decided || when === undefined || (split !== undefined && /\bitem\b/.test(when));
}

/** R24: a group that has failed goes on. */
function reopen(group: Entry): void {
  group.stop = undefined;
  if (group.status === "FAILED") group.status = "RUNNING";
}

/** R21: FIRST_SUCCESS starts over with its first candidate; the other methods retry what failed. */
function againMembers(world: World, group: Entry, members: Entry[]): void {
  const startsOver = group.node.split?.method === "FIRST_SUCCESS";
  for (const member of members) {
    const gone = member.status === "COMPENSATED" || member.status === "SKIPPED";
    if (startsOver ? isFailure(member) || gone : isFailure(member) && !isAccepted(world, member)) again(member);
  }
}

/** A fresh round. A candidate whose compensation failed is undone first (R21). */
function again(entry: Entry): void {
  const stuck = entry.purpose === "next-candidate" || entry.purpose === "fresh-round";
  if (entry.status !== "COMPENSATION_FAILED" || !stuck) {
    waitAgain(entry);
    return;
  }
  entry.stop = undefined;
  entry.before = entry.attempt;
  queueUndo(entry, "fresh-round");
}

function isFailure({ status }: Entry): boolean {
  return status === "FAILED" || status === "COMPENSATION_FAILED";
}

/** R37: tolerated failures are left alone, unless they were stopped from outside and nothing below has moved. */
function isAccepted(world: World, entry: Entry): boolean {
  const { node, stop } = entry;
  const stopped = stop === "cancel" || stop === "run-timeout" || stop === "kill";
  const below = world.document.nodes.filter(({ upstreams }) => upstreams?.includes(node.id));
  const moved = below.some(({ id }) => world.declared.get(id)?.status !== "PENDING");
  return isTolerated(world, entry) && (!stopped || moved);
}

/** R34, R35: what was undone, and every decision below it, is taken anew. What prohibits rollback stands (R33). */
function forgetUndone(world: World): void {
  const undone = workers(world).flatMap((entry) => (entry.undone ? [entry.node.id] : []));
  const anew = new Set(undone.flatMap((id) => [id, ...(world.plan.descendants.get(id) ?? [])]));
  for (const id of anew) {
    const entry = world.declared.get(id) as Entry;
    if (entry.barrier) continue;
    for (const part of [entry, ...(entry.members ?? [])]) startOver(part);
    if (entry.members && /\bnodes\./.test(entry.node.split?.over ?? "")) dissolve(world, entry, entry.members);
  }
  for (const entry of world.declared.values()) if (isTeardown(entry)) startOver(entry);
}

/** R23, R43: its list came from the run, so it expands again; attempts go on counting. */
function dissolve(world: World, group: Entry, members: Entry[]): void {
  const floor = world.floors.get(group.id) ?? { attempt: 0, undo: 0 };
  world.floors.set(group.id, {
    attempt: Math.max(floor.attempt, ...members.map(({ attempt }) => attempt)),
    undo: Math.max(floor.undo, ...members.map(({ undoAttempt }) => undoAttempt)),
  });
  group.members = undefined;
}

/** A failure that is mended no longer holds anything; one that stays has had its effect already. */
function mend(world: World): void {
  for (const group of world.declared.values()) {
    if (group.failing) group.failing = group.status !== "PENDING" && mustFail(group, group.members ?? []);
  }
  const left = new Set(failuresOf(world).map(({ id }) => id));
  world.known = new Set([...world.known].filter((id) => left.has(id)));
}

function skipByOperator(world: World, entry: Entry): void {
  goForward(world);
  if (entry.index >= 0) reopen(homeOf(world, entry));
  skip(entry, "operator");
  mend(world);
}

/** R26, R37: aborts like a timeout does, and no further attempt follows. */
function cancel(world: World, entry: Entry | undefined): void {
  if (entry === undefined) {
    world.canceling = true;
    hold(world);
    stop(world, "cancel");
  } else if (entry.members === undefined) {
    stopOne(world, entry, "cancel", true);
  } else {
    entry.stop = "cancel";
    for (const member of entry.members) stopOne(world, member, "cancel", true);
  }
}
