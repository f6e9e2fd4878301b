/**
 * The house: what a reviewer would otherwise have to look for. Every rule runs over the whole project, and over samples
 * that break it, so that a check which can no longer fail is noticed. The rules stand in `house/`.
 */
import { describe, expect, test } from "vitest";
import { COMMENTS } from "./house/comments.ts";
import { CORE } from "./house/core.ts";
import { DEPENDENCIES } from "./house/dependencies.ts";
import { DOCS } from "./house/docs.ts";
import { NAMES } from "./house/names.ts";
import type { Sample } from "./house/rule.ts";
import { SIZES } from "./house/sizes.ts";
import { SURFACE } from "./house/surface.ts";
import { SourceTree } from "./house/tree.ts";
import { WALLS } from "./house/walls.ts";
import { WORDS } from "./house/words.ts";

const project = SourceTree.ofProject();
const rules = [...WALLS, ...DEPENDENCIES, ...CORE, ...NAMES, ...WORDS, ...SIZES, ...COMMENTS, ...SURFACE, ...DOCS];

describe("the project keeps the rules of the house", () => {
  for (const { sentence, violations } of rules) {
    test(sentence, () => {
      expect(violations(project)).toEqual([]);
    });
  }
});

describe("the rules of the house can fail, and only where they should", () => {
  for (const { sentence, violations, bad, good = [] } of rules) {
    test(`samples are told apart: ${sentence}`, () => {
      expect(bad.length).toBeGreaterThan(0);
      for (const sample of bad) expect(violations(treeOf(sample)), JSON.stringify(sample)).not.toEqual([]);
      for (const sample of good) expect(violations(treeOf(sample)), JSON.stringify(sample)).toEqual([]);
    });
  }
});

function treeOf(sample: Sample): SourceTree {
  return new SourceTree(Object.entries(sample));
}
