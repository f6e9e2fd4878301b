/**
 * Which standby is promoted, and when none is: quorum, order and lag ceiling, as pure functions.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareLsn, formatLsn } from "../../packages/failover-plans/src/postgres/lsn.ts";
import { parseSyncNames, quorumOf } from "../../packages/failover-plans/src/postgres/quorum.ts";
import { type Contender, chooseCandidate, rankContenders } from "../../packages/failover-plans/src/postgres/ranking.ts";

const contender: fc.Arbitrary<Contender> = fc.record({
  name: fc.string({ minLength: 1, maxLength: 3 }),
  lsn: fc.bigInt({ min: 0n, max: 40n }).map((value) => formatLsn(value << 29n)),
  priority: fc.integer({ min: 0, max: 3 }),
});
const contenders = fc.uniqueArray(contender, { selector: ({ name }) => name, maxLength: 6 });
const at = (name: string, lsn: string, priority = 100): Contender => ({ name, lsn, priority });

describe("the order of contenders", () => {
  test("WAL comes before priority, priority before the name", () => {
    const order = rankContenders([at("d", "0/9"), at("c", "0/10", 1), at("b", "0/10", 2), at("a", "0/10", 2)]);
    expect(order.map(({ name }) => name)).toEqual(["a", "b", "c", "d"]);
  });

  test("nobody who is passed over has more WAL, and the order of asking does not matter", () => {
    fc.assert(
      fc.property(contenders, (given) => {
        const order = rankContenders(given);
        expect(rankContenders(given.toReversed())).toEqual(order);
        for (const other of order) expect(compareLsn(order[0]!.lsn, other.lsn)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe("the choice", () => {
  test("fewer contenders than required are refused, even when one is far ahead", () => {
    const question = { required: 2, seenLsns: [], lagCeilingBytes: 0 };
    expect(chooseCandidate({ ...question, contenders: [at("a", "9/0")] })).toMatchObject({
      kind: "refused",
      code: "NO_QUORUM",
    });
    expect(chooseCandidate({ ...question, required: 0, contenders: [] })).toMatchObject({ code: "NO_QUORUM" });
  });

  test("the lag ceiling is kept to the byte against everything that was seen of the old primary", () => {
    const question = { contenders: [at("a", "0/1000")], required: 1, lagCeilingBytes: 16 };
    const chosen = chooseCandidate({ ...question, seenLsns: [null, "0/FFF", "0/1010"] });
    expect(chosen).toMatchObject({ kind: "chosen", lagBytes: 16 });
    const refused = chooseCandidate({ ...question, seenLsns: ["0/1011", null] });
    expect(refused).toMatchObject({ kind: "refused", code: "LAG_CEILING" });
  });

  test("nothing known of the old primary means no lag", () => {
    const question = {
      contenders: [at("b", "0/1"), at("a", "0/2")],
      required: 2,
      seenLsns: [null],
      lagCeilingBytes: 0,
    };
    expect(chooseCandidate(question)).toEqual({
      kind: "chosen",
      candidate: at("a", "0/2"),
      others: [at("b", "0/1")],
      lagBytes: 0,
    });
  });
});

describe("the quorum", () => {
  test.each([
    ["", 0, []],
    ["a", 1, ["a"]],
    ["a, b", 1, ["a", "b"]],
    ["2 (a, b)", 2, ["a", "b"]],
    ["FIRST 1 (a,b)", 1, ["a", "b"]],
    ['any 2 ("a", b , c)', 2, ["a", "b", "c"]],
    ["*", 1, ["*"]],
  ] as const)("synchronous_standby_names %j is read", (setting, acknowledgements, names) => {
    expect(parseSyncNames(setting)).toEqual({ acknowledgements, names });
  });

  test("with ANY 1 of two standbys both are needed: the newest commit may be on either", () => {
    const quorum = quorumOf({ standbys: ["b", "c"], synchronousStandbyNames: "ANY 1 (a, b, c)" });
    expect(quorum).toMatchObject({ required: 2, provesNoLoss: true });
  });

  test("with ANY 2 of two standbys one is enough: it has every acknowledged commit", () => {
    const quorum = quorumOf({ standbys: ["b", "c"], synchronousStandbyNames: "ANY 2 (b, c)" });
    expect(quorum).toMatchObject({ required: 1, provesNoLoss: true });
  });

  test("without synchronous replication a majority is needed and proves nothing", () => {
    expect(quorumOf({ standbys: ["b", "c", "d"], synchronousStandbyNames: "" })).toMatchObject({
      required: 2,
      provesNoLoss: false,
    });
    // A list that names none of the standbys waits for nobody.
    expect(quorumOf({ standbys: ["b"], synchronousStandbyNames: "x" }).provesNoLoss).toBe(false);
  });

  test("an operator's lower number is followed and not called a proof", () => {
    const question = { standbys: ["b", "c"], synchronousStandbyNames: "ANY 1 (*)" };
    expect(quorumOf({ ...question, override: 1 })).toMatchObject({ required: 1, provesNoLoss: false });
    expect(quorumOf({ ...question, override: 2 })).toMatchObject({ required: 2, provesNoLoss: true });
  });

  test("a quorum that claims to prove it always meets a standby that acknowledged", () => {
    const standbys = ["a", "b", "c", "d"];
    fc.assert(
      fc.property(fc.subarray(standbys, { minLength: 1 }), fc.integer({ min: 1, max: 4 }), (names, wanted) => {
        const waits = Math.min(wanted, names.length);
        const quorum = quorumOf({ standbys, synchronousStandbyNames: `ANY ${waits} (${names.join(", ")})` });
        if (!quorum.provesNoLoss) return;
        // The worst case: exactly `waits` listed standbys have the commit, and the ones seen are all others first.
        expect(standbys.length - waits).toBeLessThan(quorum.required);
      }),
    );
  });
});
