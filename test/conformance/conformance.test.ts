/**
 * The peers' cases against the real engine: each is the same, or a listed difference in exactly the listed facts. The data
 * stand beside the checkout; without them these tests are skipped, visibly, and `examples.test.ts` still tests the mappers.
 */
import { describe, expect, test } from "vitest";
import { listedCounts, listedDifferences, matches, rowsOf } from "./differences.ts";
import { suiteCases } from "./suite-data.ts";
import { SUITES } from "./suites.ts";
import { differsIn, NO_COUNTERPART, type PeerCase, type Suite, told, type Verdict } from "./verdict.ts";

const ROWS = listedDifferences();

for (const suite of SUITES) {
  const cases = suiteCases(suite.name);
  const verdicts = new Map<string, Promise<Verdict>>();
  const verdictOf = (given: PeerCase): Promise<Verdict> => {
    const verdict = verdicts.get(given.id) ?? suite.compare(given);
    verdicts.set(given.id, verdict);
    return verdict;
  };
  describe(`${suite.name}: the peer's cases`, () => {
    if (cases.length === 0) skipSuite(suite);
    test.for(cases)("R10-R37: $id is the same, or differs as docs/differences.md says", async (given) => {
      const verdict = await verdictOf(given);
      const rows = rowsOf(given.id, ROWS);
      expect(rows.length, `${given.id} is listed more than once`).toBeLessThanOrEqual(1);
      expect(differsIn(verdict), told(verdict)).toEqual(rows[0]?.differsIn ?? []);
    });

    test.skipIf(cases.length === 0)("R10-R37: every case of the file is counted as what it is", async () => {
      const all = await Promise.all(cases.map(async (given) => differsIn(await verdictOf(given))));
      const noCounterpart = all.filter(([first]) => first === NO_COUNTERPART).length;
      const same = all.filter((facts) => facts.length === 0).length;
      expect(new Set(cases.map(({ id }) => id)).size).toBe(suite.size);
      expect(listedCounts().find((count) => count.suite === suite.name)).toEqual({
        suite: suite.name,
        cases: suite.size,
        same,
        different: suite.size - same - noCounterpart,
        noCounterpart,
      });
    });
  });
}

function skipSuite({ name, size }: Suite): void {
  test.skip(`R10-R37: the ${size} cases of ${name} (their data are not beside this checkout)`, () => {});
}

const ids = SUITES.flatMap(({ name }) => suiteCases(name).map(({ id }) => id));
const patterns = ROWS.flatMap((row) => row.patterns).filter((pattern) => !pattern.startsWith("airflow-table:"));

test.skipIf(ids.length === 0)("R10-R37: every id and pattern of docs/differences.md stands for a case", () => {
  const idle = patterns.filter((pattern) => !ids.some((id) => matches(pattern, id)));
  expect(idle).toEqual([]);
});
