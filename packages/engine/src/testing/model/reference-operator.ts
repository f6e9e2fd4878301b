/**
 * The operators' verbs as the reference model reads R37: which makes no sense when, and what each changes. Owns: the verbs and
 * the reasons. What follows from a change is in `reference-flow.ts`: no verb decides anything that a failure or a success
 * would decide otherwise.
 */
import type { NodeStatus } from "../../core/node-state.ts";
import type { RunStatus } from "../../core/run-state.ts";
import { answered, makeReady, queueUndo, startOver, waitAgain } from "./reference-attempt.ts";
import { failuresOf, hold, stop, stopOne } from "./reference-flow.ts";
import { hasRoom, letGo, mustFail, skip } from "./reference-group.ts";
import { barriers, beginRollback, scopeOf } from "./reference-rollback.ts";
import {
  declared,
  type Entry,
  hasEnded,
  homeOf,
  isBarrier,
  isFailure,
  isGroup,
  isInFlight,
  isTeardown,
  type RollbackTo,
  type World,
  workers,
} from "./reference-state.ts";

/** What an operator asks; `node` is an id, absent where the whole run is meant. */
export type Verb =
  | { readonly verb: "retry" | "cancel"; readonly node?: string }
  | { readonly verb: "skip" | "skip-rollback" | "signal"; readonly node: string }
  | { readonly verb: "approve" | "reject"; readonly node: string; readonly who: string }
  | { readonly verb: "rollback"; readonly to: RollbackTo }
  | { readonly verb: "pause" | "resume" | "abandon" };

/** Why a verb is refused: the state of the run or of the node, its failure, who asks, or what it waits for. */
export type Refused = `${"run" | "node"}-state` | "moving" | "prohibited" | Unfit | "forbidden" | "approved-already";
type Unfit = "tolerated" | "member-of-first-success" | "not-waiting";

const ALLOWED_IN: Readonly<Record<Verb["verb"], readonly RunStatus[]>> = {
  retry: ["RUNNING", "PAUSED", "FAILED", "CANCELED", "PARTIALLY_ROLLED_BACK"],
  skip: ["RUNNING", "PAUSED", "FAILED", "CANCELED"],
  cancel: ["RUNNING", "PAUSED"],
  rollback: ["FAILED", "CANCELED", "PARTIALLY_ROLLED_BACK", "ROLLBACK_FAILED"],
  "skip-rollback": ["ROLLBACK_FAILED"],
  approve: ["RUNNING", "PAUSED", "ROLLING_BACK"],
  reject: ["RUNNING", "PAUSED", "ROLLING_BACK"],
  signal: ["RUNNING", "PAUSED", "ROLLING_BACK"],
  pause: ["RUNNING"],
  resume: ["PAUSED"],
  abandon: ["PAUSED", "FAILED", "CANCELED", "PARTIALLY_ROLLED_BACK", "ROLLBACK_FAILED"],
};

const FAILURES: readonly NodeStatus[] = ["FAILED", "COMPENSATION_FAILED"];

/** R37: undefined = allowed. */
export function refusal(world: World, asked: Verb, find: (id: string) => Entry): Refused | undefined {
  if (!ALLOWED_IN[asked.verb].includes(world.status)) return "run-state";
  const ending = world.stopped === "cancel" && (world.status === "RUNNING" || world.status === "PAUSED");
  const entry = "node" in asked && asked.node !== undefined ? find(asked.node) : undefined;
  switch (asked.verb) {
    case "retry":
      if (entry === undefined) return world.status === "RUNNING" || world.status === "PAUSED" ? "run-state" : undefined;
      return ending ? "moving" : refuseRetry(world, entry);
    case "skip":
      return refuseSkip(world, entry as Entry, ending);
    case "cancel":
      if (entry === undefined) return ending ? "moving" : undefined;
      return unless(entry, ["RUNNING", "READY", "CANCELING"]);
    case "rollback":
      return refuseRollback(world, asked.to);
    case "skip-rollback":
      // A teardown that failed is what a rollback ended with: it can be passed too.
      return unless(entry as Entry, isTeardown(entry as Entry) ? FAILURES : ["COMPENSATION_FAILED"]);
    case "approve":
    case "reject":
      return refuseWord(entry as Entry, "belay.approval") ?? refuseVoice(entry as Entry, asked);
    case "signal":
      return refuseWord(entry as Entry, "belay.signal");
    case "abandon":
      return world.status === "PAUSED" && workers(world).some(isInFlight) ? "moving" : undefined;
    default:
      return undefined;
  }
}

