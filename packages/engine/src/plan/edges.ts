/**
 * The edges of a document, from both sides (R2, R3). Owns: which ids exist, which edges there are, and the diagnostics of
 * what does not fit. A side that is given must be complete; a side that is left out follows from the other.
 * Cost: linear in nodes and edges; every id is looked up once.
 */
import { type Adjacency, at, invert } from "./adjacency.ts";
import type { Diagnostic, DiagnosticCode } from "./diagnostic.ts";
import type { NodeDocument, PlanDocument } from "./document.ts";
import { NodeField, type NodeFields } from "./node-fields.ts";
import { didYouMean, suggester } from "./suggestion.ts";

export interface Edges {
  /** Number of each id; the first node's where two share one. */
  readonly numbers: ReadonlyMap<string, number>;
  /** Complete upstreams of every node: known ids, no duplicates, never the node itself. */
  readonly up: Adjacency;
  readonly diagnostics: readonly Diagnostic[];
  /** The known id that is nearest to an unknown one, worded as a suggestion. */
  readonly suggestionFor: (id: string) => { suggestion?: string };
}

/** Reads all edges; never throws. */
export function readEdges({ nodes }: PlanDocument, fields: NodeFields): Edges {
  const reader = new EdgeReader(nodes);
  const up = reader.readUpstreams();
  const both = fields.any(NodeField.downstreams) ? reader.withDownstreams(up) : up;
  return edgesOf(reader.numbers, both, reader.diagnostics);
}

/** Edges that have been read. */
export function edgesOf(
  numbers: ReadonlyMap<string, number>,
  up: Adjacency,
  diagnostics: readonly Diagnostic[] = [],
): Edges {
  let suggest: ((word: string) => string | undefined) | undefined;
  const suggestionFor = (id: string): { suggestion?: string } => {
    suggest ??= suggester(numbers.keys());
    return didYouMean(suggest(id));
  };
  return { numbers, up, diagnostics, suggestionFor };
}

type Side = "upstreams" | "downstreams";

class EdgeReader {
  readonly numbers: Map<string, number> = new Map();
  readonly diagnostics: Diagnostic[] = [];
  readonly #nodes: readonly NodeDocument[];
  /** By node: the last list that named it; finds duplicates without a set per list. */
  readonly #namedBy: Int32Array;
  #suggestionFor: Edges["suggestionFor"] | undefined;

  constructor(nodes: readonly NodeDocument[]) {
    this.#nodes = nodes;
    this.#namedBy = new Int32Array(nodes.length).fill(-1);
    for (let v = 0; v < nodes.length; v++) {
      const { id } = nodes[v] as NodeDocument;
      const first = this.numbers.get(id);
      if (first === undefined) this.numbers.set(id, v);
      else this.#report("DUPLICATE_ID", `nodes[${v}].id`, `the id ${quote(id)} is taken by nodes[${first}]`);
    }
  }

