/**
 * The floor: what running a graph costs without an engine. Kahn's loop on typed arrays that calls the same handler, with
 * no states, timeouts, events, journal or rollback. The benchmark reports Belay as a multiple of it.
 */
import type { Upstreams } from "./shapes.ts";

export interface FloorGraph {
  readonly inDegree: Int32Array;
  readonly offset: Int32Array;
  readonly target: Int32Array;
}

export function floorGraph(upstreams: Upstreams): FloorGraph {
  const size = upstreams.length;
  const inDegree = Int32Array.from(upstreams, (ups) => ups.length);
  const offset = new Int32Array(size + 1);
  for (const ups of upstreams) for (const u of ups) offset[u + 1]!++;
  for (let v = 0; v < size; v++) offset[v + 1]! += offset[v]!;
  const next = offset.slice(0, size);
  const target = new Int32Array(offset[size]!);
  for (const [v, ups] of upstreams.entries()) for (const u of ups) target[next[u]!++] = v;
  return { inDegree, offset, target };
}

/** Runs every node once, asynchronous handlers side by side; answers how many ran. */
export function runFloor(graph: FloorGraph, handler: (node: number) => Promise<void> | undefined): Promise<number> {
  const { offset, target } = graph;
  const waiting = graph.inDegree.slice();
  const size = waiting.length;
  const ready = new Int32Array(size);
  let head = 0;
  let tail = 0;
  let done = 0;
  for (let v = 0; v < size; v++) if (waiting[v] === 0) ready[tail++] = v;
  return new Promise((resolve) => {
    const finish = (v: number): void => {
      done++;
      for (let e = offset[v]!; e < offset[v + 1]!; e++) if (--waiting[target[e]!]! === 0) ready[tail++] = target[e]!;
    };
    const settle = (v: number): void => {
      finish(v);
      pump();
    };
    const pump = (): void => {
      while (head < tail) {
        const v = ready[head++]!;
        const pending = handler(v);
        if (pending === undefined) finish(v);
        else void pending.then(() => settle(v));
      }
      if (done === size) resolve(done);
    };
    pump();
  });
}