/** R37: a word is for a node that waits for it. */
function refuseWord(entry: Entry, action: string): Refused | undefined {
  return isGroup(entry) || entry.node.action !== action ? "not-waiting" : unless(entry, ["RUNNING"]);
}

/** R37: only those the node names, if it names any, and nobody is counted twice. */
function refuseVoice({ node, approvedBy }: Entry, { verb, who }: { verb: string; who: string }): Refused | undefined {
  const { approvers } = (node.with ?? {}) as { approvers?: readonly string[] };
  if (approvers?.includes(who) === false) return "forbidden";
  return verb === "approve" && approvedBy.includes(who) ? "approved-already" : undefined;
}

function unless({ status }: Entry, allowed: readonly NodeStatus[]): Refused | undefined {
  return allowed.includes(status) ? undefined : "node-state";
}

/** R37: what failed can be retried, unless the plan tolerates it or it is one candidate of several. */
function refuseRetry(world: World, entry: Entry): Refused | undefined {
  const wrong = unless(entry, FAILURES);
  if (wrong) return wrong;
  if (isTolerated(world, entry)) return "tolerated";
  return isCandidate(entry) ? "member-of-first-success" : undefined;
}

/** R21: a candidate that has failed cannot be taken up by itself; its group can. */
function isCandidate({ index, node }: Entry): boolean {
  return index >= 0 && node.split?.method === "FIRST_SUCCESS";
}

/** R37: what failed, or has not begun, can be skipped. */
function refuseSkip(world: World, entry: Entry, ending: boolean): Refused | undefined {
  const wrong = unless(entry, ["READY", ...FAILURES]);
  if (wrong) return wrong;
  if (ending) return "moving";
  // What has run in this round is between two attempts: it is no longer READY for the first time.
  const between = entry.waits !== "slot" || entry.attempt > entry.before;
  if (entry.status === "READY") return between ? "node-state" : undefined;
  if (!isGroup(entry) && isTolerated(world, entry)) return "tolerated";
  return isCandidate(entry) ? "member-of-first-success" : undefined;
}

/** R33. While a rollback to a node has failed, another node is no way out (R32). */
function refuseRollback(world: World, to: RollbackTo): Refused | undefined {
  if (world.document.prohibitRollback === true) return "prohibited";
  const sameWay = JSON.stringify(to) === JSON.stringify(world.rollback?.to);
  if (world.status === "ROLLBACK_FAILED" && typeof to === "object" && !sameWay) return "run-state";
  const scope = scopeOf(world, to);
  return to !== "barrier" && barriers(world).some(({ node }) => scope.has(node.id)) ? "prohibited" : undefined;
}

/** R14, R21: a failure that the plan accepts, as far as is known now. */
function isTolerated(world: World, entry: Entry): boolean {
  const tolerates = entry.node.onFailure === "continue";
  if (entry.index < 0) return isFailure(entry) && tolerates;
  const replaced = entry.purpose === "next-candidate" && /^COMPENSAT(ING|ED)$/.test(entry.status);
  return (isFailure(entry) || replaced) && (tolerates || !homeOf(world, entry).failing);
}

/** R37: does what was asked; `refusal` has let it pass. */
export function apply(world: World, asked: Verb, find: (id: string) => Entry): void {
  const entry = "node" in asked && asked.node !== undefined ? find(asked.node) : undefined;
  if (asked.verb === "retry") retry(world, entry);
  else if (asked.verb === "cancel") cancel(world, entry);
  else if (asked.verb === "rollback") beginRollback(world, asked.to, true);
  else if (asked.verb === "pause") world.status = "PAUSED";
  else if (asked.verb === "resume") world.status = "RUNNING";
  else if (asked.verb === "abandon") world.status = "ABANDONED";
  else if (entry === undefined) throw new Error(`${asked.verb} is asked of a node`);
  else if (asked.verb === "skip") skipByOperator(world, entry);
  else if (asked.verb === "skip-rollback") skipRollback(world, entry);
  else if (asked.verb === "approve") approve(world, entry, asked.who);
  else answered(world, entry, asked.verb === "signal" ? "ok" : "fatal");
}

