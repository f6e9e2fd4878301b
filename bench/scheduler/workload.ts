/**
 * What is run: a graph, how its handlers answer, how many may run at once. Owns: names of workloads, and the graph of each,
 * made anew in every process. Does not own: the made shapes (`../shapes.ts`), which contenders run what (`bouts.ts`).
 */
import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { PlanDocument } from "@belay/engine";
import {
  GROUP_MEMBERS,
  groupsDocument,
  type NodeExtras,
  planDocument,
  SHAPES,
  type ShapeName,
  type Upstreams,
} from "../shapes.ts";

/** Real graphs of the data beside the checkout, by the name a workload gives them. */
const REAL = { debian: "debian-sid-install.json.gz", githist: "githist-git-master.json.gz" } as const;
const DIRECTORY = new URL("../../../shared/data/graphs/", import.meta.url);

/** A workload by its parts. */
export interface Workload {
  /** `layered-1e5-async-16`, `debian-async-unlimited`: the parts below, in this order. */
  readonly name: string;
  readonly graph: ShapeName | keyof typeof REAL;
  /** Nodes asked for; 0 for a real graph. A shape may round it. */
  readonly size: number;
  /** `async`: a handler is `async () => {...}`; `sync`: it returns nothing at once. */
  readonly handler: "async" | "sync";
  /** Handlers at once; Infinity = no limit. */
  readonly concurrency: number;
}

/** The data of a real graph are not on this machine. */
export class Absent extends Error {
  override readonly name = "Absent";
}

/** Fails when the name says no workload. */
export function workloadOf(name: string): Workload {
  const made = /^([a-z]+)-(\d+(?:e\d+)?)-(a?sync)-(\d+|unlimited)$/.exec(name);
  const real = /^([a-z]+)-(a?sync)-(\d+|unlimited)$/.exec(name);
  const [graph, size, handler, limit] = made?.slice(1) ?? (real && [real[1], "0", real[2], real[3]]) ?? [];
  const isKnown = graph !== undefined && (made === null ? graph in REAL : graph in SHAPES);
  if (!isKnown || (made !== null && Number(size) < 10)) {
    const graphs = `${Object.keys(SHAPES).join("|")}-SIZE, ${Object.keys(REAL).join("|")}`;
    throw new Error(
      `no workload is called ${name}: GRAPH-async|sync-LIMIT, where GRAPH is ${graphs}, LIMIT a number or unlimited`,
    );
  }
  return {
    name,
    graph: graph as Workload["graph"],
    size: Number(size),
    handler: handler as Workload["handler"],
    concurrency: limit === "unlimited" ? Number.POSITIVE_INFINITY : Number(limit),
  };
}

/** A workload with its graph. */
export interface Case {
  readonly workload: Workload;
  /** What every contender runs; of `groups`, the graph that Belay's plan expands to. */
  readonly upstreams: Upstreams;
  /** Nodes that run. */
  readonly size: number;
  readonly edges: number;
}

/** Fails with `Absent` when the graph's data are not there. */
export function caseOf(workload: Workload): Case {
  const { graph, size } = workload;
  const upstreams = graph in REAL ? realGraph(graph as keyof typeof REAL) : SHAPES[graph as ShapeName](size);
  const edges = upstreams.reduce((sum, ups) => sum + ups.length, 0);
  return { workload, upstreams, size: upstreams.length, edges };
}

/** Whether the graph's data are on this machine. */
export function isPresent({ graph }: Workload): boolean {
  return !(graph in REAL) || existsSync(new URL(REAL[graph as keyof typeof REAL], DIRECTORY));
}

/** Nodes in the order of the file, which is not always topological. */
function realGraph(name: keyof typeof REAL): Upstreams {
  const file = new URL(REAL[name], DIRECTORY);
  if (!existsSync(file)) throw new Absent(`the data of ${name} are not here: ../shared/data/graphs/${REAL[name]}`);
  const { nodes } = JSON.parse(gunzipSync(readFileSync(file)).toString("utf8")) as {
    nodes: readonly { readonly id: string; readonly upstreams: readonly string[] }[];
  };
  const places = new Map(nodes.map(({ id }, place) => [id, place]));
  return nodes.map(({ upstreams }) => upstreams.map((id) => places.get(id) as number));
}

/** The case as a plan that Belay takes; texts are fresh strings on every call. */
export function documentOf({ workload, upstreams }: Case, extras: NodeExtras = {}): PlanDocument {
  if (workload.graph === "groups") return groupsDocument(upstreams.length, extras);
  return planDocument(workload.graph, upstreams, extras);
}

/** The parameters that the plan of `documentOf` takes. */
export function paramsOf({ workload }: Case): Record<string, number[]> {
  return workload.graph === "groups" ? { items: Array.from({ length: GROUP_MEMBERS }, (_, item) => item) } : {};
}

/** The id of a node, for contenders whose nodes have ids. */
export function idOf(node: number): string {
  return `n${node}`;
}

/** Node number of an id: `n7`; in the plan of `groups`, `g1` (with the member's place) and `j1`. */
export function nodeOf(id: string, parallelIdx: number): number {
  const number = Number(id.slice(1));
  if (id.startsWith("g")) return number * (GROUP_MEMBERS + 1) + parallelIdx;
  if (id.startsWith("j")) return number * (GROUP_MEMBERS + 1) + GROUP_MEMBERS;
  return number;
}

/** Upstreams before downstreams, for contenders that can only refer to what they have made. */
export function topologicalOrder(upstreams: Upstreams): Int32Array {
  const waiting = Int32Array.from(upstreams, (ups) => ups.length);
  const below: number[][] = upstreams.map(() => []);
  for (const [v, ups] of upstreams.entries()) for (const u of ups) below[u]!.push(v);
  const order = new Int32Array(upstreams.length);
  let tail = 0;
  for (const [v, open] of waiting.entries()) if (open === 0) order[tail++] = v;
  for (let head = 0; head < tail; head++) {
    for (const v of below[order[head]!]!) if (--waiting[v]! === 0) order[tail++] = v;
  }
  return order;
}
