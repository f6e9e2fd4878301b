/**
 * One decision of a trigger, asked of the pure core and seen in a run (R12). Owns: what counts of upstreams mean to both,
 * and how a decision shows in a run: a node that starts, one that never will whatever comes, one that still waits.
 */
import type { NodeDocument, PlanDocument } from "@belay/engine";
import { decideTrigger } from "../../packages/engine/src/core/trigger.ts";
import { TriggerCode } from "../../packages/engine/src/plan/compiled.ts";
import { type CasePlay, openPlay } from "./case-play.ts";

/** A trigger by its name in plans. */
export type Trigger = NonNullable<NodeDocument["trigger"]>;

/** `never`: it cannot hold any more, unless an operator has something run again. */
export type Decision = "holds" | "never" | "wait";

/** Ends of the upstreams; those that make up the total have not ended. */
export interface EndCounts {
  readonly total: number;
  readonly succeeded: number;
  readonly skipped: number;
  readonly failed: number;
}

const CODES: Readonly<Record<Trigger, number>> = {
  all_succeeded: TriggerCode.ALL_SUCCEEDED,
  all_finished: TriggerCode.ALL_FINISHED,
  any_succeeded: TriggerCode.ANY_SUCCEEDED,
  any_failed: TriggerCode.ANY_FAILED,
  all_failed: TriggerCode.ALL_FAILED,
  none_failed: TriggerCode.NONE_FAILED,
};

/** What the core decides. */
export function decidedByCore(trigger: Trigger, { total, succeeded, skipped, failed }: EndCounts): Decision {
  const waiting = total - succeeded - skipped - failed;
  const spared = succeeded + skipped;
  const verdict = decideTrigger(CODES[trigger], { total, waiting, succeeded, failed, spared, blocking: failed });
  return verdict === "blocked" ? "never" : verdict;
}

/** What a run shows: the node below upstreams that ended so, and others that still run, then end well or badly. */
export async function decidedByRun(trigger: Trigger, counts: EndCounts): Promise<Decision> {
  const well = await observed(trigger, counts, "ok");
  const badly = await observed(trigger, counts, "fail");
  if (well.now !== badly.now) throw new Error(`R12: ${trigger} depends on what has not happened yet`);
  if (well.now) return "holds";
  return well.later || badly.later ? "wait" : "never";
}

/** Whether the node had started while upstreams still ran, and once they had ended that way. */
async function observed(
  trigger: Trigger,
  counts: EndCounts,
  rest: "ok" | "fail",
): Promise<{ now: boolean; later: boolean }> {
  const { total, succeeded, skipped, failed } = counts;
  const upstreams = Array.from({ length: total }, (_, place) => `u${place}`);
  const ends = (place: number): string =>
    place < succeeded
      ? "ok"
      : place < succeeded + failed
        ? "fail"
        : place < succeeded + failed + skipped
          ? "skip"
          : rest;
  const nodes = upstreams.map(
    (id, place): NodeDocument => ({ id, action: "do", ...(ends(place) === "skip" ? { when: "false" } : {}) }),
  );
  // Nothing but the trigger decides: a failure holds nobody else (R14).
  const document: PlanDocument = {
    belay: 1,
    name: "decision",
    failureMode: "continue",
    nodes: [...nodes, { id: "node", action: "do", upstreams, trigger }],
  };
  const running = upstreams.slice(succeeded + failed + skipped);
  const scripts = Object.fromEntries(
    upstreams.map((id, place) => [id, ends(place)]).filter(([, end]) => end !== "skip"),
  );
  const play = await openPlay({ document, scripts, ticksOf: (id) => (running.includes(id) ? 2 : 1) });
  await play.play(() => hasEnded(play, upstreams.slice(0, succeeded + failed)));
  const now = play.rig.started().includes("node");
  play.judge(await play.play());
  await play.close();
  return { now, later: play.rig.started().includes("node") };
}

function hasEnded({ rig }: CasePlay, ids: readonly string[]): boolean {
  const ended = new Set(rig.trace.flatMap((entry) => (entry.kind === "end" ? [entry.node] : [])));
  return ids.every((id) => ended.has(id));
}
