/**
 * Checks of the way forward: what may start, when, in which order, how often (R10-R14, R20, R21, R25, R30, R51).
 * Each check looks at one entry of the trace and at the story so far, and answers what is broken.
 */
import type { Trigger } from "../plan/document.ts";
import { type Rule, toleratedFailures, type Violation } from "./plan-model.ts";
import type { NodeStory, RunStory, StoryStatus } from "./run-story.ts";

/** What is wrong with an attempt of `node` starting now; `serial` = the run may run one thing at a time, so R11 decides alone. */
export function checkStart(story: RunStory, node: NodeStory, serial: boolean): Violation[] {
  const found: Violation[] = [];
  const report = (rule: Rule, what: string): void => {
    found.push({ rule, message: `${rule}: ${node.id} started, but ${what}` });
  };
  if (story.phase === "terminal") report("R51", "the run had ended for good");
  if (story.phase === "rolling-back") report("R30", "the run was rolling back");
  if (STARTED_FROM[node.status] === undefined) report("R25", `it was ${node.status}`);
  const most = node.document.retry?.maxAttempts ?? story.model.document.defaults?.retry?.maxAttempts ?? 1;
  if (node.attemptsInRound >= most) report("R25", `all of its ${most} attempts were used`);
  if (node.attemptsInRound === 0) {
    // A ready node was judged when it became ready: once decided, its trigger stays so (R12).
    if (node.status !== "ready") found.push(...checkReady(story, node));
    if (story.failed && !story.allowed.has(node.declared) && forbidsNew(story, node))
      report("R14", `a failure stands and failureMode is ${mode(story)}`);
  }
  const broken = groupForbids(story, node);
  if (broken !== undefined) report("R21", broken);
  const better = serial ? betterReady(story, node) : undefined;
  if (better !== undefined) report("R11", `${better.id} was ready and comes first`);
  return found;
}

/** What is wrong with `node` becoming ready now: its trigger must hold (R10, R12). */
export function checkReady(story: RunStory, node: NodeStory): Violation[] {
  // One member, or one reaction, that an operator asked for starts whatever has become of its upstreams since (R37).
  if (node.retried && (node.index >= 0 || node.document.trigger !== undefined)) return [];
  if (node.attemptsInRound > 0 || underway(story, node) || triggerHolds(story, node)) return [];
  const rule = node.document.trigger === undefined ? "R10" : "R12";
  return [{ rule, message: `${rule}: ${node.id} started, but ${unmet(story, node)}` }];
}

/** What is wrong with the action of `node` being called now: the ground truth behind `checkStart`. */
export function checkCall(story: RunStory, node: NodeStory): Violation[] {
  if ((node.document.trigger ?? "all_succeeded") !== "all_succeeded") return [];
  const busy = (node.document.upstreams ?? [])
    .flatMap((upstream) => story.units(upstream))
    .find((unit) => unit.open.has(unit.lastAttempt) && !unit.aborted);
  if (busy === undefined) return [];
  return [{ rule: "R10", message: `R10: the action of ${node.id} was called while that of ${busy.id} ran` }];
}

/** Statuses an attempt may start from. */
const STARTED_FROM: { readonly [K in StoryStatus]?: true } = { pending: true, ready: true, backoff: true };

const mode = (story: RunStory): string => story.model.document.failureMode ?? "no-new";

function forbidsNew(story: RunStory, node: NodeStory): boolean {
  if (mode(story) === "continue") return false;
  const trigger = node.document.trigger;
  return trigger !== "all_finished" && trigger !== "any_failed" && trigger !== "all_failed";
}

/** The node is a member of a group that has begun: its trigger was decided then, once and for all (R12). */
function underway(story: RunStory, node: NodeStory): boolean {
  const others = node.index < 0 ? [] : story.units(node.declared);
  return others.some((member) => member !== node && member.status !== "pending" && member.status !== "ready");
}

/** R12 for the node, or for the group it belongs to. For one that is retried it held before. */
function triggerHolds(story: RunStory, node: NodeStory): boolean {
  const upstreams = (node.document.upstreams ?? []).map((upstream) =>
    // A group that was passed as a whole counts as skipped, but for the successes that were told before.
    story.passedGroups.has(upstream)
      ? story
          .units(upstream)
          .map((unit) => (unit.status === "succeeded" ? unit : { ...unit, status: "skipped" as const }))
      : story.units(upstream),
  );
  if (node.retried && upstreams.every(finished)) return true;
  return TRIGGERS[node.document.trigger ?? "all_succeeded"](upstreams);
}

function unmet(story: RunStory, node: NodeStory): string {
  const states = (node.document.upstreams ?? []).flatMap((id) =>
    story.units(id).map((unit) => `${unit.id} ${unit.status}`),
  );
  return `${node.document.trigger ?? "all_succeeded"} does not hold: ${states.join(", ")}`;
}

