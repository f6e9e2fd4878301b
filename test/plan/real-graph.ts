/** Real graphs for tests, read from the data beside the checkout; absent on other machines, where those tests are skipped. */
import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { NodeDocument, PlanDocument } from "../../packages/engine/src/plan/document.ts";

const DIRECTORY = new URL("../../../shared/data/graphs/", import.meta.url);

/** One graph's row of the index. */
export interface RealGraph {
  readonly file: string;
  readonly n: number;
  readonly m: number;
  /** Nodes on the longest chain. */
  readonly depth: number;
  readonly roots: number;
  readonly leaves: number;
}

/** Every acyclic graph that has a file of its own. */
export function realGraphs(): RealGraph[] {
  const index = new URL("index.json", DIRECTORY);
  if (!existsSync(index)) return [];
  const { files } = JSON.parse(readFileSync(index, "utf8")) as { files: (RealGraph & { bundle?: boolean })[] };
  return files.filter(({ bundle }) => bundle !== true);
}

/** The graph as a plan; ids become n0, n1, ... in the order of the file. */
export function realPlan(graph: RealGraph): PlanDocument {
  const bytes = readFileSync(new URL(graph.file, DIRECTORY));
  const text = (graph.file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  const { nodes } = JSON.parse(text) as { nodes: { id: string; upstreams: string[] }[] };
  const ids = new Map(nodes.map(({ id }, v) => [id, `n${v}`]));
  return {
    belay: 1,
    name: "real",
    nodes: nodes.map(
      ({ id, upstreams }): NodeDocument => ({
        id: ids.get(id) as string,
        action: "belay.noop",
        upstreams: upstreams.map((upstream) => ids.get(upstream) as string),
      }),
    ),
  };
}
