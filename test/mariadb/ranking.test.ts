/**
 * Which replica is promoted, how many must be seen, and what is said of those that are passed over.
 */
import { describe, expect, test } from "vitest";
import { mariadbDialect } from "../../packages/failover-plans/src/mariadb/mariadb-dialect.ts";
import { quorumOf } from "../../packages/failover-plans/src/mariadb/quorum.ts";
import { type Contender, chooseCandidate, type Ranking } from "../../packages/failover-plans/src/mariadb/ranking.ts";

function contender(name: string, executed: string, priority = 50, received = executed): Contender {
  return { name, executed, received, priority };
}

function choose(contenders: readonly Contender[], more: object = {}): Ranking {
  return chooseCandidate({ contenders, required: 1, seen: [], lagCeiling: 0, positions: mariadbDialect, ...more });
}

describe("the choice", () => {
  test("the most advanced replica wins over the preferred one, and the others are told why not", () => {
    const ranking = choose([contender("a", "0-1-90", 100), contender("b", "0-1-100", 1)]);
    expect(ranking).toMatchObject({ kind: "chosen", candidate: { name: "b" }, lag: 0 });
    expect(ranking.passed).toEqual([{ name: "a", code: "BEHIND", reason: "lacks 10 transactions that b has" }]);
  });

  test("among equally advanced ones the higher priority wins, then the name", () => {
    const ranking = choose([contender("c", "0-1-9", 1), contender("b", "0-1-9", 7), contender("a", "0-1-9", 7)]);
    expect(ranking).toMatchObject({ candidate: { name: "a" } });
    expect(ranking.passed.map(({ name, code }) => [name, code])).toEqual([
      ["b", "LOWER_PRIORITY"],
      ["c", "LOWER_PRIORITY"],
    ]);
  });

  test("one that has not applied what it received is passed over, whatever it holds", () => {
    const ranking = choose([contender("a", "0-1-10", 100, "0-1-100"), contender("b", "0-1-100", 1)]);
    expect(ranking).toMatchObject({ kind: "chosen", candidate: { name: "b" } });
    expect(ranking.passed).toMatchObject([{ name: "a", code: "NOT_DRAINED" }]);
  });

  test("what an undrained replica has received is known to exist: promoting another without it is refused", () => {
    const contenders = [contender("a", "0-1-10", 100, "0-1-100"), contender("b", "0-1-97", 1)];
    expect(choose(contenders)).toMatchObject({ kind: "refused", code: "LAG_CEILING" });
    expect(choose(contenders, { lagCeiling: 3 })).toMatchObject({ kind: "chosen", candidate: { name: "b" }, lag: 3 });
  });

  test("the lag ceiling is on by default and counts what monitoring saw", () => {
    const contenders = [contender("a", "0-1-100")];
    expect(choose(contenders, { seen: ["0-1-101"] })).toMatchObject({ kind: "refused", code: "LAG_CEILING" });
    expect(choose(contenders, { seen: ["0-1-100", ""] })).toMatchObject({ kind: "chosen" });
  });

  test("too few replicas, none that is drained, none at all: each is refused by its name", () => {
    expect(choose([contender("a", "0-1-9")], { required: 2 })).toMatchObject({ code: "NO_QUORUM" });
    expect(choose([contender("a", "0-1-1", 1, "0-1-9")])).toMatchObject({ code: "NOT_DRAINED" });
    expect(choose([])).toMatchObject({ code: "NO_QUORUM" });
  });
});

describe("the quorum", () => {
  test("under semi-sync all replicas must be seen, since one of them, nobody knows which, has the last commit", () => {
    expect(quorumOf({ total: 2, semisync: true })).toMatchObject({ required: 2, provesNoLoss: true });
    expect(quorumOf({ total: 5, semisync: true })).toMatchObject({ required: 5, provesNoLoss: true });
  });

  test("without it a majority is asked for and proves nothing", () => {
    expect(quorumOf({ total: 3, semisync: false })).toMatchObject({ required: 2, provesNoLoss: false });
    expect(quorumOf({ total: 1, semisync: false })).toMatchObject({ required: 1, provesNoLoss: false });
  });

  test("an operator's number stands, and says what it proves", () => {
    expect(quorumOf({ total: 3, semisync: true, override: 2 })).toMatchObject({ required: 2, provesNoLoss: false });
    expect(quorumOf({ total: 3, semisync: true, override: 3 })).toMatchObject({ required: 3, provesNoLoss: true });
    expect(quorumOf({ total: 3, semisync: true, override: 0 })).toMatchObject({ required: 1 });
  });
});
