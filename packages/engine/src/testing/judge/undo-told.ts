/** What is left to undo, and what stands for ever, as the told story has it (R30, R31, R33, R34). */
import type { RunStory } from "./run-story.ts";
import type { UnitStory } from "./unit-story.ts";

/** The unit has something that a rollback would undo, given that it started (R30, R31). */
export function owesUndo({ home, dirty, lastSucceeded }: UnitStory): boolean {
  return dirty && (home.model.undoes === "started" || (home.model.undoes === "succeeded" && lastSucceeded));
}

/** It is a started prohibiting unit, or above one (R33, R34). */
export function isBarred(unit: UnitStory): boolean {
  return unit.barred || unit.home.barred;
}

/** A prohibiting node has started. */
export function hasBarrier(story: RunStory): boolean {
  return story.all.some((unit) => unit.barred);
}
