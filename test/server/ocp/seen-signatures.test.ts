/** Used signatures: remembered for as long as they could be sent again, and no one's use makes another's be forgotten. */
import { expect, test } from "vitest";
import { SeenSignatures } from "../../../packages/server/src/ocp/seen-signatures.ts";

test("a signature counts once until it is too old; a key that has used too many waits, and forgets none", () => {
  let now = 0;
  const seen = new SeenSignatures(() => now, 1000, 3);
  expect(["a", "b", "a"].map((signature) => seen.use("key", signature))).toEqual(["fresh", "fresh", "used"]);
  now = 500;
  expect(["c", "d", "e"].map((signature) => seen.use("key", signature))).toEqual(["fresh", "full", "full"]);
  expect(["a", "b", "c"].map((signature) => seen.use("key", signature))).toEqual(["used", "used", "used"]);
  expect(seen.use("another", "a")).toBe("fresh");
  now = 1000;
  expect(["d", "c"].map((signature) => seen.use("key", signature))).toEqual(["fresh", "used"]);
});
