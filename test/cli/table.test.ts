/** The table of a run: golden pictures, and what holds at every size. */
import type { NodeSnapshot, RunSnapshot } from "@belay/engine";
import fc from "fast-check";
import pc from "picocolors";
import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { rowOrder } from "../../packages/cli/src/render/order.ts";
import { renderTable } from "../../packages/cli/src/render/table.ts";
import { at, node, ran, START, snapshot } from "./sample-run.ts";

const PLAIN = pc.createColors(false);

function picture(run: RunSnapshot, columns: number, rows: number, logs?: ReadonlyMap<string, string>): string[] {
  const order = rowOrder(run.nodes);
  return renderTable({
    snapshot: run,
    order,
    nowMs: START + 5000,
    columns,
    rows,
    colors: PLAIN,
    ...(logs ? { logs } : {}),
  });
}

const FAILOVER = snapshot(
  [
    ran("lock", 0, 120, { name: "Take the lock" }),
    ran("fence", 120, 1320, { upstreams: ["lock"], runTime: 2 }),
    ran("promote", 1320, null, { upstreams: ["fence"], prohibitRollback: true }),
    node("follow[0]", { name: "Follow", group: "follow", parallelIdx: 0, upstreams: ["promote"] }),
    node("follow[1]", { name: "Follow", group: "follow", parallelIdx: 1, upstreams: ["promote"] }),
  ],
  { title: "Fail over" },
);

describe("the table shows each node's state, tries, time and the one thing to know", () => {
  test("it is a picture of the run at 80 columns", () => {
    expect(picture(FAILOVER, 80, 24, new Map([["promote", "waiting for WAL\nsecond line"]]))).toEqual([
      "Fail over  RUNNING  2/5 done  5.0s",
      "  STATE         NODE                TRY    TIME  NOTE",
      "✓ SUCCESSFUL    lock Take the lock    1    0.1s",
      "✓ SUCCESSFUL    fence                 2    1.2s",
      "▸ RUNNING       promote               1    3.7s  point of no return · waiting f…",
      "· PENDING       follow[0]",
      "· PENDING       follow[1]",
    ]);
  });

  test("R2: a node that waits says for what", () => {
    const base = { until: null, approvedBy: [], approvers: null, required: 1 };
    const run = snapshot([
      ran("a", 0, null, { waiting: { ...base, for: "time", until: "2026-01-01T00:01:00.000Z" } }),
      ran("b", 0, null, {
        waiting: { ...base, for: "approval", approvedBy: ["ann"], approvers: ["ann", "bob"], required: 2 },
      }),
      ran("c", 0, null, { waiting: { ...base, for: "signal" } }),
    ]);
    expect(
      picture(run, 100, 24)
        .slice(2)
        .map((line) => line.replace(/^.*5\.0s +/, "")),
    ).toEqual(["waits until 2026-01-01T00:01:00.000Z", "waits for approval: 1 of 2 of ann, bob", "waits for a signal"]);
  });

  test("failures, skips and compensations say why", () => {
    const failure = { code: "TIMEOUT", message: "no answer\n  at stack", retryable: true };
    const undo = { action: "undo", startTime: at(1000), finishTime: at(1500), runTime: 1, error: null };
    const run = snapshot(
      [
        ran("a", 0, 900, { status: "COMPENSATED", compensation: undo }),
        ran("b", 900, 950, { status: "FAILED", error: failure, upstreams: ["a"] }),
        ran("c", 0, 10, { status: "FAILED", error: failure, tolerated: true }),
        node("d", { status: "SKIPPED", skipReason: "condition" }),
        ran("e", 0, 10, {
          status: "COMPENSATION_FAILED",
          compensation: { ...undo, runTime: 3, error: { code: "ERROR", message: "still there", retryable: false } },
        }),
      ],
      { status: "ROLLBACK_FAILED", finishTime: at(1500) },
    );
    expect(picture(run, 100, 24)).toEqual([
      "Sample  ROLLBACK_FAILED  1/5 done  1.5s",
      "  STATE         NODE  TRY    TIME  NOTE",
      "↺ COMPENSATED   a       1    0.5s",
      "✗ FAILED        c       1    0.0s  tolerated · TIMEOUT: no answer",
      "» SKIPPED       d                  skipped: condition",
      "✗ UNDO FAILED   e       3    0.5s  still there",
      "✗ FAILED        b       1    0.1s  TIMEOUT: no answer",
    ]);
  });

  test("rows follow the edges, whatever order the plan lists its nodes in", () => {
    const nodes = [
      node("c", { upstreams: ["b[0]", "b[1]"] }),
      node("b[0]", { group: "b", upstreams: ["a"] }),
      node("a"),
      node("b[1]", { group: "b", upstreams: ["a"] }),
    ];
    expect(rowOrder(nodes).map((index) => nodes[index]?.id)).toEqual(["a", "b[0]", "b[1]", "c"]);
  });

  test("a ring of edges still shows every node", () => {
    const nodes = [node("a", { upstreams: ["b"] }), node("b", { upstreams: ["a"] }), node("c", { upstreams: ["c"] })];
    expect([...rowOrder(nodes)].sort()).toEqual([0, 1, 2]);
  });
});

