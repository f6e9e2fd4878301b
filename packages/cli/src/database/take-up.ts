/**
 * Taking runs of a file up in this process. Owns: the order in which that happens (what they need, then the file, then the
 * runs), and that each run that is not taken up is told with its reason; the others go on.
 */
import {
  BelayError,
  createEngine,
  type Engine,
  type Plan,
  type Run,
  type RunSnapshot,
  readStoredRun,
} from "@belay/engine";
import type { Journal, RunSummary } from "@belay/engine/journal";
import { secretSettings } from "../secret-key.ts";
import { UsageError } from "../usage-error.ts";
import { type DatabaseReader, ownDatabase } from "./database-file.ts";
import { rootOf } from "./run-ref.ts";
import type { Search, SurroundedRun, Surroundings } from "./surrounded-run.ts";
import { findSurroundings, noteGiven, shareSurroundings } from "./surroundings.ts";

/** A run that this process executes. */
export interface TakenRun {
  readonly run: Run;
  /** As it was found. */
  readonly before: RunSnapshot;
  readonly surroundings: Surroundings;
}

/** What of a run was under way when its process ended, as a sentence; undefined when nothing was. */
export function cutOffText({ before }: TakenRun): string | undefined {
  const open = before.nodes.filter(({ status }) => CALLS.has(status));
  const cutOff = open.filter(({ waiting }) => waiting === null);
  if (cutOff.length > 0)
    return `taken up where it was cut off: ${cutOff.map(({ id, status }) => `${id} (${status})`).join(", ")}`;
  const waits = open.map(({ id, waiting }) => `${id} (${waiting?.for})`);
  return waits.length > 0 ? `taken up where it waits: ${waits.join(", ")}` : undefined;
}

/** States of a node whose action, or compensation, is being called. */
const CALLS: ReadonlySet<string> = new Set(["RUNNING", "CANCELING", "COMPENSATING"]);

/** A run that was not taken up. */
export interface NotTaken {
  readonly runId: string;
  readonly error: BelayError;
}

/** What became of all that were asked for. */
export interface TakenUp {
  readonly engine: Engine;
  readonly journal: Journal;
  readonly runs: readonly TakenRun[];
  readonly refused: readonly NotTaken[];
  /** Stops executing, then lets go of what the runs need. */
  close(): Promise<void>;
}

/** What is taken up, and how. */
export interface TakeUpSpec {
  readonly file: string;
  readonly reader: DatabaseReader;
  /** All runs of the file. */
  readonly all: readonly RunSummary[];
  readonly chosen: readonly RunSummary[];
  readonly search: Search;
  /** Plans as they are now: a run that follows another version is refused (R5). */
  readonly plans: readonly Plan[];
}

/**
 * Takes the runs up; they move from the next turn of the event loop on. Fails with JOURNAL_IN_USE while another engine uses
 * the file.
 */
export async function takeUp({ file, reader, all, chosen, search, plans }: TakeUpSpec): Promise<TakenUp> {
  const given = search.given.secrets;
  if (given !== undefined && chosen.length !== 1)
    throw new UsageError(`--secrets gives those of one run, and there are ${chosen.length}: name one`);
  const refused: NotTaken[] = [];
  const found = new Map<string, Surroundings>();
  const before = new Map<string, RunSnapshot>();
  for (const summary of chosen) {
    const { runId } = summary;
    try {
      const run = { ...(await readSurrounded(reader, runId)), notedAs: rootOf(summary, all) };
      found.set(runId, await findSurroundings(run, search));
      before.set(runId, run.snapshot);
    } catch (error) {
      refused.push({ runId, error: asBelayError(error) });
    }
  }
  const { engine: needs, byRun, apart } = shareSurroundings(found);
  refused.push(...apart);
  const closeAll = async (): Promise<void> => {
    for (const one of found.values()) await one.close();
  };
  const journal = await ownDatabase(file);
  const secrets = await secretSettings(process.env);
  const engine = await createEngine({ ...needs, ...secrets, journal, recover: false }).catch(async (error: unknown) => {
    await closeAll();
    throw error;
  });
  // Before they move: nobody waits between that and whoever listens.
  for (const summary of chosen) {
    if (byRun.has(summary.runId) && !summary.ended && search.code === "needed")
      await noteGiven(rootOf(summary, all), search).catch(() => undefined);
  }
  const recovered = await engine.recover({
    runs: [...byRun.keys()],
    plans,
    giveUp: search.code !== "needed",
    ...(given === undefined || byRun.size !== 1 ? {} : { secrets: given }),
  });
  refused.push(...recovered.refused);
  const runs = [...byRun].flatMap(([runId, surroundings]) => {
    const [run, was] = [engine.run(runId), before.get(runId)];
    return run === undefined || was === undefined ? [] : [{ run, before: was, surroundings }];
  });
  const close = async (): Promise<void> => {
    await engine.close();
    await closeAll();
  };
  return { engine, journal, runs, refused, close };
}

async function readSurrounded(reader: DatabaseReader, runId: string): Promise<Omit<SurroundedRun, "notedAs">> {
  const stored = await readStoredRun(reader, runId);
  const raw = await reader.read(runId);
  if (stored === undefined || raw === undefined)
    throw new BelayError("NOT_FOUND", `run ${runId} is not in the file any more`);
  return { runId, document: raw.header.document, snapshot: stored.snapshot() };
}

function asBelayError(error: unknown): BelayError {
  if (error instanceof BelayError) return error;
  return new BelayError("INTERNAL", error instanceof Error ? error.message : String(error), {}, error);
}
