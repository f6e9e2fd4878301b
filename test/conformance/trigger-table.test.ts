/**
 * Airflow's decision table (R12): rows of counts through the core's `decideTrigger`, and through real runs. Rows that do
 * not carry over are counted by class, each listed in docs/differences.md and each still different.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decidedByPeer, RECIPES, RULES } from "./airflow.ts";
import { listedDifferences, rowsOf } from "./differences.ts";
import { suiteFile } from "./suite-data.ts";
import {
  type Decision,
  decidedByCore,
  decidedByRun,
  type EndCounts,
  type Rule,
  type Trigger,
} from "./trigger-decision.ts";

type TableRow = readonly [
  rule: string,
  total: number,
  succeeded: number,
  skipped: number,
  failed: number,
  upstreamFailed: number,
  runnable: number,
  newState: string | null,
];

const ROWS = ((suiteFile("airflow")?.["decisionTable"] as { rows: TableRow[] } | undefined)?.rows ?? []) as TableRow[];

/** Why a row does not carry over; undefined when it does. */
function classOf([rule, , , skipped, , upstreamFailed]: TableRow): "rule" | "upstream_failed" | "skipped" | undefined {
  if (RULES[rule] === undefined && RECIPES[rule] === undefined) return "rule";
  if (upstreamFailed > 0) return "upstream_failed";
  return rule === "all_success" && skipped > 0 ? "skipped" : undefined;
}

function countsOf([, total, succeeded, skipped, failed]: TableRow): EndCounts {
  return { total, succeeded, skipped, failed };
}

function peerOf([, , , , , , runnable, newState]: TableRow): Decision {
  return decidedByPeer(runnable === 1, newState);
}

describe("R12: triggers decide as Airflow's rules do", () => {
  test("R12: a few rows in our own words, in the core and in a run", async () => {
    const rows: [Trigger, EndCounts, Decision][] = [
      ["all_succeeded", { total: 2, succeeded: 1, skipped: 0, failed: 0 }, "wait"],
      ["all_succeeded", { total: 2, succeeded: 0, skipped: 0, failed: 1 }, "never"],
      ["all_finished", { total: 2, succeeded: 1, skipped: 0, failed: 1 }, "holds"],
      ["any_succeeded", { total: 3, succeeded: 1, skipped: 0, failed: 1 }, "holds"],
      ["any_failed", { total: 1, succeeded: 1, skipped: 0, failed: 0 }, "never"],
      ["all_failed", { total: 2, succeeded: 0, skipped: 0, failed: 1 }, "wait"],
      ["none_failed", { total: 2, succeeded: 0, skipped: 2, failed: 0 }, "holds"],
    ];
    for (const [trigger, counts, decision] of rows) {
      expect([trigger, decidedByCore(trigger, counts)]).toEqual([trigger, decision]);
      expect([trigger, await decidedByRun({ trigger }, counts)]).toEqual([trigger, decision]);
    }
  });

  const alike = ROWS.filter((row) => classOf(row) === undefined);
  const usable = alike.filter(([rule]) => RULES[rule] !== undefined);
  const said = alike.filter(([rule]) => RECIPES[rule] !== undefined);

  test.skipIf(ROWS.length === 0)("R12: every row that carries over is decided alike by the core", () => {
    expect([ROWS.length, usable.length, said.length]).toEqual([759, 214, 156]);
    const page = readFileSync(new URL("../../docs/differences.md", import.meta.url), "utf8");
    expect(page).toContain(`Of the ${ROWS.length} rows of the decision table ${alike.length} are compared`);
    const wrong = usable.filter((row) => decidedByCore(RULES[row[0]] as Trigger, countsOf(row)) !== peerOf(row));
    expect(wrong).toEqual([]);
  });

  test.skipIf(ROWS.length === 0)("R12: every row that carries over is decided alike in a run", async () => {
    for (const row of usable) {
      expect([row, await decidedByRun({ trigger: RULES[row[0]] as Trigger }, countsOf(row))]).toEqual([
        row,
        peerOf(row),
      ]);
    }
  });

  test.skipIf(ROWS.length === 0)("R12: a rule without a trigger is decided alike by a trigger and a when", async () => {
    const wrong: unknown[] = [];
    for (const row of said) {
      const ours = await decidedByRun(RECIPES[row[0]] as Rule, countsOf(row));
      if (ours !== peerOf(row)) wrong.push([row, ours]);
    }
    expect(wrong).toEqual([]);
  });

  test.skipIf(ROWS.length === 0).for(["rule", "upstream_failed", "skipped"] as const)(
    "R12: the rows that do not carry over by their %s are as many as docs/differences.md says, and differ",
    (name) => {
      const rows = ROWS.filter((row) => classOf(row) === name);
      const [listed] = rowsOf(`airflow-table:${name}`, listedDifferences());
      expect(Number.parseInt(listed?.peer ?? "", 10)).toBe(rows.length);
      if (name === "rule") return;
      const mapped = rows.filter(([rule]) => RULES[rule] !== undefined);
      const differing = mapped.filter((row) => decidedByCore(RULES[row[0]] as Trigger, countsOf(row)) !== peerOf(row));
      expect(differing.length).toBeGreaterThan(0);
    },
  );

  test.skipIf(ROWS.length === 0)("R10: a skipped upstream decides all_succeeded as a success does", () => {
    for (const row of ROWS.filter((one) => classOf(one) === "skipped")) {
      const [rule, total, succeeded, skipped, failed] = row;
      const same = ROWS.find(
        (one) => one.slice(0, 6).join() === [rule, total, succeeded + skipped, 0, failed, 0].join(),
      );
      expect(same).toBeDefined();
      expect(decidedByCore("all_succeeded", countsOf(row))).toBe(peerOf(same as TableRow));
    }
  });
});
