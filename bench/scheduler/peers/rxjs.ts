/** rxjs as a contender: `forkJoin` of a node's upstreams, then its handler, shared with whatever is below. Without a limit. */
import { defer, forkJoin, from, lastValueFrom, mergeMap, type Observable, shareReplay } from "rxjs";
import type { Contender } from "../contender.ts";
import { type Case, topologicalOrder } from "../workload.ts";

export function openRxjs({ upstreams }: Case): Contender {
  let order: Int32Array;
  let nodes: Observable<void>[] = [];
  return {
    prepare() {
      order = topologicalOrder(upstreams);
    },
    build() {},
    start({ of }) {
      nodes = new Array(upstreams.length);
      for (const v of order) {
        const handler = of(v) as () => Promise<void>;
        const ups = upstreams[v]!;
        const node = ups.length === 0 ? defer(handler) : forkJoin(ups.map((u) => nodes[u]!)).pipe(mergeMap(handler));
        nodes[v] = node.pipe(shareReplay(1));
      }
    },
    run() {
      return lastValueFrom(from(nodes).pipe(mergeMap((node) => node)));
    },
    end() {
      nodes = [];
    },
  };
}
