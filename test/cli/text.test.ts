/** Text for terminals: what came from outside cannot move the cursor, and nothing is cut through the middle of a character. */
import fc from "fast-check";
import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { cut, duration, firstLine, fitLeft, fitRight, oneLine } from "../../packages/cli/src/render/text.ts";

describe("what came from outside is one harmless line", () => {
  test.each([
    ["a\tb\r\nc", "a b c"],
    ["\u001b[2J\u001b[1;31mred\u001b[0m", "red"],
    ["\u001b]8;;http://x\u0007link\u001b]8;;\u001b\\", "link"],
    ["\u009b31mred", "31mred"],
    ["abc\u202egfe", "abcgfe"],
    ["  kept  ", "  kept  "],
  ])("%j", (text, expected) => {
    expect(oneLine(text)).toBe(expected);
  });

  test("no control character survives, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(oneLine(text)).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
      }),
    );
  });

  test("the first line of a message leaves out leading blank lines", () => {
    expect(firstLine("\n\n boom\r\n at x")).toBe("boom");
  });
});

describe("text is cut to columns, not to characters", () => {
  test.each([
    ["abcdef", 4, "abc…"],
    ["abcd", 4, "abcd"],
    ["主库切换", 5, "主库…"],
    ["主库切换", 4, "主…"],
    ["👨‍👩‍👧👨‍👩‍👧", 3, "👨‍👩‍👧…"],
    ["e\u0301e\u0301e\u0301", 2, "e\u0301…"],
    ["abc", 0, ""],
    ["主", 1, "…"],
  ])("%s in %i columns", (text, columns, expected) => {
    expect(cut(text, columns)).toBe(expected);
  });

  test("a fitted cell is exactly as wide as asked, on either side", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 40 }), (text, columns) => {
        expect(stringWidth(fitLeft(oneLine(text), columns))).toBe(columns);
        expect(stringWidth(fitRight(oneLine(text), columns))).toBe(columns);
      }),
    );
  });
});

describe("durations stay short", () => {
  test.each([
    [-5, "0.0s"],
    [49, "0.0s"],
    [1250, "1.3s"],
    [59_940, "59.9s"],
    [59_960, "1m00s"],
    [125_000, "2m05s"],
    [3_599_949, "59m59s"],
    [3_720_000, "1h02m"],
  ])("%i ms is %s", (ms, expected) => {
    expect(duration(ms)).toBe(expected);
  });
});
