/**
 * Checks of the way forward: what may start or be skipped, when, in which order, how often (R10-R14, R20, R21, R25, R30,
 * R37, R51). Each check looks at one entry and at the story so far, and reports what is broken.
 */
import { checkTurn, isNeeded } from "./check-teardown.ts";
import type { Report } from "./plan-model.ts";
import type { RunStory } from "./run-story.ts";
import { hasEnded, isFinished, triggerHolds, triggerIsLost } from "./triggers-told.ts";
import { owesUndo } from "./undo-told.ts";
import type { DeclaredStory, UnitStory } from "./unit-story.ts";
import { unitId } from "./unit-story.ts";

/** An attempt of `unit` starts; `serial` = the run may run one thing at a time, so R11 decides alone. */
export function checkStart(story: RunStory, unit: UnitStory, serial: boolean, report: Report): void {
  const started = (what: string): string => `${unitId(unit)} started, but ${what}`;
  if (story.phase === "terminal") report("R51", started("the run had ended for good"));
  const tearsDown = unit.home.model.setups !== undefined;
  if (story.phase === "rolling-back" && !tearsDown) report("R30", started("the run was rolling back"));
  if (story.phase === "resting") report("R15", started("the run rested"));
  if (story.phase === "forward" && story.now > story.endsAt) report("R2", started("the time of the run was over"));
  if (story.paused) report("R37", started("the run was paused"));
  if (story.canceling) report("R37", started("the run was being canceled"));
  const { status } = unit;
  if (status !== "pending" && status !== "ready" && status !== "backoff") report("R25", started(`it was ${status}`));
  const most = unit.home.model.maxAttempts;
  if (unit.attemptsInRound >= most) report("R25", started(`all of its ${most} attempts were used`));
  if (unit.attemptsInRound === 0) {
    // A ready node was judged when it became ready: once decided, its trigger stays so (R12).
    if (status !== "ready") checkReady(story, unit, report);
    if (isHeld(story, unit.home)) report("R14", started(`a failure stands and failureMode is ${mode(story)}`));
  }
  const broken = unit.index < 0 ? undefined : groupForbids(unit);
  if (broken !== undefined) report("R21", started(broken));
  const better = serial ? betterReady(story, unit) : undefined;
  if (better !== undefined) report("R11", started(`${unitId(better)} was ready and comes first`));
}

/** `unit` becomes ready: its trigger must hold (R10, R12). */
export function checkReady(story: RunStory, unit: UnitStory, report: Report): void {
  const { home } = unit;
  if (home.model.setups !== undefined && unit.attemptsInRound === 0) checkTurn(story, unit, "started", report);
  // One member, or one reaction, that an operator asked for starts whatever has become of its upstreams since (R37).
  if (unit.retried && (unit.index >= 0 || home.model.document.trigger !== undefined)) return;
  if (unit.attemptsInRound > 0 || isUnderway(unit) || triggerHolds(story, home)) return;
  if (unit.retried && upstreamsFinished(story, home)) return;
  report(
    home.model.document.trigger === undefined ? "R10" : "R12",
    `${unitId(unit)} started, but ${unmet(story, home)}`,
  );
}

/** The action of `unit` is called: the ground truth behind `checkStart`. */
export function checkCall(story: RunStory, unit: UnitStory, report: Report): void {
  const { model } = unit.home;
  if (model.trigger !== "all_succeeded") return;
  for (const place of model.upstreams) {
    for (const above of (story.declared[place] as DeclaredStory).units) {
      if (above.open.length === 0 || above.aborted || !above.open.includes(above.lastAttempt)) continue;
      report("R10", `the action of ${unitId(unit)} was called while that of ${unitId(above)} ran`);
    }
  }
}

