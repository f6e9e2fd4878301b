/**
 * Cycles: finds one, the shortest where the work allows. Owns: the search. Does not own: the wording (`check.ts`).
 *
 * What is on no cycle is peeled off first; the rest, the cyclic core, is usually tiny. A walk in it gives some cycle.
 * Then a breadth-first search from each node of the core looks for a shorter one through that node, never deeper than the
 * best so far, and the node is taken out with everything that then is on no cycle: one ring costs one search, however
 * long. `MAX_STEPS` bounds the searches; beyond it the best so far is answered, a cycle but maybe not the shortest.
 * Iterative; linear in nodes and edges, plus at most `MAX_STEPS`.
 */
import { type Adjacency, at, invert } from "./adjacency.ts";

/** Edges that the searches may look at, all together: about a second. */
const MAX_STEPS = 50_000_000;

export interface Cycle {
  /** Pairwise different; each is an upstream of the next, the last of the first. Begins with the lowest number. */
  readonly nodes: readonly number[];
  /** false when the search was cut off: a shorter one may exist. */
  readonly shortest: boolean;
}

/** A shortest cycle of the graph, or undefined when it has none. Edges of a node to itself must have been left out. */
export function findCycle(up: Adjacency, maxSteps: number = MAX_STEPS): Cycle | undefined {
  const down = invert(up);
  const core = new CyclicCore(up, down);
  let start = core.first();
  if (start < 0) return undefined;
  let best = someCycle(core, start);
  const search = new CycleSearch(core, maxSteps);
  while (start >= 0 && best.length > 2 && !search.exhausted) {
    best = search.through(start, best.length - 1) ?? best;
    core.remove(start);
    start = core.first();
  }
  return { nodes: fromLowest(best), shortest: best.length === 2 || !search.exhausted };
}

/** The nodes left when nodes without upstreams or without downstreams are removed again and again. */
class CyclicCore {
  readonly down: Adjacency;
  readonly #up: Adjacency;
  readonly #member: Uint8Array;
  readonly #inDegree: Int32Array;
  readonly #outDegree: Int32Array;
  #from = 0;

  constructor(up: Adjacency, down: Adjacency) {
    const size = up.offset.length - 1;
    this.#up = up;
    this.down = down;
    this.#member = new Uint8Array(size).fill(1);
    this.#inDegree = Int32Array.from({ length: size }, (_, v) => at(up.offset, v + 1) - at(up.offset, v));
    this.#outDegree = Int32Array.from({ length: size }, (_, v) => at(down.offset, v + 1) - at(down.offset, v));
    for (let v = 0; v < size; v++) {
      if (this.has(v) && (this.#inDegree[v] === 0 || this.#outDegree[v] === 0)) this.remove(v);
    }
  }

  has(v: number): boolean {
    return this.#member[v] === 1;
  }

  /** The lowest node of the core, -1 when it is empty. */
  first(): number {
    this.#from = this.#member.indexOf(1, this.#from);
    if (this.#from < 0) this.#from = this.#member.length;
    return this.#from < this.#member.length ? this.#from : -1;
  }

  /** A downstream of a node of the core that is in the core itself: there always is one. */
  firstDownstream(v: number): number {
    let edge = at(this.down.offset, v);
    while (!this.has(at(this.down.target, edge))) edge++;
    return at(this.down.target, edge);
  }

  /** Takes a node out, and all that then is on no cycle. */
  remove(node: number): void {
    const removed = [node];
    this.#member[node] = 0;
    for (let v = removed.pop(); v !== undefined; v = removed.pop()) {
      this.#release(this.down, v, this.#inDegree, removed);
      this.#release(this.#up, v, this.#outDegree, removed);
    }
  }

  #release(neighbours: Adjacency, v: number, degree: Int32Array, removed: number[]): void {
    for (let edge = at(neighbours.offset, v); edge < at(neighbours.offset, v + 1); edge++) {
      const w = at(neighbours.target, edge);
      degree[w] = at(degree, w) - 1;
      if (degree[w] !== 0 || !this.has(w)) continue;
      this.#member[w] = 0;
      removed.push(w);
    }
  }
}

/** Follows downstreams within the core until one comes back. */
function someCycle(core: CyclicCore, start: number): number[] {
  const place = new Map<number, number>();
  const path: number[] = [];
  for (let v = start; ; v = core.firstDownstream(v)) {
    const before = place.get(v);
    if (before !== undefined) return path.slice(before);
    place.set(v, path.length);
    path.push(v);
  }
}

/** Breadth-first searches that share their arrays. */
class CycleSearch {
  readonly #core: CyclicCore;
  /** By node: the search that reached it last, its predecessor there, its distance. */
  readonly #seenBy: Int32Array;
  readonly #previous: Int32Array;
  readonly #distance: Int32Array;
  readonly #queue: Int32Array;
  #stepsLeft: number;

  constructor(core: CyclicCore, maxSteps: number) {
    const size = core.down.offset.length - 1;
    this.#core = core;
    this.#stepsLeft = maxSteps;
    this.#seenBy = new Int32Array(size).fill(-1);
    this.#previous = new Int32Array(size);
    this.#distance = new Int32Array(size);
    this.#queue = new Int32Array(size);
  }

  get exhausted(): boolean {
    return this.#stepsLeft < 0;
  }

  /** The shortest cycle through `start` of at most `longest` nodes, when the steps left suffice to find one. */
  through(start: number, longest: number): number[] | undefined {
    const { offset, target } = this.#core.down;
    let tail = 0;
    this.#queue[tail++] = start;
    this.#reach(start, start, start, 0);
    for (let head = 0; head < tail; head++) {
      const v = at(this.#queue, head);
      const distance = at(this.#distance, v) + 1;
      if (distance > longest) return undefined;
      for (let edge = at(offset, v); edge < at(offset, v + 1); edge++) {
        if (--this.#stepsLeft < 0) return undefined;
        const w = at(target, edge);
        if (w === start) return this.#pathTo(v, start);
        if (!this.#core.has(w) || this.#seenBy[w] === start) continue;
        this.#reach(w, start, v, distance);
        this.#queue[tail++] = w;
      }
    }
    return undefined;
  }

  #reach(v: number, search: number, from: number, distance: number): void {
    this.#seenBy[v] = search;
    this.#previous[v] = from;
    this.#distance[v] = distance;
  }

  #pathTo(last: number, start: number): number[] {
    const path = [last];
    for (let v = last; v !== start; ) {
      v = at(this.#previous, v);
      path.push(v);
    }
    return path.reverse();
  }
}

function fromLowest(cycle: readonly number[]): number[] {
  let lowest = 0;
  for (const [place, v] of cycle.entries()) if (v < (cycle[lowest] as number)) lowest = place;
  return [...cycle.slice(lowest), ...cycle.slice(0, lowest)];
}
