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

/** A trigger, and a condition over the upstreams' ids where the trigger alone does not say it. */
export interface Rule {
  readonly trigger: Trigger;
  readonly when?: (upstreams: readonly string[]) => string;
}

/** What may come to an upstream that has not ended. */
const ENDS = ["ok", "fail", "skip"] as const;
type End = (typeof ENDS)[number];

/** What runs show: the node below upstreams that ended so, and others that end well, badly, or are skipped, later. */
export async function decidedByRun(rule: Rule, counts: EndCounts): Promise<Decision> {
  const seen: { now: boolean; later: boolean }[] = [];
  for (const rest of ENDS) seen.push(await observed(rule, counts, rest));
  const now = seen.filter((one) => one.now).length;
  if (now !== 0 && now !== seen.length) throw new Error(`R12: ${rule.trigger} depends on what has not happened yet`);
  if (now > 0) return "holds";
  return seen.some((one) => one.later) ? "wait" : "never";
}

/** Whether the node had started while upstreams were still to end, and once they had ended that way. */
async function observed(rule: Rule, counts: EndCounts, rest: End): Promise<{ now: boolean; later: boolean }> {
  const { total, succeeded, skipped, failed } = counts;
  const ended = [...fill("ok", succeeded), ...fill("fail", failed), ...fill("skip", skipped)];
  const ends = [...ended, ...fill(rest, total - ended.length)];
  const document = decisionPlan(rule, ends, ended.length);
  const scripts = Object.fromEntries(ends.map((end, place) => [`u${place}`, end === "skip" ? "ok" : end]));
  const isLate = (id: string): boolean => id === "gate" || Number(id.slice(1)) >= ended.length;
  const play = await openPlay({ document, scripts, ticksOf: (id) => (isLate(id) ? 2 : 1) });
  await play.play(() => hasEnded(play, succeeded + failed));
  const now = play.rig.started().includes("node");
  play.judge(await play.play());
  await play.close();
  return { now, later: play.rig.started().includes("node") };
}

/** `node` below `u0`, `u1`, ...; those from `late` on that will be skipped wait for a gate before they are. */
function decisionPlan({ trigger, when }: Rule, ends: readonly End[], late: number): PlanDocument {
  const upstreams = ends.map((_, place) => `u${place}`);
  const nodes = ends.map((end, place): NodeDocument => {
    const gated = end === "skip" && place >= late ? { upstreams: ["gate"] } : {};
    return { id: `u${place}`, action: "do", ...gated, ...(end === "skip" ? { when: "false" } : {}) };
  });
  const condition = when === undefined ? {} : { when: when(upstreams) };
  const node: NodeDocument = { id: "node", action: "do", upstreams, trigger, ...condition };
  // Nothing but the rule decides: a failure holds nobody else (R14).
  return {
    belay: 1,
    name: "decision",
    failureMode: "continue",
    nodes: [{ id: "gate", action: "do" }, ...nodes, node],
  };
}

function fill(end: End, count: number): End[] {
  return Array.from({ length: count }, () => end);
}

/** Whether so many of the upstreams' actions have ended. */
function hasEnded({ rig }: CasePlay, count: number): boolean {
  return rig.trace.filter((entry) => entry.kind === "end" && entry.node !== "gate").length >= count;
}
