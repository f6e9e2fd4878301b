/** Arbitraries as a product: what they print is a plan again, what they draw is valid, and it shrinks to what is small. */
import { definePlan, parsePlan } from "@belay/engine";
import {
  describeScenario,
  EVERY_FEATURE,
  operatorCommand,
  planYaml,
  type Scenario,
  scenario,
  verbOf,
} from "@belay/engine/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const given = fc.sample(scenario(fc, { ...EVERY_FEATURE, maxNodes: 12 }), { numRuns: 500, seed: 11 });

function has(test: (document: Scenario["document"]) => boolean): number {
  return given.filter(({ document }) => test(document)).length;
}

describe("scenarios of every feature", () => {
  test("R1, R5: what is printed as YAML reads back as the same plan", () => {
    for (const { document } of given.slice(0, 200)) {
      expect(parsePlan(planYaml(document)).hash).toBe(definePlan(document).hash);
    }
  });

  test("R1: strings that YAML takes for something else are quoted", () => {
    const words = ["yes", "null", "1", "1e3", "a b", "a: b", "#x", "- x", "", "it's", '"', "{", "~", "2025-01-01", "é"];
    const labels = Object.fromEntries(words.map((word, place) => [`l${place}`, word]));
    const document = { belay: 1, name: "words", labels, nodes: [] } as const;
    expect(parsePlan(planYaml(document)).document).toEqual(definePlan(document).document);
  });

  test("R2: every feature comes up", () => {
    const counts = {
      pools: has(({ nodes }) => nodes.some(({ pool }) => pool !== undefined)),
      totalTimeout: has(({ nodes }) => nodes.some(({ totalTimeout }) => totalTimeout !== undefined)),
      heartbeatTimeout: has(({ nodes }) => nodes.some(({ heartbeatTimeout }) => heartbeatTimeout !== undefined)),
      undoTimeout: has(({ nodes }) => nodes.some(({ compensation }) => compensation?.timeout !== undefined)),
      runTimeout: has(({ timeout }) => timeout !== undefined),
      itemConditions: has(({ nodes }) => nodes.some(({ when }) => when?.includes("item") === true)),
      teardowns: has(({ nodes }) => nodes.some(({ always }) => always !== undefined)),
      waiting: has(({ nodes }) => nodes.some(({ action }) => action.startsWith("belay."))),
      prohibiting: has(({ prohibitRollback }) => prohibitRollback === true),
      approvals: has(({ nodes }) => nodes.some(({ with: input }) => JSON.stringify(input ?? {}).includes("required"))),
      seriesIds: has(({ nodes }) => nodes.some(({ seriesId }) => seriesId !== undefined)),
    };
    for (const [feature, count] of Object.entries(counts)) expect(count, feature).toBeGreaterThan(10);
  });

  test("R2: new features are off unless asked for: the scenario of a seed stays what it was", () => {
    for (const { document } of fc.sample(scenario(fc, { maxNodes: 20 }), { numRuns: 300, seed: 5 })) {
      expect(document).not.toHaveProperty("timeout");
      for (const node of document.nodes) {
        expect(node.action).toBe("do");
        for (const field of ["pool", "totalTimeout", "heartbeatTimeout", "always", "seriesId"])
          expect(node).not.toHaveProperty(field);
      }
    }
  });

  test("R10: a counterexample shrinks to the smallest plan that shows it, and tells its seed", () => {
    const joins = (document: Scenario["document"]): boolean => {
      return document.nodes.some(({ upstreams }) => (upstreams?.length ?? 0) > 1);
    };
    const found = fc.check(
      fc.property(scenario(fc, EVERY_FEATURE), ({ document }) => !joins(document)),
      { seed: 1 },
    );
    const smallest = found.counterexample?.[0] as Scenario;
    const { nodes } = smallest.document;
    expect(nodes.length).toBeLessThanOrEqual(4);
    for (const node of nodes) expect(Object.keys(node)).toEqual(["id", "action", "upstreams"]);
    expect(describeScenario(smallest, 1)).toContain("# seed: 1\n");
    expect(describeScenario(smallest, 1)).toContain("  - { id: n0, action: do, upstreams: [] }");
  });
});

test("R37: an operator's command fits every run: a number stands for one of the nodes there are", () => {
  const ids = ["n0", "n1", "n1[0]"];
  expect(verbOf({ verb: "skip", place: 5 }, ids)).toEqual({ verb: "skip", node: "n1[0]" });
  expect(verbOf({ verb: "rollback-to-node", place: 2 }, ids)).toEqual({ verb: "rollback", to: { node: "n1" } });
  expect(verbOf({ verb: "cancel-run", place: 2 }, ids)).toEqual({ verb: "cancel" });
  const drawn = fc.sample(operatorCommand(fc), { numRuns: 500, seed: 2 });
  expect(new Set(drawn.map(({ verb }) => verb)).size).toBe(15);
});
