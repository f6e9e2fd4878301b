/** The drawing as data: above all, the one status shown for a group. */
import { definePlan, type NodeStatus, type RunSnapshot } from "@belay/engine";
import { toDot, toGraphJson, toMermaid } from "@belay/engine/views";
import { describe, expect, test } from "vitest";
import { DRAWN, drawnRun } from "./drawn-plan.ts";

const GROUP = definePlan({
  belay: 1,
  name: "g",
  nodes: [{ id: "g", action: "belay.noop", split: { over: "[1, 2]" } }],
});

function statusOf(...members: readonly (NodeStatus | "TOLERATED")[]): NodeStatus | null | undefined {
  const nodes = members.map((status, index) => ({
    id: `g[${index}]`,
    group: "g",
    parallelIdx: index,
    status: status === "TOLERATED" ? "FAILED" : status,
    tolerated: status === "TOLERATED",
  }));
  return toGraphJson(GROUP, { status: "RUNNING", nodes } as unknown as RunSnapshot).nodes[0]?.status;
}

describe("a group shows one status for its members", () => {
  test.each<[NodeStatus | null, readonly (NodeStatus | "TOLERATED")[]]>([
    [null, []],
    ["PENDING", ["PENDING", "PENDING"]],
    ["RUNNING", ["SUCCESSFUL", "PENDING"]],
    ["RUNNING", ["SUCCESSFUL", "RUNNING", "FAILED"]],
    ["READY", ["SUCCESSFUL", "READY"]],
    ["FAILED", ["SUCCESSFUL", "FAILED", "PENDING"]],
    ["SUCCESSFUL", ["SUCCESSFUL", "TOLERATED"]],
    ["SUCCESSFUL", ["COMPENSATED", "SUCCESSFUL", "SKIPPED"]],
    ["FAILED", ["TOLERATED", "TOLERATED"]],
    ["SKIPPED", ["SKIPPED"]],
    ["COMPENSATED", ["COMPENSATED", "SKIPPED"]],
    ["COMPENSATING", ["COMPENSATED", "COMPENSATING"]],
    ["COMPENSATION_FAILED", ["COMPENSATING", "COMPENSATION_FAILED"]],
  ])("%s for %j", (expected, members) => {
    expect(statusOf(...members)).toBe(expected);
  });
});

describe("the drawing as data", () => {
  test("R22: it has one vertex per declared node and one edge per declared edge", () => {
    const graph = toGraphJson(DRAWN, drawnRun());
    expect(graph.nodes.map((node) => node.id)).toEqual(["lock", "freeze", "promote", "repoint", "tell"]);
    expect(graph.edges).toHaveLength(4);
    expect(graph.nodes[1]?.group?.members.map((member) => member.parallelIdx)).toEqual([0, 1, 2]);
  });

  test("R2: items and outputs stay out, they may hold secrets", () => {
    expect(JSON.stringify(toGraphJson(DRAWN, drawnRun()))).not.toMatch(/"(item|output|with)"/);
  });

  test("a snapshot of another plan colours nothing and fails nothing", () => {
    const other = { status: "RUNNING", nodes: [{ id: "x", group: null, status: "FAILED" }] } as unknown as RunSnapshot;
    expect(toGraphJson(DRAWN, other).nodes.every((node) => node.status === null)).toBe(true);
  });

  test("R2: a teardown is drawn beside the nodes it cleans up after, and what waits says for what", () => {
    const plan = definePlan({
      belay: 1,
      name: "p",
      nodes: [
        { id: "a", action: "belay.approval" },
        { id: "t", action: "belay.noop", always: { for: ["a"] } },
      ],
    });
    const graph = toGraphJson(plan);
    expect(graph.edges).toEqual([]);
    expect(graph.teardowns).toEqual([{ from: "a", to: "t" }]);
    expect(toMermaid(plan)).toContain("  n0 -.-> n1\n");
    expect(toMermaid(plan)).toContain("waits for approval");
    expect(toDot(plan)).toContain('  "a" -> "t" [style=dashed];\n');
    expect(toDot(plan)).toContain("runs at the end, whatever happened");
  });
});
