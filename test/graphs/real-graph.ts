/**
 * Real graphs for tests, read from the data beside the checkout; absent on other machines, where those tests are skipped.
 * Owns: the files' form, ids that fit a plan. Every number about a graph is the index's.
 */
import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { NodeDocument, PlanDocument } from "../../packages/engine/src/plan/document.ts";

const DIRECTORY = new URL("../../../shared/data/graphs/", import.meta.url);

/** One graph's row of the index. */
export interface RealGraph {
  readonly file: string;
  /** Of a graph in a bundle; `file` alone names the others. */
  readonly name?: string;
  readonly family: string;
  readonly n: number;
  readonly m: number;
  /** Nodes on the longest chain; absent when there is a cycle. */
  readonly depth: number;
  readonly maxLevelWidth: number;
  readonly roots: number;
  readonly leaves: number;
  /** false: some ids are no ids of a plan (R2). */
  readonly idsFitPlan: boolean;
  /** Some durations are no whole numbers. */
  readonly fractionalRuntimes?: boolean;
  readonly expect: {
    readonly starts: number;
    readonly readyAtStart: number;
    readonly makespanUnitUnlimited: number;
    readonly criticalPathMs?: number;
    readonly sumWorkMs?: number;
    /** By number of workers. */
    readonly optimalMakespan?: Readonly<Record<string, number>>;
    readonly lowerBound?: Readonly<Record<string, number>>;
    readonly bestKnown?: Readonly<Record<string, number>>;
    readonly shortestCycle?: number;
  };
}

interface RealNode {
  readonly id: string;
  readonly upstreams: readonly string[];
  readonly runtimeMs?: number;
}

type IndexRow = RealGraph & { readonly bundle?: boolean; readonly items?: readonly RealGraph[] };

function indexRows(): readonly IndexRow[] {
  const index = new URL("index.json", DIRECTORY);
  if (!existsSync(index)) return [];
  return (JSON.parse(readFileSync(index, "utf8")) as { files: IndexRow[] }).files;
}

/** Every acyclic graph that has a file of its own. */
export function realGraphs(): RealGraph[] {
  return indexRows().filter(({ bundle }) => bundle !== true);
}

/** Every graph, those of the bundles too; cyclic ones expect a `shortestCycle`. Empty when the data are absent. */
export function allGraphs(): RealGraph[] {
  return indexRows().flatMap((row) => {
    const { file, family, items } = row;
    return items === undefined ? [row] : items.map((item) => ({ ...item, file, family }));
  });
}

const texts = new Map<string, unknown>();

function nodesOf({ file, name }: RealGraph): readonly RealNode[] {
  let content = texts.get(file);
  if (content === undefined) {
    const bytes = readFileSync(new URL(file, DIRECTORY));
    content = JSON.parse((file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8"));
    // Bundles are read graph by graph; a large file is read once.
    if (name !== undefined) texts.set(file, content);
  }
  type Content = { readonly name: string; readonly nodes: readonly RealNode[] };
  const graphs = (content as { readonly graphs?: readonly Content[] }).graphs ?? [content as Content];
  const found = name === undefined ? graphs[0] : graphs.find((graph) => graph.name === name);
  if (found === undefined) throw new Error(`${file} has no graph ${name}`);
  return found.nodes;
}

/** A graph with what its nodes take. */
export interface TimedGraph {
  readonly document: PlanDocument;
  /** Milliseconds by place in the plan; undefined when the source gives none. */
  readonly runtimesMs: readonly number[] | undefined;
  /** Milliseconds below zero that the source gives, all together: such a node takes no time here. */
  readonly belowZeroMs: number;
}

/** Ids that do not fit a plan become n0, n1, ... in the order of the file, the source's own becoming the `name`. */
export function timedGraph(graph: RealGraph): TimedGraph {
  const nodes = nodesOf(graph);
  const ids = new Map(nodes.map(({ id }, v) => [id, graph.idsFitPlan ? id : `n${v}`]));
  const documents = nodes.map(({ id, upstreams }): NodeDocument => {
    const node = { id: ids.get(id) as string, action: "belay.noop" };
    const ups = upstreams.map((upstream) => ids.get(upstream) as string);
    return graph.idsFitPlan ? { ...node, upstreams: ups } : { ...node, name: id, upstreams: ups };
  });
  const runtimes = nodes.flatMap(({ runtimeMs }) => (runtimeMs === undefined ? [] : [runtimeMs]));
  const runtimesMs = runtimes.map((ms) => Math.max(0, ms));
  return {
    document: { belay: 1, name: "real", nodes: documents },
    runtimesMs: runtimes.length === nodes.length ? runtimesMs : undefined,
    belowZeroMs: runtimes.reduce((sum, ms) => sum + Math.max(0, -ms), 0),
  };
}

/** The graph as a plan; ids become n0, n1, ... in the order of the file. */
export function realPlan(graph: RealGraph): PlanDocument {
  return timedGraph({ ...graph, idsFitPlan: false }).document;
}
