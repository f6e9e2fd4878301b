/** p-graph as a contender, with its shared runner, which takes no function for each node. */
import { type DependencyList, PGraph, type PGraphNodeMap } from "p-graph";
import type { Contender } from "../contender.ts";
import { type Case, idOf } from "../workload.ts";

export function openPGraph({ upstreams, workload }: Case): Contender {
  const { concurrency } = workload;
  const options = concurrency === Number.POSITIVE_INFINITY ? {} : { concurrency };
  let nodes: PGraphNodeMap = new Map();
  let edges: DependencyList = [];
  let graph: PGraph;
  return {
    prepare() {
      const ids = upstreams.map((_, v) => idOf(v));
      nodes = new Map(ids.map((id) => [id, {}]));
      edges = upstreams.flatMap((ups, v) => ups.map((u): [string, string] => [ids[u]!, ids[v]!]));
    },
    build() {
      graph = new PGraph(nodes, edges);
    },
    start() {},
    run({ byId }) {
      return graph.run({ run: byId, ...options });
    },
  };
}