/** A node without upstreams starts whatever its trigger says of failures that cannot be. */
const TRIGGERS: Readonly<Record<Trigger, (upstreams: readonly (readonly NodeStory[])[]) => boolean>> = {
  all_succeeded: (upstreams) => upstreams.every((units) => finished(units) && harmless(units)),
  all_finished: (upstreams) => upstreams.every(finished),
  any_succeeded: (upstreams) =>
    upstreams.length === 0 || upstreams.some((units) => units.some((unit) => unit.status === "succeeded")),
  any_failed: (upstreams) => upstreams.some((units) => units.some(hasFailed)),
  all_failed: (upstreams) => upstreams.every((units) => units.length > 0 && units.every(hasFailed)),
  none_failed: (upstreams) =>
    upstreams.every((units) => finished(units) && (won(units) || units.every((unit) => !hasFailed(unit)))),
};

function hasFailed(unit: NodeStory): boolean {
  return unit.status === "failed" || unit.status === "compensated" || unit.status === "compensation-failed";
}

/** Nothing more happens to them by themselves: each has ended, or their group has failed and none of them moves (R21). */
function finished(units: readonly NodeStory[]): boolean {
  const waiting = units.filter((unit) => unit.status !== "succeeded" && unit.status !== "skipped" && !hasFailed(unit));
  if (waiting.length === 0) return true;
  return waiting.every((unit) => unit.status === "pending") && tooManyFailed(units);
}

/** The units are members of a group, and more of them failed than the group bears. */
function tooManyFailed(units: readonly NodeStory[]): boolean {
  const first = units[0];
  if (first === undefined || first.index < 0 || won(units)) return false;
  const borne = first.document.split?.method === "FIRST_SUCCESS" ? 0 : toleratedFailures(first.document, units.length);
  return units.filter(hasFailed).length > borne;
}

/** A FIRST_SUCCESS group in which a candidate succeeded. */
function won(units: readonly NodeStory[]): boolean {
  if (units[0]?.document.split?.method !== "FIRST_SUCCESS") return false;
  return units.some((unit) => unit.status === "succeeded");
}

/** The units' failures do not fail the run (R14, R21). */
export function harmless(units: readonly NodeStory[]): boolean {
  const first = units[0];
  if (first === undefined || first.document.onFailure === "continue" || won(units)) return true;
  return first.index < 0 ? !units.some(hasFailed) : !tooManyFailed(units);
}

/** Why the node's group does not let it start, if it does not (R21, R2 `maxConcurrency`). */
function groupForbids(story: RunStory, node: NodeStory): string | undefined {
  const split = node.document.split;
  if (split === undefined || node.index < 0) return undefined;
  const members = story.units(node.declared);
  const running = members.filter((member) => member !== node && member.status === "running").length;
  const most = split.maxConcurrency ?? Number.POSITIVE_INFINITY;
  if (running >= most) return `${running} members of its group ran and maxConcurrency is ${most}`;
  const earlier = members.filter((member) => member.index < node.index);
  if (split.method === "SERIAL") {
    const open = earlier.find((member) => !finished([member]));
    return open === undefined ? undefined : `${open.id} comes first in its SERIAL group and is ${open.status}`;
  }
  if (split.method !== "FIRST_SUCCESS") return undefined;
  const open = earlier.find(
    (member) => !(member.status === "skipped" ? member.passed || member.document.when !== undefined : lost(member)),
  );
  return open === undefined ? undefined : `the candidate ${open.id} before it is ${open.status}`;
}

/** The candidate failed and is undone, or has nothing to undo (R21). */
function lost(member: NodeStory): boolean {
  if (member.status === "compensated") return true;
  return member.status === "failed" && !(member.dirty && owesUndo(member));
}

/** The node has something that a rollback would undo, given that it started (R30, R31). */
export function owesUndo(node: NodeStory): boolean {
  const compensation = node.document.compensation;
  if (compensation === undefined || node.document.effect === "none" || !node.dirty) return false;
  return compensation.when !== "succeeded" || node.lastSucceeded;
}

/** A ready node that R11 puts before `node`. */
function betterReady(story: RunStory, node: NodeStory): NodeStory | undefined {
  for (const other of story.nodes.values()) {
    const held = story.failed && !story.allowed.has(other.declared) && forbidsNew(story, other);
    if (other.status === "ready" && other !== node && !held && comesFirst(story, other, node)) return other;
  }
  return undefined;
}

function comesFirst(story: RunStory, a: NodeStory, b: NodeStory): boolean {
  const priority = (b.document.priority ?? 0) - (a.document.priority ?? 0);
  if (priority !== 0) return priority < 0;
  const series = (story.model.seriesId.get(a.declared) ?? 0) - (story.model.seriesId.get(b.declared) ?? 0);
  return series !== 0 ? series < 0 : a.index < b.index;
}
