/**
 * Refusals as the reference model reads R37: which verb makes no sense when. Owns: the verbs and the reasons; asks, changes
 * nothing. What a verb does is in `reference-verbs.ts`.
 */
import type { NodeStatus } from "../core/node-state.ts";
import type { RunStatus } from "../core/run-state.ts";
import { barriers, scopeOf } from "./reference-rollback.ts";
import {
  type Entry,
  isGroup,
  isTeardown,
  isTolerated,
  type RollbackTo,
  type World,
  workers,
} from "./reference-state.ts";

/** What an operator asks; `node` is an id, absent where the whole run is meant. */
export type Verb =
  | { readonly verb: "retry" | "cancel"; readonly node?: string }
  | { readonly verb: "skip" | "skip-rollback" | "approve" | "reject" | "signal"; readonly node: string }
  | { readonly verb: "rollback"; readonly to: RollbackTo }
  | { readonly verb: "pause" | "resume" | "abandon" };

/** Why a verb is refused. */
export type Refused =
  | "run-state"
  | "node-state"
  | "tolerated"
  | "member-of-first-success"
  | "moving"
  | "prohibited"
  | "not-waiting";

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

/** undefined = allowed. */
export function refusal(world: World, asked: Verb, find: (id: string) => Entry): Refused | undefined {
  if (!ALLOWED_IN[asked.verb].includes(world.status)) return "run-state";
  const ending = world.canceling && (world.status === "RUNNING" || world.status === "PAUSED");
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
      return unless(
        entry as Entry,
        isTeardown(entry as Entry) ? ["FAILED", "COMPENSATION_FAILED"] : ["COMPENSATION_FAILED"],
      );
    case "approve":
    case "reject":
    case "signal":
      return refuseWord(entry as Entry, asked.verb === "signal" ? "belay.signal" : "belay.approval");
    case "abandon":
      return world.status === "PAUSED" && workers(world).some(isInFlight) ? "moving" : undefined;
    default:
      return undefined;
  }
}

/** A word is for a node that waits for it. */
function refuseWord(entry: Entry, action: string): Refused | undefined {
  return isGroup(entry) || entry.node.action !== action ? "not-waiting" : unless(entry, ["RUNNING"]);
}

function unless({ status }: Entry, allowed: readonly NodeStatus[]): Refused | undefined {
  return allowed.includes(status) ? undefined : "node-state";
}

export function isInFlight({ status, undo }: Entry): boolean {
  return status === "RUNNING" || status === "CANCELING" || undo === "running" || undo === "aborting";
}

function refuseRetry(world: World, entry: Entry): Refused | undefined {
  const wrong = unless(entry, ["FAILED", "COMPENSATION_FAILED"]);
  if (wrong) return wrong;
  if (isTolerated(world, entry)) return "tolerated";
  return isCandidate(entry) ? "member-of-first-success" : undefined;
}

/** R21: a candidate that has failed cannot be taken up by itself; its group can. */
function isCandidate({ index, node }: Entry): boolean {
  return index >= 0 && node.split?.method === "FIRST_SUCCESS";
}

function refuseSkip(world: World, entry: Entry, ending: boolean): Refused | undefined {
  const wrong = unless(entry, ["FAILED", "READY", "COMPENSATION_FAILED"]);
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
