/**
 * The tasks of a server: runs whose id is a number, wherever they are executed. Owns: finding them, what does not change of each,
 * the clusters they are about. Does not own: how a task is shown (`task-views.ts`), what may be asked of it (`task-verbs.ts`).
 */
import type { RunSnapshot } from "@belay/engine";
import type { RunSummary } from "@belay/engine/journal";
import type { Host } from "../host/host.ts";
import type { OcpCluster } from "../site.ts";
import { OcpFault } from "./errors.ts";
import { runIdOf, subtaskNumbers, taskNumber } from "./task-ids.ts";

/** What stays the same of a task. */
export interface TaskFacts {
  /** Shown as its name: the plan's title. */
  readonly title: string;
  /** Of its parameters; null when they name none. */
  readonly clusterId: number | null;
  /** Who started it. */
  readonly creator: string;
}

/** A task as it stands. */
export interface Task {
  readonly number: number;
  readonly run: RunSnapshot;
  readonly facts: TaskFacts;
  /** By node id. */
  readonly subtaskIds: Readonly<Record<string, number>>;
}

/** Then all kept facts are forgotten. */
const MOST_KEPT = 10_000;

/** See the head of this file. */
export class Tasks {
  readonly host: Host;
  readonly #facts = new Map<string, TaskFacts>();

  constructor(host: Host) {
    this.host = host;
  }

  /** All tasks of the journal, in the order of their start. */
  async summaries(): Promise<readonly RunSummary[]> {
    return (await this.host.summaries()).filter(({ runId }) => taskNumber(runId) !== undefined);
  }

  /** The task of a number in a path; throws OcpFault, TASK_NOT_EXISTS. */
  async find(digits: string): Promise<Task> {
    const runId = runIdOf(digits);
    const run = taskNumber(runId) === undefined ? undefined : await this.host.snapshot(runId);
    if (run === undefined) throw new OcpFault("TASK_NOT_EXISTS", `Task ${digits} does not exist.`);
    return await this.taskOf(run);
  }

  /** The task that a run is. Its id is a number. */
  async taskOf(run: RunSnapshot): Promise<Task> {
    const number = Number(run.id);
    const facts = await this.facts(run.id, Date.parse(run.startTime));
    return { number, run, facts, subtaskIds: subtaskNumbers(run, number) };
  }

  /** What stays the same of a task of the journal; `startedAt` tells it from one that had its number before, and was dropped. */
  async facts(runId: string, startedAt: number): Promise<TaskFacts> {
    const key = `${runId} ${startedAt}`;
    const known = this.#facts.get(key);
    if (known !== undefined) return known;
    const stored = await this.host.journal.read(runId);
    const { document, params = {}, startedBy } = stored?.header ?? {};
    const clusterId = params["clusterId"];
    const facts = {
      title: document?.title ?? document?.name ?? runId,
      clusterId: typeof clusterId === "number" ? clusterId : null,
      creator: startedBy?.who ?? "system",
    };
    if (this.#facts.size >= MOST_KEPT) this.#facts.clear();
    if (stored !== undefined) this.#facts.set(key, facts);
    return facts;
  }

  /** The clusters that the API knows, by id. */
  async clusters(): Promise<ReadonlyMap<number, OcpCluster>> {
    const clusters = (await this.host.site.ocp?.clusters()) ?? [];
    return new Map(clusters.map((cluster) => [cluster.id, cluster]));
  }
}
