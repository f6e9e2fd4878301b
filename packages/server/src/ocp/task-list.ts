/**
 * A page of tasks. Owns: which tasks a query means. Only what is on the page is read as a whole; a name or a cluster in the query
 * costs a look at the header of each task, once.
 */
import type { RunSnapshot } from "@belay/engine";
import type { RunSummary } from "@belay/engine/journal";
import { taskStatus } from "@belay/engine/views";
import type { OcpCluster } from "../site.ts";
import type { Envelopes } from "./envelope.ts";
import type { SortKey, TaskQuery } from "./task-query.ts";
import { type BasicTask, basicTask } from "./task-views.ts";
import type { TaskFacts, Tasks } from "./tasks.ts";

/** A page, as OCP tells of it. */
export interface TaskPage {
  readonly contents: readonly BasicTask[];
  readonly page: {
    /** From 1. */
    readonly number: number;
    /** Most tasks of a page. */
    readonly size: number;
    readonly totalElements: number;
    readonly totalPages: number;
  };
}

type Clusters = ReadonlyMap<number, OcpCluster>;

interface Candidate {
  readonly summary: RunSummary;
  /** undefined while neither filter nor order needs them. */
  readonly facts: TaskFacts | undefined;
}

/** The page that the query asks for; an empty one beyond the last. */
export async function listTasks(tasks: Tasks, query: TaskQuery, envelopes: Envelopes): Promise<TaskPage> {
  const { page: number, size } = query;
  const clusters = await tasks.clusters();
  const found = query.none ? [] : await candidates(tasks, query, clusters);
  const contents: BasicTask[] = [];
  for (const { summary } of found.slice((number - 1) * size, number * size)) {
    const run: RunSnapshot | undefined = await tasks.host.snapshot(summary.runId);
    // It may have been pruned since.
    if (run !== undefined) contents.push(basicTask(await tasks.taskOf(run), envelopes, clusters));
  }
  const page = { number, size, totalElements: found.length, totalPages: Math.ceil(found.length / size) };
  return { contents, page };
}

async function candidates(tasks: Tasks, query: TaskQuery, clusters: Clusters): Promise<Candidate[]> {
  const needsFacts = asksForFacts(query);
  const found: Candidate[] = [];
  for (const summary of await tasks.summaries()) {
    if (query.statuses.size > 0 && !query.statuses.has(taskStatus(summary.status))) continue;
    const facts = needsFacts ? await tasks.facts(summary.runId, summary.startedAt) : undefined;
    if (facts === undefined || fits(facts, query, clusters)) found.push({ summary, facts });
  }
  const { by, descending } = query.sort;
  const sorted = found.sort((a, b) => compare(KEYS[by](a), KEYS[by](b)) || compare(KEYS.id(a), KEYS.id(b)));
  return descending ? sorted.reverse() : sorted;
}

function asksForFacts({ keyword, name, creators, clusterId, clusterName, sort }: TaskQuery): boolean {
  const byText = keyword !== "" || name !== "" || clusterName !== "" || sort.by === "name";
  return byText || creators.size > 0 || clusterId !== null;
}

function fits({ title, clusterId, creator }: TaskFacts, query: TaskQuery, clusters: Clusters): boolean {
  const name = title.toLowerCase();
  const cluster = clusterId === null ? "" : (clusters.get(clusterId)?.name.toLowerCase() ?? "");
  return (
    (name.includes(query.keyword) || cluster.includes(query.keyword)) &&
    name.includes(query.name) &&
    (query.clusterName === "" || cluster.includes(query.clusterName)) &&
    (query.clusterId === null || query.clusterId === clusterId) &&
    (query.creators.size === 0 || query.creators.has(creator))
  );
}

const KEYS: Readonly<Record<SortKey, (one: Candidate) => number | string>> = {
  id: ({ summary }) => Number(summary.runId),
  name: ({ facts }) => facts?.title ?? "",
  startTime: ({ summary }) => summary.startedAt,
  status: ({ summary }) => taskStatus(summary.status),
};

function compare(a: number | string, b: number | string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