describe("the table fits the terminal", () => {
  test("narrow terminals lose notes and tries first, then states and times", () => {
    expect(picture(FAILOVER, 50, 24)).toEqual([
      "Fail over  RUNNING  2/5 done  5.0s",
      "  STATE         NODE                          TIME",
      "✓ SUCCESSFUL    lock Take the lock            0.1s",
      "✓ SUCCESSFUL    fence                         1.2s",
      "▸ RUNNING       promote                       3.7s",
      "· PENDING       follow[0]",
      "· PENDING       follow[1]",
    ]);
    expect(picture(FAILOVER, 24, 24)).toEqual([
      "RUNNING",
      "  NODE",
      "✓ lock Take the lock",
      "✓ fence",
      "▸ promote",
      "· follow[0]",
      "· follow[1]",
    ]);
  });

  test("wide characters count as the columns they take", () => {
    const run = snapshot([ran("主库切换", 0, 100, { prohibitRollback: true }), ran("a", 0, 100)], { title: "数据库" });
    expect(picture(run, 70, 24)).toEqual([
      "数据库  RUNNING  2/2 done  5.0s",
      "  STATE         NODE      TRY    TIME  NOTE",
      "✓ SUCCESSFUL    主库切换    1    0.1s  point of no return",
      "✓ SUCCESSFUL    a           1    0.1s",
    ]);
  });

  test("a long plan shows the rows around what runs, and says what it leaves out", () => {
    const nodes = Array.from({ length: 100 }, (_, index) => (index < 60 ? ran(`n${index}`, 0, 10) : node(`n${index}`)));
    nodes[60] = ran("n60", 10, null);
    const lines = picture(snapshot(nodes), 80, 10);
    expect(lines).toHaveLength(10);
    expect(lines.slice(2, 9).map((line) => line.split(/\s+/)[2])).toEqual([
      "n58",
      "n59",
      "n60",
      "n61",
      "n62",
      "n63",
      "n64",
    ]);
    expect(lines[9]).toBe("… 58 above, 35 below; 39 pending, 1 running, 60 successful");
  });

  test("no line is wider and no picture higher than the terminal, at any size, for any name", () => {
    const someNode = fc.record({
      id: fc.string({ unit: "grapheme", maxLength: 30 }),
      name: fc.string({ unit: "grapheme", maxLength: 60 }),
      message: fc.string({ unit: "binary", maxLength: 80 }),
      status: fc.constantFrom<NodeSnapshot["status"]>("PENDING", "RUNNING", "FAILED", "COMPENSATED"),
    });
    fc.assert(
      fc.property(
        fc.array(someNode, { maxLength: 12 }),
        fc.string({ unit: "grapheme" }),
        fc.integer({ min: 8, max: 140 }),
        fc.integer({ min: 1, max: 20 }),
        (some, title, columns, rows) => {
          const nodes = some.map(({ id, name, message, status }, index) =>
            ran(`${index}${id}`, 0, status === "RUNNING" ? null : 5, {
              name,
              status,
              error: status === "FAILED" ? { code: "E", message, retryable: false } : null,
            }),
          );
          const lines = picture(snapshot(nodes, { title }), columns, rows);
          expect(lines.length).toBeLessThanOrEqual(rows);
          for (const line of lines) {
            expect(stringWidth(line), JSON.stringify(line)).toBeLessThanOrEqual(columns);
            expect(line).not.toMatch(/\p{Cc}/u);
          }
        },
      ),
    );
  });
});
