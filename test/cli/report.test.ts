/** The bill of a PostgreSQL demo, and its verdict. */
import pc from "picocolors";
import { describe, expect, test } from "vitest";
import { faultsOf, type PostgresReport, reportLines } from "../../packages/cli/src/demo/postgres-report.ts";
import { at, ran, snapshot } from "./sample-run.ts";

const GOOD: PostgresReport = {
  acknowledged: 1234,
  acknowledgedLost: 0,
  judgedBy: "pg2",
  writesResumed: true,
  unacknowledgedButPresent: 2,
  unavailabilityMs: 812.4,
  clientsGoneMs: 0,
  errors: { ECONNREFUSED: 8 },
  rows: { pg1: 1236, pg2: 1236 },
  allNodesEqual: true,
  writers: ["pg2"],
};

describe("the verdict needs all three: nothing lost, one writer, equal servers", () => {
  test.each<[boolean, Partial<PostgresReport>]>([
    [true, {}],
    [false, { acknowledgedLost: 1 }],
    [false, { acknowledgedLost: null, judgedBy: null }],
    [false, { writers: [] }],
    [false, { writers: ["pg1", "pg2"] }],
    [false, { allNodesEqual: false }],
  ])("%s for %j", (sound, given) => {
    expect(faultsOf({ ...GOOD, ...given }).length === 0).toBe(sound);
  });
});

test("the report shows what clients noticed, what was lost, the rejoin and each step's time", () => {
  const rejoined = { node: "pg1", mode: "reclone", divergedBytes: 512, salvageable: { count: 3 } };
  const undo = { action: "u", runTime: 1, startTime: at(900), finishTime: at(950), error: null };
  const run = snapshot([
    ran("fence", 0, 120, { compensation: undo }),
    ran("rejoinOld", 1500, 4000, { output: rejoined }),
  ]);
  expect(reportLines(run, GOOD, pc.createColors(false))).toEqual([
    "",
    "Report",
    "  writes unavailable     812 ms",
    "  rows acknowledged      1234",
    "  acknowledged lost      0",
    "  errors, yet present    2 (the client saw an error, the row is there)",
    "  servers taking writes  1 (pg2)",
    "  all servers equal      yes (pg1 1236, pg2 1236)",
    "  old primary            pg1 was copied anew: 512 bytes of its WAL had diverged, 3 rows that only it had (never acknowledged) were reported",
    "",
    "  step                      start     took",
    "  fence                     +0.0s   120 ms",
    "  undo fence                +0.9s    50 ms",
    "  rejoinOld                 +1.5s  2500 ms",
  ]);
});

test("a split brain, a server that does not answer and a failed rejoin are said plainly", () => {
  const failed = ran("rejoinOld", 0, 1, {
    status: "FAILED",
    error: { code: "X", message: "no disk", retryable: false },
  });
  const bad = { ...GOOD, writers: ["pg1", "pg2"], rows: { pg1: null }, allNodesEqual: false };
  const lines = reportLines(snapshot([failed]), bad, pc.createColors(false)).join("\n");
  expect(lines).toContain("2 (pg1, pg2): SPLIT BRAIN");
  expect(lines).toContain("NO (pg1 no answer)");
  expect(lines).toContain("not back: no disk");
});

describe("without one writer no loss is claimed that is not there", () => {
  const words = (given: Partial<PostgresReport>): string =>
    reportLines(snapshot([]), { ...GOOD, ...given }, pc.createColors(false)).join("\n");

  test("nobody takes writes: the most advanced server is judged by, and the gap has no end", () => {
    const text = words({ writers: [], writesResumed: false, unavailabilityMs: 6021 });
    expect(text).toContain("0 of 1234 missing on pg2, the most advanced server; no server takes writes");
    expect(text).toContain("still unavailable (observed for 6.0 s)");
  });

  test("nobody can be read: nothing is known", () => {
    const text = words({ writers: [], acknowledgedLost: null, judgedBy: null });
    expect(text).toContain("not known: no server could be read");
  });

  test("rows that were lost are not called never acknowledged", () => {
    const rejoined = { node: "pg1", mode: "reclone", divergedBytes: 512, salvageable: { count: 3 } };
    const lines = reportLines(
      snapshot([ran("rejoinOld", 0, 1, { output: rejoined })]),
      { ...GOOD, acknowledgedLost: 2 },
      pc.createColors(false),
    );
    expect(lines.join("\n")).toContain("3 rows that only it had were reported");
    const one = { ...rejoined, salvageable: { count: 1 } };
    const node = ran("rejoinOld", 0, 1, { output: one });
    expect(reportLines(snapshot([node]), GOOD, pc.createColors(false)).join("\n")).toContain(
      "1 row that only it had (never acknowledged) was reported",
    );
  });
});
