/**
 * Checks of teardowns (`always`, R2): when they may have their turn, and that they had it. Written from the contract, not
 * from the core: whether a turn has come is derived from what was told of the other nodes.
 */
import type { RunSnapshot } from "../../runtime/api.ts";
import type { Report } from "./plan-model.ts";
import type { RunStory } from "./run-story.ts";
import { isFinished, isHarmless, triggerHolds, triggerIsLost } from "./triggers-told.ts";
import { hasBarrier, owesUndo } from "./undo-told.ts";
import { type DeclaredStory, type UnitStory, unitId } from "./unit-story.ts";

/** A teardown becomes ready, or starts: its turn must have come, and there must be something to tear down. */
export function checkTurn(story: RunStory, unit: UnitStory, what: string, report: Report): void {
  const early = beforeTeardowns(story);
  if (early !== undefined) report("R2", `${unitId(unit)} ${what}, but ${early}`);
  if (what !== "was skipped" && !isNeeded(story, unit.home))
    report("R2", `${unitId(unit)} ${what}, but none of its setup nodes has ever started`);
}

/** A setup node of the teardown has started, in whatever round. */
export function isNeeded(story: RunStory, { model }: DeclaredStory): boolean {
  return (model.setups ?? []).some((place) => {
    const { own, made } = story.declared[place] as DeclaredStory;
    return own.started || made.some(({ started }) => started);
  });
}

/** Why the teardowns' turn has not come; undefined = it has. */
export function beforeTeardowns(story: RunStory): string | undefined {
  if (story.phase === "terminal") return "the run had ended for good";
  if (story.phase === "resting") return "the run rested";
  return story.phase === "rolling-back" ? beforeEndOfRollback(story) : beforeSuccess(story);
}

/** Every other node has ended well. */
function beforeSuccess(story: RunStory): string | undefined {
  for (const declared of story.declared) {
    if (declared.model.setups !== undefined) continue;
    if (!isFinished(declared)) return `${declared.model.id} had not ended`;
    if (!declared.passed && !isHarmless(declared)) return `${declared.model.id} had failed`;
  }
  return undefined;
}

/** Everything is undone that a rollback of the whole run undoes. */
function beforeEndOfRollback(story: RunStory): string | undefined {
  const { scope } = story;
  if (story.verbsTold && scope !== "all" && (scope !== "barrier" || hasBarrier(story)))
    return "the rollback was not to undo all of the run";
  for (const unit of story.all) {
    if (unit.home.model.setups === undefined && owesUndo(unit) && !unit.excused)
      return `${unitId(unit)} was not undone`;
  }
  return undefined;
}

/** The run rests: what the teardowns have come to. */
export function checkTornDown(story: RunStory, { status }: RunSnapshot, report: Report): void {
  if (!story.model.hasTeardowns) return;
  const ended = status === "SUCCESSFUL" || status === "ROLLED_BACK";
  // Where a teardown failed, those beside it have had their turn too: no failure holds them.
  const halfWay = STUCK.has(status) && story.declared.some(hasFailedTeardown) && hadTurn(story, status);
  if (!ended && !halfWay) return;
  for (const declared of story.declared) {
    const { model, own } = declared;
    if (model.setups === undefined) continue;
    if (ended && own.status === "failed" && !model.tolerated)
      report("R2", `the run is ${status}, but ${model.id} failed`);
    if (own.status !== "pending" || !isNeeded(story, declared)) continue;
    if (ended) report("R2", `the run is ${status}, but ${model.id} has not torn down`);
    else if (triggerHolds(story, declared) || triggerIsLost(story, declared))
      report("R2", `the run is ${status} for another teardown, but ${model.id} waits`);
  }
}

const STUCK: ReadonlySet<string> = new Set(["FAILED", "ROLLBACK_FAILED"]);

/** What failed did so in its turn, not in an earlier one: nothing but teardowns is in the way of the end. */
function hadTurn(story: RunStory, status: RunSnapshot["status"]): boolean {
  if (story.outOfTime()) return false;
  return (status === "FAILED" ? beforeSuccess(story) : beforeEndOfRollback(story)) === undefined;
}

function hasFailedTeardown({ model, own }: DeclaredStory): boolean {
  return model.setups !== undefined && own.status === "failed" && !model.tolerated;
}
