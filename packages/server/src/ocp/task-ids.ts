/**
 * Numbers: a task of OCP is a run whose id is one. Owns: which run ids are tasks, the next one, the numbers of subtasks. All of
 * them follow from the journal alone: they are the same after a restart and on every server of the journal.
 */
import { BelayError, type Plan, type Run, type RunSnapshot } from "@belay/engine";
import type { Asker, Host, HostStart } from "../host/host.ts";

/** Nine digits: with the six of a subtask it stays exact in JSON. */
const TASK = /^[1-9][0-9]{0,8}$/;
const HIGHEST = 999_999_999;

/** Numbers of subtasks that belong to one task. */
const ROOM = 1_000_000;

/** Other servers of the journal may take a number first, each time. */
const MOST_TRIES = 100;

/** The task's number; undefined for a run that is none. */
export function taskNumber(runId: string): number | undefined {
  return TASK.test(runId) ? Number(runId) : undefined;
}

/** The run id of a number in a path, leading zeros aside. */
export function runIdOf(digits: string): string {
  return digits.replace(/^0+(?=\d)/, "");
}

/**
 * Numbers by node id, for `toOcpTask`: of the declared nodes in the order of the plan, from `task * 1,000,000 + 1` on. Members of
 * a group beyond the first get theirs from the view, above all these.
 */
export function subtaskNumbers({ nodes }: RunSnapshot, task: number): Readonly<Record<string, number>> {
  const declared = new Set(nodes.map(({ id, group }) => group ?? id));
  return Object.fromEntries([...declared].map((id, place) => [id, task * ROOM + 1 + place]));
}

/** Starts runs under the numbers that follow the highest one of the journal. */
export class TaskIds {
  readonly #host: Host;
  /** undefined until the journal was looked at. */
  #last: number | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Fails as `Host.start` does, but never for a number that is taken. */
  async start(plan: Plan, options: HostStart, asker: Asker): Promise<Run> {
    for (let tries = 1; ; tries++) {
      const runId = String(await this.#next());
      try {
        return await this.#host.start(plan, { ...options, runId }, asker);
      } catch (error) {
        if (tries === MOST_TRIES || !(await this.#isTaken(runId, error))) throw error;
        this.#last = undefined;
      }
    }
  }

  async #next(): Promise<number> {
    if (this.#last === undefined || this.#last >= HIGHEST) {
      const numbers = new Set((await this.#host.summaries()).map(({ runId }) => taskNumber(runId) ?? 0));
      const highest = [...numbers].reduce((most, number) => Math.max(most, number), 0);
      // Somebody chose the highest one there is: the lowest one that is free.
      if (highest === HIGHEST) return lowestFree(numbers);
      // Another start may have looked meanwhile, and gone on from there.
      this.#last = Math.max(this.#last === HIGHEST ? 0 : (this.#last ?? 0), highest);
    }
    this.#last += 1;
    return this.#last;
  }

  /** Somebody else has a run of that id: here, where it may be about to start, or in the journal. */
  async #isTaken(runId: string, error: unknown): Promise<boolean> {
    if (!(error instanceof BelayError)) return false;
    if (error.code === "INVALID_ARGUMENT") return error.message.includes("in use");
    if (error.code !== "JOURNAL_FAILED") return false;
    return (await this.#host.summaries()).some((run) => run.runId === runId);
  }
}

function lowestFree(numbers: ReadonlySet<number>): number {
  let free = 1;
  while (numbers.has(free)) free += 1;
  return free;
}
