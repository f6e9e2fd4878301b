/** What the scenarios of "every feature" really have: a feature that is never drawn is never proved. */
import type { NodeDocument, PlanDocument } from "@belay/engine";
import { BelayError } from "@belay/engine";
import { EVERY_FEATURE, type ScenarioOptions, scenario } from "@belay/engine/testing";
import fc from "fast-check";
import { expect, test } from "vitest";

const PLANS = 600;

/** Counts by what is drawn: fields with their small values, and what is together in one node. */
function census(documents: readonly PlanDocument[]): Map<string, number> {
  const counts = new Map<string, number>();
  const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1);
  const fields = (at: string, value: object): void => {
    for (const [name, one] of Object.entries(value)) {
      const plain = typeof one === "string" || typeof one === "boolean" || Number.isInteger(one);
      count(plain ? `${at}${name} ${one}` : `${at}${name}`);
    }
  };
  for (const document of documents) {
    fields("plan.", document);
    fields("defaults.", document.defaults ?? {});
    for (const node of document.nodes) {
      fields("", node);
      for (const part of ["retry", "compensation", "split"] as const) fields(`${part}.`, node[part] ?? {});
      fields("undo.", node.compensation?.retry ?? {});
      together(node, count);
    }
  }
  return counts;
}

function together(node: NodeDocument, count: (what: string) => void): void {
  const { split, always, when } = node;
  if (/status/.test(when ?? "")) count("when reads a status");
  if (/item/.test(when ?? "")) count("when reads the item");
  if (always !== undefined)
    for (const field of ["when", "timeout", "retry", "trigger"] as const)
      if (node[field] !== undefined) count(`teardown.${field}`);
  if (split === undefined) return;
  const group = split.method ?? "PARALLEL";
  count(`${group} over ${split.over.startsWith("nodes.") ? "an output" : "params"}`);
  for (const field of ["tolerated", "maxConcurrency"] as const)
    if (split[field] !== undefined) count(`${group}.${field}`);
  for (const field of ["prohibitRollback", "onFailure", "trigger", "retry", "compensation"] as const)
    if (node[field] !== undefined) count(`${group}.${field}`);
}

const MUST_HAVE = `
  plan.failureMode no-new|plan.failureMode continue|plan.failureMode kill|plan.onFailure rollback|plan.timeout 20
  plan.prohibitRollback true|plan.defaults|defaults.timeout 9|defaults.retry|defaults.compensation
  trigger all_finished|trigger any_succeeded|trigger any_failed|trigger all_failed|trigger none_failed
  action belay.wait|action belay.approval|action belay.signal|effect none|prohibitRollback true|onFailure continue
  when params.no|when reads a status|when reads the item|pool narrow|pool wide|priority -1|priority 2|seriesId 0
  timeout 3|totalTimeout 5|heartbeatTimeout 4|compensation.timeout 6|compensation.when succeeded|undo.maxAttempts 2
  retry.maxAttempts 3|retry.mode compensate-first|retry.jitter full|retry.initialInterval 0|retry.maxInterval 4
  retry.backoffCoefficient 1|undo.initialInterval 0|undo.maxInterval 4
  always|teardown.when|teardown.timeout|teardown.retry|teardown.trigger
  PARALLEL.tolerated|PARALLEL.maxConcurrency|SERIAL.tolerated|split.tolerated 1|split.tolerated 50%
  ${["PARALLEL", "SERIAL", "FIRST_SUCCESS"]
    .flatMap((group) => [
      `${group} over params|${group} over an output|${group}.prohibitRollback|${group}.onFailure`,
      `${group}.trigger|${group}.retry|${group}.compensation`,
    ])
    .join("|")}`;

test("R2: with every feature, every feature of a plan is drawn, and often enough to meet others", () => {
  const drawn = fc.sample(scenario(fc, { ...EVERY_FEATURE, maxNodes: 20 }), { numRuns: PLANS, seed: 1 });
  const counts = census(drawn.map(({ document }) => document));
  for (const what of MUST_HAVE.split(/[|\n]/)) {
    if (what.trim() !== "") expect(counts.get(what.trim()) ?? 0, what).toBeGreaterThanOrEqual(PLANS / 100);
  }
});

test.each<[ScenarioOptions, string]>([
  [{ grups: false } as ScenarioOptions, 'there is no option "grups": there are minNodes, maxNodes, failures'],
  [{ minNodes: 13 }, "minNodes, 13, and maxNodes, 12, must be whole numbers"],
  [{ maxNodes: 0 }, "minNodes, 1, and maxNodes, 0, must be whole numbers"],
])("R2: %j draws nothing and says why", (options, told) => {
  expect(() => scenario(fc, options)).toThrow(BelayError);
  expect(() => scenario(fc, options)).toThrow(`scenario: ${told}`);
});
