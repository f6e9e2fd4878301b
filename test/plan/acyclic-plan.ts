/** Plans for the tests of the compiler: from drafts of nodes, and random acyclic ones. */
import fc from "fast-check";
import { compilePlan } from "../../packages/engine/src/plan/compile.ts";
import type { CompiledKinds, CompiledPlan } from "../../packages/engine/src/plan/compiled.ts";
import type { Json, NodeDocument, Plan, PlanDocument } from "../../packages/engine/src/plan/document.ts";
import { DEFAULT_LIMITS } from "../../packages/engine/src/plan/limits.ts";

export type Draft = Partial<NodeDocument> & { id: string };

export function document(nodes: Draft[], rest: Partial<PlanDocument> = {}): PlanDocument {
  return { belay: 1, name: "p", nodes: nodes.map((node) => ({ action: "belay.noop", ...node })), ...rest };
}

export function compileDocument(plan: PlanDocument, items: Record<string, readonly Json[]> = {}) {
  return compilePlan({ document: plan, hash: "" } as Plan, items, DEFAULT_LIMITS);
}

export function compile(nodes: Draft[], rest: Partial<PlanDocument> = {}, items: Record<string, readonly Json[]> = {}) {
  return compileDocument(document(nodes, rest), items);
}

/** A column of the nodes' kinds, by node. */
export function columnOf({ kind, kinds }: CompiledPlan, name: keyof CompiledKinds): number[] {
  return Array.from(kind, (row) => kinds[name][row] as number);
}

/** Random acyclic plans whose document order is not topological. */
export const acyclic = fc.integer({ min: 1, max: 30 }).chain((size) =>
  fc.record({
    place: fc.shuffledSubarray(
      Array.from({ length: size }, (_, k) => k),
      { minLength: size, maxLength: size },
    ),
    upstreams: fc.tuple(
      ...Array.from({ length: size }, (_, v) =>
        v === 0 ? fc.constant<number[]>([]) : fc.uniqueArray(fc.nat(v - 1), { maxLength: 4 }),
      ),
    ),
    seriesIds: fc.uniqueArray(fc.option(fc.nat(40), { nil: -1 }), {
      minLength: 0,
      maxLength: size,
      selector: (id) => (id === -1 ? Symbol() : id),
    }),
    counts: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: size, maxLength: size }),
    priorities: fc.array(fc.integer({ min: -1, max: 1 }), { minLength: size, maxLength: size }),
  }),
);

export function drafts({
  place,
  upstreams,
  seriesIds,
  priorities,
}: {
  place: number[];
  upstreams: number[][];
  seriesIds: number[];
  priorities: number[];
}): Draft[] {
  return place.map((v, at) => ({
    id: `n${v}`,
    upstreams: (upstreams[v] ?? []).map((u) => `n${u}`),
    priority: priorities[v] ?? 0,
    ...((seriesIds[at] ?? -1) >= 0 && { seriesId: seriesIds[at] as number }),
  }));
}
