/**
 * A rule of the house: a sentence, a check over the source tree, and samples that prove the check can fail.
 * Owns: the shape. The rules stand in the other files of this folder; `house.test.ts` runs them.
 */
import type { SourceTree } from "./tree.ts";

/** A small source tree: text by path. */
export type Sample = Readonly<Record<string, string>>;

export interface HouseRule {
  /** Reads as the name of a test. */
  readonly sentence: string;
  /** Every violation as `path: what is wrong`; empty when the rule holds. */
  readonly violations: (tree: SourceTree) => string[];
  /** Trees that break the rule, each in one way: every one of them must give a violation. */
  readonly bad: readonly Sample[];
  /** Trees close to the border that keep the rule. */
  readonly good?: readonly Sample[];
}
