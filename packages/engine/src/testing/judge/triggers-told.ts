/**
 * Triggers as the judge reads them (R10, R12): what the told states of the upstreams allow. Owns: when a trigger holds
 * and when it can no longer hold; what counts as finished, failed, harmless. Written from the contract, not from the core.
 */
import { toleratedFailures } from "./plan-model.ts";
import type { RunStory } from "./run-story.ts";
import type { DeclaredStory, StoryStatus, UnitStory } from "./unit-story.ts";

/** R12 for the node, or for the group it is. */
export function triggerHolds(story: RunStory, { model }: DeclaredStory): boolean {
  const { upstreams } = model;
  switch (model.trigger) {
    case "any_succeeded":
      return upstreams.length === 0 || some(story, upstreams, hasSuccess);
    case "any_failed":
      return some(story, upstreams, hasFailure);
    case "all_failed":
      return every(story, upstreams, allFailed);
    case "all_finished":
      return every(story, upstreams, isFinished);
    case "none_failed":
      return every(story, upstreams, finishedClean);
    default:
      return every(story, upstreams, finishedHarmless);
  }
}

/**
 * R12: the trigger can no longer hold, so that the node is SKIPPED(upstream). While an upstream has failed and is not
 * tolerated, a retry may still make it hold, unless its failure is what the trigger is about.
 */
export function triggerIsLost(story: RunStory, { model }: DeclaredStory): boolean {
  const { upstreams } = model;
  switch (model.trigger) {
    case "any_succeeded":
      return every(story, upstreams, finishedHarmless) && !some(story, upstreams, hasSuccess);
    case "any_failed":
      return every(story, upstreams, isFinished) && !some(story, upstreams, hasFailure);
    case "all_failed":
      return upstreams.length === 0 || some(story, upstreams, isSpared);
    case "none_failed":
      return every(story, upstreams, finishedHarmless) && some(story, upstreams, hasFailure);
    default:
      return false;
  }
}

type Test = (declared: DeclaredStory) => boolean;

function every(story: RunStory, places: readonly number[], test: Test): boolean {
  for (const place of places) if (!test(story.declared[place] as DeclaredStory)) return false;
  return true;
}

function some(story: RunStory, places: readonly number[], test: Test): boolean {
  for (const place of places) if (test(story.declared[place] as DeclaredStory)) return true;
  return false;
}

/** A group that was passed as a whole counts as skipped, but for the successes that were told before. */
function statusOf(declared: DeclaredStory, { status }: UnitStory): StoryStatus {
  return declared.passed && status !== "succeeded" ? "skipped" : status;
}

function isFailure(status: StoryStatus): boolean {
  return status === "failed" || status === "compensated" || status === "compensation-failed";
}

function isEnd(status: StoryStatus): boolean {
  return status === "succeeded" || status === "skipped" || isFailure(status);
}

/** The unit has ended in the forward direction. */
export function hasEnded(unit: UnitStory): boolean {
  return isEnd(unit.status);
}

function hasSuccess(declared: DeclaredStory): boolean {
  for (const unit of declared.units) if (unit.status === "succeeded") return true;
  return false;
}

/** Of a FIRST_SUCCESS group only its own failure counts, not that of one candidate (R21). */
function hasFailure(declared: DeclaredStory): boolean {
  if (declared.canceled) return true;
  if (declared.model.method === "FIRST_SUCCESS" && declared.expanded)
    return tooManyFailed(declared) && isFinished(declared);
  for (const unit of declared.units) if (isFailure(statusOf(declared, unit))) return true;
  return false;
}

function allFailed(declared: DeclaredStory): boolean {
  if (declared.canceled && !declared.units.some(({ status }) => isFailure(status))) return true;
  // A group that bears the failure of all its members has succeeded.
  if (declared.expanded && !tooManyFailed(declared)) return false;
  for (const unit of declared.units) if (!isFailure(statusOf(declared, unit))) return false;
  return true;
}

/** Nothing more happens to it by itself: each unit has ended, or the group has failed and none of it moves (R21). */
export function isFinished(declared: DeclaredStory): boolean {
  let waiting = false;
  for (const unit of declared.units) {
    const status = statusOf(declared, unit);
    if (isEnd(status)) continue;
    if (status !== "pending") return false;
    waiting = true;
  }
  return !waiting || tooManyFailed(declared);
}

/** More members failed than the group bears; of candidates, all, or one that could not be undone (R21). */
function tooManyFailed(declared: DeclaredStory): boolean {
  const { model, expanded, units } = declared;
  if (declared.canceled) return true;
  if (!expanded || hasWon(declared)) return false;
  const firstSuccess = model.method === "FIRST_SUCCESS";
  let failed = 0;
  let ended = 0;
  for (const unit of units) {
    const status = statusOf(declared, unit);
    if (firstSuccess && status === "compensation-failed") return true;
    if (isFailure(status)) failed++;
    if (isEnd(status)) ended++;
  }
  if (firstSuccess) return failed > 0 && ended === units.length;
  return failed > toleratedFailures(model, units.length);
}

/** A FIRST_SUCCESS group in which a candidate succeeded. */
function hasWon(declared: DeclaredStory): boolean {
  return declared.model.method === "FIRST_SUCCESS" && declared.expanded && hasSuccess(declared);
}

/** Its failures do not fail the run (R14, R21). */
export function isHarmless(declared: DeclaredStory): boolean {
  if (declared.model.tolerated || hasWon(declared)) return true;
  return declared.expanded ? !tooManyFailed(declared) : !hasFailure(declared);
}

function finishedHarmless(declared: DeclaredStory): boolean {
  return isFinished(declared) && isHarmless(declared);
}

function finishedClean(declared: DeclaredStory): boolean {
  return isFinished(declared) && (hasWon(declared) || !hasFailure(declared));
}

/** It has ended and not all of it failed. */
function isSpared(declared: DeclaredStory): boolean {
  return isFinished(declared) && !allFailed(declared);
}
