/**
 * GTIDs of both systems: positions by domain, sets by server. What a replica lacks, and what only it has.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  missingTransactions,
  parseGtids,
  sequenceIn,
  unionOfPositions,
} from "../../packages/failover-plans/src/mariadb/gtid-position.ts";
import {
  formatGtidSet,
  parseGtidSet,
  sizeOf,
  subtract,
  unite,
} from "../../packages/failover-plans/src/mariadb/gtid-set.ts";
import { mariadbDialect } from "../../packages/failover-plans/src/mariadb/mariadb-dialect.ts";
import { mysqlDialect } from "../../packages/failover-plans/src/mariadb/mysql-dialect.ts";
import type { ServerStatus } from "../../packages/failover-plans/src/mariadb/server-status.ts";

const A = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
const B = "4e11fa47-71ca-11e1-9e33-c80aa9429562";

describe("MariaDB's positions", () => {
  test("a position is read by domain, server and sequence; nonsense is no position", () => {
    expect(parseGtids("0-1-42, 3-2-7")).toEqual([
      { domain: "0", server: "1", sequence: 42 },
      { domain: "3", server: "2", sequence: 7 },
    ]);
    expect(parseGtids("")).toEqual([]);
    for (const nonsense of ["0-1", "a-b-c", "0-1-2-3", "0:1:2"]) expect(() => parseGtids(nonsense)).toThrow("no GTID");
  });

  test("of a domain the highest sequence counts, whoever wrote it", () => {
    expect(sequenceIn("0-1-42,0-2-50,1-1-99", "0")).toBe(50);
    expect(sequenceIn("0-1-42", "7")).toBe(0);
  });

  test("what is missing is counted over all domains, and being ahead in one makes up for nothing in another", () => {
    expect(missingTransactions("0-1-40", "0-2-42")).toBe(2);
    expect(missingTransactions("0-1-50,1-1-1", "0-1-42,1-1-4")).toBe(3);
    expect(missingTransactions("", "0-1-3")).toBe(3);
    expect(missingTransactions("0-1-3", "")).toBe(0);
  });

  test("the union of two positions is behind neither", () => {
    expect(unionOfPositions("0-1-40,1-1-9", "0-2-42")).toBe("0-2-42,1-1-9");
    expect(unionOfPositions("", "")).toBe("");
  });
});

describe("MySQL's sets", () => {
  test("a set is read and written as MySQL does, in whatever order and case it came", () => {
    const text = `${B}:1-3,\n${A.toUpperCase()}:5:1-2:4`;
    expect(formatGtidSet(parseGtidSet(text))).toBe(`${A}:1-2:4-5,${B}:1-3`);
    expect(formatGtidSet(parseGtidSet(""))).toBe("");
    for (const nonsense of ["x:1", A, `${A}:1-`, "0-1-42"]) expect(() => parseGtidSet(nonsense)).toThrow();
  });

  test("sets behave like sets of single transactions", () => {
    const single = fc.record({ uuid: fc.constantFrom(A, B), n: fc.integer({ min: 1, max: 12 }) });
    const some = fc.array(single, { maxLength: 14 });
    const textOf = (list: readonly { uuid: string; n: number }[]): string =>
      list.map(({ uuid, n }) => `${uuid}:${n}`).join(",");
    const keys = (list: readonly { uuid: string; n: number }[]): Set<string> =>
      new Set(list.map(({ uuid, n }) => `${uuid}:${n}`));
    fc.assert(
      fc.property(some, some, (a, b) => {
        const [x, y] = [parseGtidSet(textOf(a)), parseGtidSet(textOf(b))];
        const [p, q] = [keys(a), keys(b)];
        expect(sizeOf(x)).toBe(p.size);
        expect(sizeOf(unite(x, y))).toBe(new Set([...p, ...q]).size);
        expect(sizeOf(subtract(x, y))).toBe([...p].filter((key) => !q.has(key)).length);
        expect(formatGtidSet(unite(x, y))).toBe(formatGtidSet(unite(y, x)));
        expect(formatGtidSet(parseGtidSet(formatGtidSet(x)))).toBe(formatGtidSet(x));
      }),
    );
  });
});

/** A replica with only what the comparison reads. */
function server(identity: string, history: string, replicated: string, strict = true): ServerStatus {
  return { identity, history, replicated, executed: history, strict, replica: null } as unknown as ServerStatus;
}

describe("errant transactions", () => {
  test("MariaDB: what a replica wrote after the last that it replicated, and nobody has, is errant", () => {
    const errant = server("2", "0-1-300,0-2-302", "0-1-300");
    const clean = server("3", "0-1-300", "0-1-300");
    expect(mariadbDialect.unshared(errant, [clean])).toEqual([{ gtids: "0-2-301..302", count: 2 }]);
    expect(mariadbDialect.unshared(errant, [])).toEqual([{ gtids: "0-2-301..302", count: 2 }]);
    expect(mariadbDialect.unshared(clean, [errant])).toEqual([]);
  });

  test("MariaDB: what it wrote when it was the writer is not errant, though the others lag or their logs began empty", () => {
    const former = server("2", "0-2-200,0-1-300", "0-1-300");
    for (const other of [server("3", "0-2-150", "0-2-150"), server("3", "", "0-1-300")])
      expect(mariadbDialect.unshared(former, [other])).toEqual([]);
    // Just switched over: nothing replicated since, but the others have it.
    expect(mariadbDialect.unshared(server("2", "0-2-200", ""), [server("3", "0-2-200", "0-2-200")])).toEqual([]);
  });

  test("MariaDB: without strict mode only what others have is shared", () => {
    const loose = server("2", "0-2-200,0-1-300", "0-1-300", false);
    expect(mariadbDialect.unshared(loose, [server("3", "0-1-300", "0-1-300")])).toEqual([
      { gtids: "0-2-1..200", count: 200 },
    ]);
    expect(mariadbDialect.unshared(loose, [server("3", "0-2-200,0-1-300", "0-1-300")])).toEqual([]);
  });

  test("MariaDB: each domain is looked at by itself", () => {
    const two = server("2", "0-1-300,0-2-250,7-2-5", "0-1-300,7-1-4");
    expect(mariadbDialect.unshared(two, [])).toEqual([{ gtids: "7-2-5", count: 1 }]);
  });

  test("MySQL: what is under its own uuid and in nobody's set is errant, to the single transaction", () => {
    const own = server(A, `${A}:1-9,${B}:1-100`, "");
    expect(mysqlDialect.unshared(own, [server(B, `${A}:1-3:5-8,${B}:1-90`, "")])).toEqual([
      { gtids: `${A}:4:9`, count: 2 },
    ]);
    expect(mysqlDialect.unshared(own, [server(B, `${A}:1-9`, "")])).toEqual([]);
  });
});
