/**
 * Which fields the nodes of a plan give, as bits. Owns: the bits, and the question which nodes give one of some fields: a
 * check of fields that hardly anybody gives must not look at every node.
 * Cost: one look at every key of every node, once; afterwards four bytes per node.
 */
import type { NodeDocument, PlanDocument } from "./document.ts";

/** Bit of each field that a node may leave out. */
export const NodeField: Readonly<Record<Exclude<keyof NodeDocument, "id" | "action">, number>> = {
  name: 1 << 0,
  description: 1 << 1,
  nodeType: 1 << 2,
  with: 1 << 3,
  upstreams: 1 << 4,
  downstreams: 1 << 5,
  when: 1 << 6,
  trigger: 1 << 7,
  timeout: 1 << 8,
  totalTimeout: 1 << 9,
  heartbeatTimeout: 1 << 10,
  retry: 1 << 11,
  compensation: 1 << 12,
  effect: 1 << 13,
  prohibitRollback: 1 << 14,
  split: 1 << 15,
  always: 1 << 16,
  onFailure: 1 << 17,
  pool: 1 << 18,
  priority: 1 << 19,
  seriesId: 1 << 20,
  parallelIdx: 1 << 21,
};

/** Bit of a node in whose `with`, or its compensation's, there may be an expression. */
export const WITH_EXPRESSIONS: number = 1 << 22;

const BITS: ReadonlyMap<string, number> = new Map(Object.entries(NodeField));
const NOBODY: readonly number[] = Object.freeze([]);

/** The fields of all nodes of a document. Filled by whoever reads the nodes, in their order. */
export class NodeFields {
  /** By node: bits of `NodeField`, and `WITH_EXPRESSIONS`. */
  readonly given: Int32Array;
  /** Names that nodes have as their `action`, in the order of their first node. */
  readonly actions: Set<string> = new Set();
  /** A node has the id that `rollback({ to: "barrier" })` means. */
  barrier = false;
  /** Ids in all `upstreams` together, whether they are known or not; likewise `downstreams`. */
  upstreams = 0;
  downstreams = 0;
  /** Bits that some node has. */
  #any = 0;

  constructor(size: number) {
    this.given = new Int32Array(size);
  }

  set(v: number, bits: number): void {
    this.given[v] = bits;
    this.#any |= bits;
  }

  /** Whether some node gives one of these fields. */
  any(bits: number): boolean {
    return (this.#any & bits) !== 0;
  }

  /** The nodes that give one of these fields, in their order. */
  with(bits: number): readonly number[] {
    if (!this.any(bits)) return NOBODY;
    const found: number[] = [];
    const { given } = this;
    for (let v = 0; v < given.length; v++) if (((given[v] as number) & bits) !== 0) found.push(v);
    return found;
  }
}

/** The fields of a document that somebody else has read. */
export function fieldsOf({ nodes }: PlanDocument): NodeFields {
  const fields = new NodeFields(nodes.length);
  for (let v = 0; v < nodes.length; v++) {
    const node = nodes[v] as NodeDocument;
    let bits = 0;
    for (const key of Object.keys(node)) bits |= BITS.get(key) ?? 0;
    // Whoever does not know must look.
    if ((bits & (NodeField.with | NodeField.compensation)) !== 0) bits |= WITH_EXPRESSIONS;
    fields.set(v, bits);
    fields.actions.add(node.action);
    fields.upstreams += node.upstreams?.length ?? 0;
    fields.downstreams += node.downstreams?.length ?? 0;
    if (node.id === "barrier") fields.barrier = true;
  }
  return fields;
}