  readUpstreams(): Adjacency {
    const offset = new Int32Array(this.#nodes.length + 1);
    const target: number[] = [];
    for (let v = 0; v < this.#nodes.length; v++) {
      this.#known(v, "upstreams", target);
      offset[v + 1] = target.length;
    }
    return { offset, target: Int32Array.from(target) };
  }

  /** Both sides agree where both are given; edges that only `downstreams` name are added behind the others. */
  withDownstreams(up: Adjacency): Adjacency {
    const derived = invert(up);
    const added: Added = { upstream: [], node: [] };
    // By node: the node that lists it as a downstream; the node that it lists as an upstream.
    const listed = new Int32Array(this.#nodes.length).fill(-1);
    const agreed = new Int32Array(this.#nodes.length).fill(-1);
    for (let u = 0; u < this.#nodes.length; u++) {
      const node = this.#nodes[u] as NodeDocument;
      if (node.downstreams === undefined) continue;
      const given: number[] = [];
      this.#known(u, "downstreams", given);
      for (const v of given) listed[v] = u;
      for (let edge = at(derived.offset, u); edge < at(derived.offset, u + 1); edge++) {
        const v = at(derived.target, edge);
        agreed[v] = u;
        if (listed[v] !== u) this.#mismatch(node.id, this.#idOf(v), `nodes[${u}].downstreams`, "downstreams");
      }
      for (const v of given) {
        if (agreed[v] === u) continue;
        if (this.#nodes[v]?.upstreams === undefined) {
          // Where two nodes share an id, the first one has it.
          added.upstream.push(this.numbers.get(node.id) as number);
          added.node.push(v);
        } else this.#mismatch(this.#idOf(v), node.id, `nodes[${v}].upstreams`, "upstreams");
      }
    }
    return added.node.length === 0 ? up : merge(up, added);
  }

  #idOf(v: number): string {
    return (this.#nodes[v] as NodeDocument).id;
  }

  /** `lacking`'s list at `path` does not name `missing`, which names `lacking` in its own. */
  #mismatch(lacking: string, missing: string, path: string, side: Side): void {
    const other = side === "upstreams" ? "downstreams" : "upstreams";
    const message = `${quote(missing)} has ${quote(lacking)} among its ${other}, but ${quote(lacking)} lacks ${quote(missing)} in its ${side}`;
    this.#report("EDGE_MISMATCH", path, message, {
      suggestion: `add ${quote(missing)} here, or remove the edge from both`,
    });
  }

  /** Appends the nodes of one list that stand for edges. */
  #known(v: number, side: Side, known: number[]): void {
    const { id: own, [side]: ids } = this.#nodes[v] as NodeDocument;
    if (ids === undefined) return;
    // Two lists per node: each has its own mark.
    const mark = side === "upstreams" ? 2 * v : 2 * v + 1;
    for (let k = 0; k < ids.length; k++) {
      const id = ids[k] as string;
      const u = this.numbers.get(id);
      if (u === undefined) {
        this.#suggestionFor ??= edgesOf(this.numbers, { offset: NO_NUMBERS, target: NO_NUMBERS }).suggestionFor;
        this.#report("UNKNOWN_NODE", place(v, side, k), `no node has the id ${quote(id)}`, this.#suggestionFor(id));
      } else if (id === own) this.#report("SELF_EDGE", place(v, side, k), `${quote(id)} names itself`);
      else if (this.#namedBy[u] === mark) {
        this.#report("DUPLICATE_EDGE", place(v, side, k), `${quote(id)} is named twice`);
      } else {
        this.#namedBy[u] = mark;
        known.push(u);
      }
    }
  }

  #report(code: DiagnosticCode, path: string, message: string, extra: { suggestion?: string } = {}): void {
    this.diagnostics.push({ code, severity: "error", path, message, ...extra });
  }
}

const NO_NUMBERS = new Int32Array(0);

/** Edges by their ends. */
interface Added {
  readonly upstream: number[];
  readonly node: number[];
}

/** The edges of both; those of `added` come behind, in their order. */
function merge(up: Adjacency, added: Added): Adjacency {
  const size = up.offset.length - 1;
  const offset = new Int32Array(size + 1);
  for (const v of added.node) offset[v + 1] = at(offset, v + 1) + 1;
  for (let v = 0; v < size; v++)
    offset[v + 1] = at(offset, v + 1) + at(offset, v) + at(up.offset, v + 1) - at(up.offset, v);
  const target = new Int32Array(at(offset, size));
  const next = offset.slice(0, size);
  for (let v = 0; v < size; v++) {
    const own = up.target.subarray(at(up.offset, v), at(up.offset, v + 1));
    target.set(own, at(offset, v));
    next[v] = at(offset, v) + own.length;
  }
  for (const [k, v] of added.node.entries()) {
    target[at(next, v)] = added.upstream[k] as number;
    next[v] = at(next, v) + 1;
  }
  return { offset, target };
}

function place(v: number, side: Side, k: number): string {
  return `nodes[${v}].${side}[${k}]`;
}

function quote(id: string): string {
  return JSON.stringify(id);
}
