/** A promise for each node as a contender: `Promise.all` of its upstreams' promises, then its handler. Without a limit. */
import type { Contender } from "../contender.ts";
import { type Case, topologicalOrder } from "../workload.ts";

export function openPromiseMemo({ upstreams }: Case): Contender {
  let order: Int32Array;
  let promises: Promise<void>[] = [];
  return {
    prepare() {
      order = topologicalOrder(upstreams);
    },
    build() {},
    start({ of }) {
      promises = new Array(upstreams.length);
      for (const v of order) {
        const handler = of(v);
        promises[v] = Promise.all(upstreams[v]!.map((u) => promises[u])).then(handler);
      }
    },
    run() {
      return Promise.all(promises);
    },
    end() {
      promises = [];
    },
  };
}
