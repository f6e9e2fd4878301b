/**
 * Groups as the reference model reads R20 to R24: who goes next, when the group has failed, when it ends. Owns: the group and
 * its members; neighbours see one node. Nothing is counted: members are looked at every time.
 */
import type { NodeDocument } from "../../plan/document.ts";
import { makeReady, queueUndo } from "./reference-attempt.ts";
import { declared, type Entry, hasFailed, hasUndo, mayStart, type Skip, type World } from "./reference-state.ts";
import { hasFailedPart } from "./reference-trigger.ts";

/** R21: each group that runs; true when something changed. Groups are never teardowns. */
export function moveGroups(world: World): boolean {
  if (world.status === "ROLLING_BACK") return false;
  const stuck = declared(world).filter(isStuckAgain);
  for (const group of stuck) endFailed(group);
  const running = declared(world).filter((entry) => entry.members && entry.status === "RUNNING");
  return running.map((group) => moveGroup(world, group, group.members as Entry[])).includes(true) || stuck.length > 0;
}

/** R21: the group waits to start over, and its stuck candidate was undone in vain again. */
function isStuckAgain({ status, node, members = [] }: Entry): boolean {
  if (status !== "PENDING" || node.split?.method !== "FIRST_SUCCESS" || members.some(isOpen)) return false;
  return members.some((member) => member.status === "COMPENSATION_FAILED" && hasFailed(member));
}

/** R21: the group has failed, and nothing of it goes on. */
function endFailed(group: Entry): void {
  group.failing = true;
  group.outcome = "failed";
  passRest(group);
  group.status = "FAILED";
}

/** R21: one step of a group. */
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

/** R21: released and not ended: it takes a place in the group. */
export function isOpen(member: Entry): boolean {
  if (member.asking || member.undo !== undefined) return true;
  return member.status === "READY" || member.status === "RUNNING" || member.status === "CANCELING";
}

/** R21: PARALLEL members go as far as `maxConcurrency` lets them, the others one by one. */
export function hasRoom(group: Entry, members: Entry[]): boolean {
  const { method = "PARALLEL", maxConcurrency } = group.node.split ?? { over: "" };
  const places = method === "PARALLEL" ? (maxConcurrency ?? members.length) : 1;
  return members.filter(isOpen).length < places;
}

/** R11, R21: in order of parallelIdx, as far as there is room. */
function releaseMembers(world: World, group: Entry, members: Entry[]): boolean {
  const chained = (group.node.split?.method ?? "PARALLEL") !== "PARALLEL";
  if (!mayStart(world, group) || group.stop === "cancel" || (chained && group.failing)) return false;
  let changed = false;
  for (const member of members) {
    if (member.status !== "PENDING" || member.asking || !hasRoom(group, members)) continue;
    changed = true;
    letGo(world, member);
  }
  return changed;
}

/** R20: a condition that reads the item is asked first, once. */
export function letGo(world: World, member: Entry): void {
  if (readsItem(member.node.when ?? "") && !member.decided) member.asking = true;
  else makeReady(world, member);
}

/** R21: the group ends once nothing of it can go on. One that is only held stays RUNNING (R14). */
function endGroup(group: Entry, members: Entry[]): boolean {
  if (members.some(isOpen)) return false;
  if (group.failing) {
    endFailed(group);
  } else if (members.some(({ status }) => status === "PENDING")) {
    return false;
  } else if (members.every(({ status }) => status === "SKIPPED")) {
    skip(group, "condition");
  } else {
    group.status = "SUCCESSFUL";
  }
  return true;
}

/** R20, R37: a group takes with it every member that has not ended, or has failed. */
export function skip(entry: Entry, why: Skip): void {
  passMembers(entry, why);
  entry.status = "SKIPPED";
  entry.skip = why;
  entry.waits = undefined;
  entry.undo = undefined;
}

/** R37: what has not ended, or has failed. */
function passMembers(group: Entry, why: Skip): void {
  for (const member of group.members ?? []) if (isPassable(member)) skip(member, why);
}

function isPassable({ status }: Entry): boolean {
  return status === "PENDING" || status === "READY" || status === "FAILED" || status === "COMPENSATION_FAILED";
}

/** R14: nobody will retry the rest of a tolerated group. */
export function passRest(group: Entry): void {
  if (group.node.onFailure !== "continue") return;
  for (const member of group.members ?? []) if (member.status === "PENDING") skip(member, "upstream");
}

/** R20: such a condition is asked of each member. */
export function readsItem(when: string): boolean {
  return /\bitem\b/.test(when);
}

/** R2: how many of `members` may fail without failing the group. */
function toleratedFailures(node: NodeDocument, members: number): number {
  const tolerated = node.split?.tolerated ?? 0;
  if (typeof tolerated === "number") return tolerated;
  // 29 % of 100 is 28.999999999999996 in floating point.
  return Math.floor((Number.parseFloat(tolerated) / 100) * members + 1e-9);
}
