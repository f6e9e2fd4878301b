/**
 * The edges of a document, from both sides (R2, R3). Owns: which ids exist, which edges there are, and the diagnostics of
 * what does not fit. A side that is given must be complete; a side that is left out follows from the other.
 * Cost: linear in nodes and edges.
 */
import type { Diagnostic, DiagnosticCode } from "./diagnostic.ts";
import type { NodeDocument, PlanDocument } from "./document.ts";
import { didYouMean, suggester } from "./suggestion.ts";

export interface Edges {
  /** Number of each id; the first node's where two share one. */
  readonly numbers: ReadonlyMap<string, number>;
  /** Complete upstreams of every node: known ids, no duplicates, never the node itself. */
  readonly upstreams: readonly (readonly string[])[];
  readonly diagnostics: Diagnostic[];
  /** The known id that is nearest to an unknown one, worded as a suggestion. */
  readonly suggestionFor: (id: string) => { suggestion?: string };
}

/** Reads all edges; never throws. */
export function readEdges(document: PlanDocument): Edges {
  const reader = new EdgeReader(document.nodes);
  reader.readUpstreams();
  if (document.nodes.some((node) => node.downstreams !== undefined)) reader.compareDownstreams();
  return reader;
}

class EdgeReader implements Edges {
  readonly numbers: ReadonlyMap<string, number>;
  readonly upstreams: string[][] = [];
  readonly diagnostics: Diagnostic[] = [];
  readonly #nodes: readonly NodeDocument[];
  /** By node: the last list that named it; finds duplicates without a set per list. */
  readonly #namedBy: Int32Array;
  #suggest: ((word: string) => string | undefined) | undefined;

  constructor(nodes: readonly NodeDocument[]) {
    this.#nodes = nodes;
    this.#namedBy = new Int32Array(nodes.length).fill(-1);
    const numbers = new Map<string, number>();
    for (const [v, { id }] of nodes.entries()) {
      const first = numbers.get(id);
      if (first === undefined) numbers.set(id, v);
      else this.#report("DUPLICATE_ID", `nodes[${v}].id`, `the id ${quote(id)} is taken by nodes[${first}]`);
    }
    this.numbers = numbers;
  }

  readonly suggestionFor = (id: string): { suggestion?: string } => {
    this.#suggest ??= suggester(this.numbers.keys());
    return didYouMean(this.#suggest(id));
  };

  readUpstreams(): void {
    for (const [v, node] of this.#nodes.entries()) {
      this.upstreams.push(this.#known(v, node.upstreams ?? [], "upstreams"));
    }
  }

  /** Both sides agree where both are given; edges that only `downstreams` name are added. */
  compareDownstreams(): void {
    const derived = this.#derivedDownstreams();
    const listed = new Int32Array(this.#nodes.length).fill(-1);
    for (const [u, node] of this.#nodes.entries()) {
      if (node.downstreams === undefined) continue;
      const given = this.#known(u, node.downstreams, "downstreams");
      for (const id of given) listed[this.numbers.get(id) as number] = u;
      for (const v of derived[u] ?? []) {
        if (listed[v] !== u)
          this.#mismatch(node.id, (this.#nodes[v] as NodeDocument).id, `nodes[${u}].downstreams`, "downstreams");
      }
      const agreed = new Set(derived[u]);
      for (const id of given) {
        const v = this.numbers.get(id) as number;
        if (agreed.has(v)) continue;
        if (this.#nodes[v]?.upstreams === undefined) this.upstreams[v]?.push(node.id);
        else this.#mismatch(id, node.id, `nodes[${v}].upstreams`, "upstreams");
      }
    }
  }

  #derivedDownstreams(): number[][] {
    const derived: number[][] = this.#nodes.map(() => []);
    for (const [v, ids] of this.upstreams.entries())
      for (const id of ids) derived[this.numbers.get(id) as number]?.push(v);
    return derived;
  }

  /** `lacking`'s list at `path` does not name `missing`, which names `lacking` in its own. */
  #mismatch(lacking: string, missing: string, path: string, side: "upstreams" | "downstreams"): void {
    const other = side === "upstreams" ? "downstreams" : "upstreams";
    const message = `${quote(missing)} has ${quote(lacking)} among its ${other}, but ${quote(lacking)} lacks ${quote(missing)} in its ${side}`;
    this.#report("EDGE_MISMATCH", path, message, {
      suggestion: `add ${quote(missing)} here, or remove the edge from both`,
    });
  }

  /** The ids of one list that stand for edges. */
  #known(v: number, ids: readonly string[], side: "upstreams" | "downstreams"): string[] {
    const own = (this.#nodes[v] as NodeDocument).id;
    // Two lists per node: each has its own mark.
    const mark = side === "upstreams" ? 2 * v : 2 * v + 1;
    const known: string[] = [];
    for (const [k, id] of ids.entries()) {
      const path = `nodes[${v}].${side}[${k}]`;
      const u = this.numbers.get(id);
      if (u === undefined)
        this.#report("UNKNOWN_NODE", path, `no node has the id ${quote(id)}`, this.suggestionFor(id));
      else if (id === own) this.#report("SELF_EDGE", path, `${quote(id)} names itself`);
      else if (this.#namedBy[u] === mark) this.#report("DUPLICATE_EDGE", path, `${quote(id)} is named twice`);
      else {
        this.#namedBy[u] = mark;
        known.push(id);
      }
    }
    return known;
  }

  #report(code: DiagnosticCode, path: string, message: string, extra: { suggestion?: string } = {}): void {
    this.diagnostics.push({ code, severity: "error", path, message, ...extra });
  }
}

function quote(id: string): string {
  return JSON.stringify(id);
}
