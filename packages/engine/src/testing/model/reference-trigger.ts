/**
 * Triggers as the reference model reads R12: what a node may conclude from how its upstreams stand now. Owns: what the end
 * of an upstream counts as, and the six rules. A group is one upstream: it has had a success, or a failure, as soon as one
 * of its members had (a candidate's failure is none: R21).
 */
import type { Trigger } from "../../plan/document.ts";
import { type Entry, hasEnded, hasFailed } from "./reference-state.ts";

/** What a trigger sees of one upstream. */
export interface UpstreamView {
  /** It ended. */
  readonly ended: boolean;
  /** It, or a part of it, succeeded. */
  readonly succeeded: boolean;
  /** It, or a part of it, failed: tolerated failures count. */
  readonly failed: boolean;
  /** It failed as a whole: no part of it ended otherwise. */
  readonly failedWhole: boolean;
  /** It failed, and the plan does not tolerate that. */
  readonly blocks: boolean;
}

/**
 * `holds`: the node may start. `never`: it cannot any more, and is SKIPPED(upstream). `blocked`: it cannot unless an
 * operator mends a failure, and stays PENDING (R14). `wait`: it depends on what has not ended yet.
 */
export type Conclusion = "holds" | "never" | "blocked" | "wait";

/** R12, read aloud. */
export function conclude(trigger: Trigger, upstreams: readonly UpstreamView[]): Conclusion {
  const all = (test: (upstream: UpstreamView) => boolean): boolean => upstreams.every(test);
  const some = (test: (upstream: UpstreamView) => boolean): boolean => upstreams.some(test);
  const allEnded = all((upstream) => upstream.ended);
  const blocked = some((upstream) => upstream.blocks);
  switch (trigger) {
    case "all_succeeded":
      return blocked ? "blocked" : allEnded ? "holds" : "wait";
    case "all_finished":
      return allEnded ? "holds" : "wait";
    case "any_succeeded":
      if (some((upstream) => upstream.succeeded)) return "holds";
      return !allEnded ? "wait" : blocked ? "blocked" : "never";
    case "any_failed":
      if (some((upstream) => upstream.failed)) return "holds";
      return allEnded ? "never" : "wait";
    case "all_failed":
      if (upstreams.length === 0 || some((upstream) => upstream.ended && !upstream.failedWhole)) return "never";
      return allEnded ? "holds" : "wait";
    case "none_failed":
      if (blocked) return "blocked";
      if (!allEnded) return "wait";
      return some((upstream) => upstream.failed) ? "never" : "holds";
  }
}

/** How an upstream stands. */
export function viewOf(entry: Entry): UpstreamView {
  const failed = hasFailed(entry);
  const parts = entry.members ?? [entry];
  const failedParts = parts.filter(hasFailedPart).length;
  const candidates = entry.node.split?.method === "FIRST_SUCCESS";
  return {
    ended: hasEnded(entry),
    succeeded: parts.some(({ status }) => status === "SUCCESSFUL"),
    failed: failed || (entry.members !== undefined && !candidates && failedParts > 0),
    // A group none of whose members failed has failed as a whole: its condition or list could not be evaluated.
    failedWhole: failed && (failedParts === parts.length || failedParts === 0),
    blocks: failed && entry.node.onFailure !== "continue",
  };
}

/** A member that has failed, undone since or not. */
export function hasFailedPart(member: Entry): boolean {
  return hasFailed(member) || member.status === "COMPENSATED";
}
