/**
 * The outline of a checked plan: what its check has found out and what whoever runs it needs again, as numbers. Ids
 * numbered in the order of the plan, edges as CSR, Kahn's order, which fields the nodes give. Owns: keeping it beside the
 * plan for as long as the plan is in use. Does not own: making a program of it (`compile.ts`).
 * Invariants: a plan never changes (R5), so its outline is made once; nobody changes its arrays. About 60 bytes per node
 * and 4 per edge.
 */
import { type Adjacency, adjacencyOf, invert, topologicalOrder } from "./adjacency.ts";
import type { Plan, PlanDocument } from "./document.ts";
import { fieldsOf, type NodeFields } from "./node-fields.ts";

/** What an outline is made of. */
export interface OutlineParts {
  readonly numbers: ReadonlyMap<string, number>;
  readonly up: Adjacency;
  readonly order: Int32Array | undefined;
  readonly fields: NodeFields;
}

export class Outline {
  /** Number of each id. */
  readonly numbers: ReadonlyMap<string, number>;
  /** Upstreams of every node, in the order of the plan. */
  readonly up: Adjacency;
  readonly fields: NodeFields;
  readonly #document: PlanDocument;
  #ids: readonly string[] | undefined;
  #down: Adjacency | undefined;
  #order: Int32Array | undefined;

  constructor(document: PlanDocument, { numbers, up, order, fields }: OutlineParts) {
    this.#document = document;
    this.numbers = numbers;
    this.up = up;
    this.fields = fields;
    this.#order = order;
  }

  /** Ids by node number. */
  get ids(): readonly string[] {
    this.#ids ??= this.#document.nodes.map(({ id }) => id);
    return this.#ids;
  }

  /** Downstreams of every node, ascending. */
  get down(): Adjacency {
    this.#down ??= invert(this.up);
    return this.#down;
  }

  /** Every node after its upstreams, ties by number (R13). */
  get order(): Int32Array {
    this.#order ??= topologicalOrder(this.up, this.down);
    return this.#order;
  }
}

const OUTLINES = new WeakMap<Plan, Outline>();

/** Keeps what the check of a plan has found. */
export function keepOutline(plan: Plan, parts: OutlineParts): void {
  OUTLINES.set(plan, new Outline(plan.document, parts));
}

/** The outline of a checked plan; made anew for one that was not checked here. */
export function outlineOf(plan: Plan): Outline {
  const known = OUTLINES.get(plan);
  if (known !== undefined) return known;
  const { document } = plan;
  const numbers = new Map(document.nodes.map(({ id }, v) => [id, v]));
  const lists = document.nodes.map(({ upstreams }) => upstreams ?? []);
  const up = adjacencyOf(lists, (id) => numbers.get(id) ?? -1);
  const outline = new Outline(document, { numbers, up, order: undefined, fields: fieldsOf(document) });
  OUTLINES.set(plan, outline);
  return outline;
}
