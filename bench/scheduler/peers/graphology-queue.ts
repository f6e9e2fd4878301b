/**
 * What one writes without an engine, as a contender: the graph in graphology, open upstreams counted in a Map, every ready node
 * added to a p-queue.
 */
import { DirectedGraph } from "graphology";
import PQueue from "p-queue";
import type { Contender } from "../contender.ts";
import { type Case, idOf } from "../workload.ts";

export function openGraphologyQueue({ upstreams, workload, size }: Case): Contender {
  let ids: string[] = [];
  let graph = new DirectedGraph();
  let waiting = new Map<string, number>();
  return {
    prepare() {
      ids = upstreams.map((_, v) => idOf(v));
    },
    build() {
      graph = new DirectedGraph();
      for (const id of ids) graph.addNode(id);
      for (const [v, ups] of upstreams.entries()) for (const u of ups) graph.addEdge(ids[u], ids[v]);
    },
    start() {
      waiting = new Map();
      graph.forEachNode((id) => waiting.set(id, graph.inDegree(id)));
    },
    run({ byId }) {
      const queue = new PQueue({ concurrency: workload.concurrency });
      let left = size;
      return new Promise<void>((resolve, reject) => {
        const add = (id: string): void => {
          queue.add(() => handle(id)).catch(reject);
        };
        const handle = async (id: string): Promise<void> => {
          await byId(id);
          if (--left === 0) resolve();
          graph.forEachOutNeighbor(id, (below) => {
            const open = (waiting.get(below) as number) - 1;
            waiting.set(below, open);
            if (open === 0) add(below);
          });
        };
        for (const [id, open] of waiting) if (open === 0) add(id);
      });
    },
  };
}