/** `unit` is skipped: for `reason`, which must be true (R12, R20, R21). */
export function checkSkip(story: RunStory, unit: UnitStory, reason: string | undefined, report: Report): void {
  const { home } = unit;
  const skipped = (what: string): string => `${unitId(unit)} was skipped as ${reason}, but ${what}`;
  const member = unit.index >= 0;
  if (reason === "condition" && home.model.document.when === undefined) report("R12", skipped("it has no condition"));
  if (reason === "empty" && !home.model.dynamic) report("R20", skipped("its list is not made at run time"));
  if (reason === "superseded" && !(member && home.units.some(({ status }) => status === "succeeded")))
    report("R21", skipped("no candidate succeeded"));
  if (reason !== "upstream") return;
  if (home.model.setups !== undefined) {
    checkTurn(story, unit, "was skipped", report);
    if (!isNeeded(story, home)) return;
  }
  if (member ? home.model.tolerated : triggerIsLost(story, home)) return;
  if (member && home.units.every(({ status }) => status !== "running") && triggerIsLost(story, home)) return;
  report("R12", skipped(member ? "its group waits for a retry" : stillPossible(story, home)));
}

/** Everything holds the node back: a failure stands, nobody asked for it, and it does not react to failures (R14). */
export function isHeld(story: RunStory, { allowed, model }: DeclaredStory): boolean {
  return (
    story.failed && !allowed && !model.reacts && model.setups === undefined && story.model.failureMode !== "continue"
  );
}

const mode = (story: RunStory): string => story.model.failureMode;

/** The unit is a member of a group that has begun: its trigger was decided then, once and for all (R12). */
function isUnderway(unit: UnitStory): boolean {
  return unit.index >= 0 && unit.home.begun;
}

function upstreamsFinished(story: RunStory, { model }: DeclaredStory): boolean {
  return model.upstreams.every((place) => isFinished(story.declared[place] as DeclaredStory));
}

function unmet(story: RunStory, home: DeclaredStory): string {
  return `${home.model.trigger} does not hold: ${upstreamsText(story, home)}`;
}

function stillPossible(story: RunStory, home: DeclaredStory): string {
  return `${home.model.trigger} can still hold: ${upstreamsText(story, home)}`;
}

function upstreamsText(story: RunStory, { model }: DeclaredStory): string {
  const units = model.upstreams.flatMap((place) => (story.declared[place] as DeclaredStory).units);
  return units.map((unit) => `${unitId(unit)} ${unit.status}`).join(", ");
}

/** Why the unit's group does not let it start, if it does not (R21, R2 `maxConcurrency`). */
function groupForbids(unit: UnitStory): string | undefined {
  const { model, units } = unit.home;
  let running = 0;
  for (const member of units) if (member !== unit && member.status === "running") running++;
  if (running >= model.maxConcurrency) return `${running} members ran and maxConcurrency is ${model.maxConcurrency}`;
  if (model.method === "PARALLEL") return undefined;
  for (const member of units) {
    if (member.index >= unit.index) break;
    if (model.method === "SERIAL" ? hasEnded(member) : isOut(member)) continue;
    return `${unitId(member)} comes first in its ${model.method} group and is ${member.status}`;
  }
  const left = model.method === "FIRST_SUCCESS" ? units.find((member) => member !== unit && isLeft(member)) : undefined;
  return left && `what ${unitId(left)} has left, a candidate beside it, was not undone`;
}

/** The candidate may have taken effect, and neither was it undone nor does somebody vouch for it. */
function isLeft(member: UnitStory): boolean {
  return owesUndo(member) && !member.excused;
}

/** The candidate failed and is undone, or has nothing to undo, or does not count (R21). */
function isOut(member: UnitStory): boolean {
  if (member.status === "skipped") return member.passed || member.home.model.document.when !== undefined;
  if (member.status === "compensated") return true;
  return member.status === "failed" && !owesUndo(member);
}

/** A ready unit that R11 puts before `unit`. */
function betterReady(story: RunStory, unit: UnitStory): UnitStory | undefined {
  for (const other of story.all) {
    if (other.home.model.pool !== unit.home.model.pool) continue;
    if (other.status === "ready" && other !== unit && comesFirst(other, unit) && !isHeld(story, other.home))
      return other;
  }
  return undefined;
}

function comesFirst(a: UnitStory, b: UnitStory): boolean {
  const { model: left } = a.home;
  const { model: right } = b.home;
  if (left.priority !== right.priority) return left.priority > right.priority;
  if (left === right) return a.index < b.index;
  return left.labelOf === right.labelOf && left.labelOf !== "unsure" && left.seriesId < right.seriesId;
}
