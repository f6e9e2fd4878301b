/** Who may become the writer, in which order, and why each of the others may not. */
import { elect, type PolarCluster, type PolarNode, writerOf } from "@belay/failover-plans/polardb";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const SEED = 20_261_126;

function node(nodeId: string, fields: Partial<PolarNode> = {}): PolarNode {
  return {
    nodeId,
    role: "Reader",
    status: "Running",
    failoverPriority: 1,
    hotReplicaMode: "OFF",
    imciSwitch: "OFF",
    zoneId: "a",
    problem: null,
    ...fields,
  };
}

function cluster(...nodes: readonly PolarNode[]): PolarCluster {
  return { clusterId: "pc-1", engine: "MySQL", status: "Running", lockMode: "Unlock", nodes, generation: 1 };
}

const someNode = fc.record({
  role: fc.constant("Reader" as const),
  status: fc.constantFrom("Running", "Running", "Rebooting"),
  failoverPriority: fc.integer({ min: 1, max: 15 }),
  hotReplicaMode: fc.constantFrom("ON", "OFF"),
  imciSwitch: fc.constantFrom("OFF", "OFF", "ON"),
  zoneId: fc.constantFrom("a", "b"),
  problem: fc.constantFrom(null, null, "does not answer"),
});
const someCluster = fc
  .array(someNode, { maxLength: 12 })
  .map((readers) =>
    cluster(
      node("pi-0", { role: "Writer", failoverPriority: 15 }),
      ...readers.map((one, index) => ({ ...one, nodeId: `pi-${index + 1}` })),
    ),
  );
const someQuestion = fc.record(
  { seed: fc.string(), targetZoneType: fc.constantFrom("Primary" as const, "Standby" as const) },
  { requiredKeys: [] },
);

describe("an election", () => {
  test("lists every node once: as a candidate, or with the reason why it is none", () => {
    fc.assert(
      fc.property(someCluster, someQuestion, (given, question) => {
        const { candidates, rejected } = elect(given, question);
        const all = [...candidates, ...rejected].map(({ nodeId }) => nodeId);
        expect(all.toSorted()).toEqual(given.nodes.map(({ nodeId }) => nodeId).toSorted());
        for (const { nodeId, reason } of rejected) expect(reason).toContain(nodeId);
      }),
      { seed: SEED },
    );
  });

  test("tries eligible readers only, the higher priority first", () => {
    fc.assert(
      fc.property(someCluster, someQuestion, (given, question) => {
        const { candidates } = elect(given, question);
        for (const [index, one] of candidates.entries()) {
          expect(one).toMatchObject({ role: "Reader", status: "Running", imciSwitch: "OFF", problem: null });
          if (question.targetZoneType) {
            expect(one.zoneId === writerOf(given)?.zoneId).toBe(question.targetZoneType === "Primary");
          }
          const next = candidates[index + 1];
          if (next) expect(one.failoverPriority).toBeGreaterThanOrEqual(next.failoverPriority);
        }
      }),
      { seed: SEED },
    );
  });

  test("R50: is the same for the same seed, in whatever order the nodes are listed", () => {
    fc.assert(
      fc.property(someCluster, someQuestion, fc.nat(), (given, question, turn) => {
        const cut = turn % given.nodes.length;
        const turned = { ...given, nodes: [...given.nodes.slice(cut), ...given.nodes.slice(0, cut)] };
        expect(elect(turned, question).candidates).toEqual(elect(given, question).candidates);
      }),
      { seed: SEED },
    );
  });

  test("draws equal priorities: over many seeds each of three comes first about as often", () => {
    const given = cluster(node("pi-0", { role: "Writer" }), node("pi-1"), node("pi-2"), node("pi-3"));
    const first = new Map<string, number>();
    for (let run = 0; run < 3000; run++) {
      const id = elect(given, { seed: `run-${run}` }).candidates[0]?.nodeId ?? "";
      first.set(id, (first.get(id) ?? 0) + 1);
    }
    for (const id of ["pi-1", "pi-2", "pi-3"]) expect(first.get(id)).toBeGreaterThan(850);
    expect(elect(given).candidates.map(({ nodeId }) => nodeId)).toEqual(["pi-1", "pi-2", "pi-3"]);
  });

  test("a single node that was asked for is the only candidate, whatever its priority", () => {
    const given = cluster(node("pi-0", { role: "Writer" }), node("pi-1", { failoverPriority: 15 }), node("pi-2"));
    expect(elect(given, { targetNodeId: "pi-2" })).toMatchObject({ candidates: [{ nodeId: "pi-2" }], rejected: [] });
  });

  test.each([
    ["the writer", "pi-0", "NODE_TYPE"],
    ["a column store node", "pi-1", "NODE_TYPE"],
    ["one that reboots", "pi-2", "NODE_NOT_RUNNING"],
    ["one that does not replicate", "pi-3", "UNHEALTHY_REPLICATION"],
    ["one that is not there", "pi-9", "NODE_UNKNOWN"],
  ])("asked for %s it has no candidate, and says why", (_, targetNodeId, code) => {
    const given = cluster(
      node("pi-0", { role: "Writer" }),
      node("pi-1", { imciSwitch: "ON" }),
      node("pi-2", { status: "Rebooting" }),
      node("pi-3", { problem: "does not stream" }),
    );
    expect(elect(given, { targetNodeId })).toMatchObject({
      candidates: [],
      rejected: [{ nodeId: targetNodeId, code }],
    });
  });
});
