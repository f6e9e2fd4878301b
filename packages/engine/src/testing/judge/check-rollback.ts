/**
 * Checks of the way back: what may be undone, when, what must not be left, and how the run may end (R26, R30-R37).
 */
import type { Report } from "./plan-model.ts";
import type { OperatorVerb, RollbackScope, RunStory } from "./run-story.ts";
import { hasBarrier, isBarred, owesUndo } from "./undo-told.ts";
import { type DeclaredStory, type UnitStory, unitId } from "./unit-story.ts";

/** The compensation of `unit` is called. */
export function checkUndo(story: RunStory, unit: UnitStory, report: Report): void {
  const compensated = (what: string): string => `${unitId(unit)} was compensated, but ${what}`;
  if (story.phase === "terminal") report("R51", compensated("the run had ended for good"));
  if (story.paused) report("R37", compensated("the run was paused"));
  if (!unit.dirty) report("R30", compensated("it had not started since it was last undone"));
  else if (!owesUndo(unit)) report("R31", compensated("its compensation does not cover how it ended"));
  if (story.phase !== "rolling-back") {
    if (!unit.home.model.undoneOnTheWay) report("R30", compensated("the run was not rolling back"));
    return;
  }
  if (isBarred(unit)) report("R33", compensated("it is, or is above, a started node that prohibits rollback"));
  if (story.verbsTold && !isInScope(story, unit.home, story.scope))
    report("R35", compensated("it is not below the node to go back to"));
  const early = firstOwing(story, unit);
  if (early !== undefined) report("R30", compensated(`${unitId(early)} below it had started and was not undone yet`));
}

/** A rollback, or anything else, that an operator asked for was let pass (R33, R37, R51). */
export function checkVerb(story: RunStory, verb: OperatorVerb, report: Report): void {
  if (story.phase === "terminal") report("R51", `${verb.verb} was let pass, but the run had ended for good`);
  if (verb.verb !== "rollback" || verb.scope === undefined) return;
  if (story.phase !== "resting") report("R30", "a rollback was let pass, but the run did not rest");
  if (story.model.document.prohibitRollback === true)
    report("R33", "a rollback was let pass, but the plan prohibits every form");
  if (verb.scope === "barrier") return;
  for (const unit of story.all) {
    if (unit.barred && isInScope(story, unit.home, verb.scope))
      report("R33", `a rollback was let pass, but ${unitId(unit)} prohibits it and has started`);
  }
}

/** The run says that a rollback has come to its end: the word must fit how far it was to go (R30, R34, R35). */
export function checkEndOfRollback(story: RunStory, type: string, report: Report): void {
  if (!story.verbsTold || (type !== "run:rolled-back" && type !== "run:partially-rolled-back")) return;
  const { scope } = story;
  const full = scope === "all" || (scope === "barrier" && !hasBarrier(story));
  if (full !== (type === "run:rolled-back"))
    report(typeof scope === "string" ? "R34" : "R35", `the end is ${type}, but the rollback was to ${told(scope)}`);
}

function told(scope: RollbackScope): string {
  return typeof scope === "string" ? scope : `node ${scope.node}`;
}

/** A rollback has come to rest: what it left behind against the rules. `failed`: in ROLLBACK_FAILED. */
export function checkRolledBack(story: RunStory, scope: RollbackScope, failed: boolean, report: Report): void {
  for (const unit of story.all) {
    if (!owesUndo(unit) || isBarred(unit) || unit.excused || !isInScope(story, unit.home, scope)) continue;
    if (failed && (unit.status === "compensation-failed" || isStuck(story, unit))) continue;
    report(failed ? "R32" : "R30", `the rollback ended, but ${unitId(unit)} (${unit.status}) was left undone`);
  }
}

function isInScope(story: RunStory, home: DeclaredStory, scope: RollbackScope): boolean {
  if (typeof scope === "string") return true;
  return home.model.ancestors.includes(story.model.placeOf.get(scope.node) ?? -1);
}

/** A failed compensation is below: it may rest undone (R32). */
function isStuck(story: RunStory, unit: UnitStory): boolean {
  return someBelow(story, unit, ({ status }) => status === "compensation-failed") !== undefined;
}

function firstOwing(story: RunStory, unit: UnitStory): UnitStory | undefined {
  return someBelow(story, unit, (lower) => !lower.excused && owesUndo(lower));
}

/** Among the units below: of lower nodes, and later members of the same group unless they are independent (R21). */
function someBelow(story: RunStory, unit: UnitStory, test: (lower: UnitStory) => boolean): UnitStory | undefined {
  const { model, units } = unit.home;
  for (const place of model.descendants) {
    for (const lower of (story.declared[place] as DeclaredStory).units) if (test(lower)) return lower;
  }
  if (model.method === "PARALLEL") return undefined;
  return units.find((member) => member.index > unit.index && test(member));
}
