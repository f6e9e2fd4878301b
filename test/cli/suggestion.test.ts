/** "Did you mean" on the command line. */
import { expect, test } from "vitest";
import { didYouMean } from "../../packages/cli/src/suggestion.ts";

test.each([
  ["postgres-failvoer", ' (did you mean "postgres-failover"?)'],
  ["oceanbase-failover2", ' (did you mean "oceanbase-failover"?)'],
  ["PROMOTE", ' (did you mean "promote"?)'],
  ["pg", ""],
  ["", ""],
])("a slip of the pen is recognised, another word is not: %j", (word, expected) => {
  expect(didYouMean(word, ["postgres-failover", "oceanbase-failover", "promote"])).toBe(expected);
});