/** R32: the rollback goes on above the node as if it were undone. A failed teardown is passed (R2). */
function skipRollback(world: World, entry: Entry): void {
  if (isTeardown(entry)) skip(entry, "operator");
  else Object.assign(entry, { undone: true, started: false });
  beginRollback(world, world.rollback?.to ?? "all", false);
}

/** R37: as many different people as the node asks for. */
function approve(world: World, entry: Entry, who: string): void {
  entry.approvedBy.push(who);
  const { required = 1 } = (entry.node.with ?? {}) as { required?: number };
  if (entry.approvedBy.length >= required) answered(world, entry, "ok");
}

/** R37: a run that rested goes forward again, and its own timeout begins anew. */
function goForward(world: World): void {
  const rested = world.status !== "RUNNING" && world.status !== "PAUSED";
  if (rested) world.status = "RUNNING";
  const anew = rested || world.stopped === "run-timeout";
  if (anew) world.runSince = world.document.timeout ? world.now : undefined;
  world.stopped = undefined;
}

function retry(world: World, entry: Entry | undefined): void {
  const undone = world.status === "PARTIALLY_ROLLED_BACK";
  goForward(world);
  if (undone) forgetUndone(world);
  if (entry === undefined) for (const one of declared(world)) retryWithAll(world, one);
  else if (entry.status !== "PENDING") retryOne(world, entry);
  // Undone, or below what was: it waits for its turn, and no other failure holds it.
  else homeOf(world, entry).asked = true;
  leaveTeardown(world);
  mend(world);
}

/** R2: an ordinary node runs again: the end is not near any more, and a teardown that was not needed may be. */
function leaveTeardown(world: World): void {
  if (!world.tearingDown || declared(world).every((entry) => isTeardown(entry) || hasEnded(entry))) return;
  world.tearingDown = false;
  for (const entry of declared(world)) if (isTeardown(entry) && entry.skip === "upstream") startOver(entry);
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

/** R20, R23: its condition and list are known, or it has none of its own. */
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

/** R25: a fresh round. A candidate whose compensation failed is undone first (R21). */
function again(entry: Entry): void {
  const isCandidate = entry.node.split?.method === "FIRST_SUCCESS";
  if (entry.status !== "COMPENSATION_FAILED" || !isCandidate) {
    waitAgain(entry);
    return;
  }
  entry.stop = undefined;
  entry.before = entry.attempt;
  queueUndo(entry, "restart");
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
  const anew = new Set(undone.flatMap((id) => [id, ...(world.below.get(id) ?? [])]));
  for (const id of anew) {
    const entry = world.declared.get(id) as Entry;
    if (isBarrier(entry)) continue;
    for (const part of [entry, ...(entry.members ?? [])]) startOver(part);
    if (entry.members && /\bnodes\./.test(entry.node.split?.over ?? "")) dissolve(world, entry, entry.members);
  }
  for (const entry of declared(world)) if (isTeardown(entry)) startOver(entry);
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

/** R14: a failure that is mended no longer holds anything; one that stays has had its effect already. */
function mend(world: World): void {
  for (const group of declared(world)) {
    if (group.failing) group.failing = group.status !== "PENDING" && mustFail(group, group.members ?? []);
  }
  const left = new Set(failuresOf(world).map(({ id }) => id));
  world.known = new Set([...world.known].filter((id) => left.has(id)));
}

/** R37: the node counts as done. */
function skipByOperator(world: World, entry: Entry): void {
  goForward(world);
  if (entry.index >= 0) reopen(homeOf(world, entry));
  skip(entry, "operator");
  mend(world);
}

/** R26, R37: aborts like a timeout does, and no further attempt follows. */
function cancel(world: World, entry: Entry | undefined): void {
  if (entry === undefined) {
    world.stopped = "cancel";
    hold(world);
    stop(world, "cancel");
  } else if (entry.members === undefined) {
    stopOne(world, entry, "cancel", true);
  } else {
    entry.stop = "cancel";
    for (const member of entry.members) stopOne(world, member, "cancel", true);
  }
}
