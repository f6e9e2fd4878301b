/**
 * Positions in the WAL and forks between timelines: the arithmetic on which "is a commit missing?" rests.
 */
import { BelayError } from "@belay/engine";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  bytesBehind,
  compareLsn,
  formatLsn,
  maxLsn,
  parseLsn,
} from "../../packages/failover-plans/src/postgres/lsn.ts";
import { divergence, historyFile, parseHistory } from "../../packages/failover-plans/src/postgres/timeline.ts";

const lsn = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

describe("log sequence numbers", () => {
  test("an LSN survives the way to a number and back", () => {
    fc.assert(fc.property(lsn, (value) => parseLsn(formatLsn(value)) === value));
    expect(parseLsn("16/B374D848")).toBe(0x16b374d848n);
    expect(formatLsn(0x16b374d848n)).toBe("16/B374D848");
    expect(parseLsn("0/a")).toBe(10n);
  });

  test("the order of LSNs is the order of their numbers, not of their texts", () => {
    fc.assert(
      fc.property(lsn, lsn, (a, b) => {
        const expected = a < b ? -1 : Number(a > b);
        return Math.sign(compareLsn(formatLsn(a), formatLsn(b))) === expected;
      }),
    );
    expect(compareLsn("0/9", "0/10")).toBeLessThan(0);
    expect(compareLsn("9/0", "10/0")).toBeLessThan(0);
  });

  test("a distance is never negative and exact", () => {
    expect(bytesBehind("0/FFFFFFFF", "1/0")).toBe(1);
    expect(bytesBehind("1/0", "0/FFFFFFFF")).toBe(0);
    expect(bytesBehind("3/10", "3/10")).toBe(0);
  });

  test("the furthest position passes over unknown ones", () => {
    expect(maxLsn(null, "0/9", undefined, "0/10")).toBe("0/10");
    expect(maxLsn(null, undefined)).toBeUndefined();
  });

  test.each(["", "0", "0/", "/1", "0/G", "0/123456789", "0/1 ", "-1/0"])("%j is refused as an LSN", (text) => {
    expect(() => parseLsn(text)).toThrow(BelayError);
  });
});

describe("timeline history", () => {
  const text =
    "1\t0/3000148\tno recovery target specified\n\n# a comment\n2\t0/50000A0\tno recovery target specified\n";

  test("the forks of a history file are read in order, other lines are passed over", () => {
    expect(parseHistory(text)).toEqual([
      { timeline: 1, forkLsn: "0/3000148" },
      { timeline: 2, forkLsn: "0/50000A0" },
    ]);
    expect(parseHistory("")).toEqual([]);
  });

  test("the file of a timeline is named in hexadecimal", () => {
    expect(historyFile(2)).toBe("00000002.history");
    expect(historyFile(26)).toBe("0000001A.history");
  });

  test("a node may follow when its WAL ends at the fork of its own timeline, and not one byte later", () => {
    const writer = { timeline: 3, forks: parseHistory(text) };
    const at = (timeline: number, endLsn: string) => divergence({ timeline, forks: [], endLsn }, writer);
    expect(at(2, "0/50000A0")).toEqual({ kind: "shared" });
    expect(at(2, "0/50000A1")).toEqual({ kind: "diverged", bytes: 1 });
    // On timeline 1 the fork is the earlier one, although the writer went far beyond it.
    expect(at(1, "0/3000148")).toEqual({ kind: "shared" });
    expect(at(1, "0/4000000")).toEqual({ kind: "diverged", bytes: 0x4000000 - 0x3000148 });
    expect(at(3, "9/0")).toEqual({ kind: "shared" });
    expect(at(4, "0/1")).toEqual({ kind: "foreign" });
  });

  test("two branches of one number are told apart by their histories: what they share ends at the earlier fork", () => {
    const fork = (timeline: number, forkLsn: string) => ({ timeline, forkLsn });
    const writer = { timeline: 2, forks: [fork(1, "0/3000000")] };
    const own = (endLsn: string, ...forks: { timeline: number; forkLsn: string }[]) =>
      divergence({ timeline: 2, forks, endLsn }, writer);
    expect(own("0/5000000", fork(1, "0/3000000"))).toEqual({ kind: "shared" });
    expect(own("0/5000000", fork(1, "0/2000000"))).toEqual({ kind: "diverged", bytes: 0x3000000 });
    expect(own("0/5000000", fork(1, "0/4000000"))).toEqual({ kind: "diverged", bytes: 0x2000000 });
    // Timeline 3, once begun from 1 and once by way of 2.
    const later = { timeline: 3, forks: [fork(1, "0/3000000"), fork(2, "0/4000000")] };
    const jumped = { timeline: 3, forks: [fork(1, "0/3000000")], endLsn: "0/3000010" };
    expect(divergence(jumped, later)).toEqual({ kind: "diverged", bytes: 16 });
    expect(divergence({ ...later, endLsn: "0/3000010" }, { ...jumped })).toEqual({ kind: "diverged", bytes: 16 });
  });
});
