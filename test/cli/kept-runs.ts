/**
 * Journal files for tests of the command: a folder of its own per test, runs whose process is gone, and an engine that
 * executes runs as another process would.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ActionRegistry,
  createEngine,
  definePlan,
  type Engine,
  type EngineOptions,
  type PlanDocument,
  type Run,
  type StartOptions,
} from "@belay/engine";
import { openSqliteJournal } from "@belay/engine/sqlite";
import { afterEach } from "vitest";
import { belayHere, type Finished } from "./command.ts";

/** The command on one file. */
export interface Kept {
  /** The journal's file. */
  readonly db: string;
  /** Runs the command; `--db` is added. */
  belay(...words: readonly string[]): Promise<Finished>;
  /** An engine that executes runs of the file until the test ends. */
  engine(actions: ActionRegistry): Promise<Engine>;
  /** A run that an engine began and left: what is in flight when that closes is cut off. `rests`: it is waited for. */
  leave(document: PlanDocument, left: Left): Promise<string>;
}

export interface Left extends StartOptions {
  readonly actions: ActionRegistry;
  readonly engine?: Pick<EngineOptions, "plans" | "pools" | "secrets">;
  /** Default: the run is left in the midst of what never ends by itself. */
  readonly rests?: boolean;
  /** Done before the engine goes. */
  readonly meanwhile?: (run: Run) => Promise<unknown>;
}

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

/** A file that is not there yet, in a folder that goes with the test. */
export async function kept(): Promise<Kept> {
  const folder = await mkdtemp(join(tmpdir(), "belay-kept-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  const db = join(folder, "runs.db");
  const open = (actions: ActionRegistry, more: Left["engine"] = {}): Promise<Engine> =>
    createEngine({ ...more, actions, journal: openSqliteJournal(db, { pollMs: 10 }), recover: false, graceMs: 0 });
  return {
    db,
    async belay(...words) {
      const { code, stdout, stderr } = await belayHere(...words, "--db", db);
      return { code, stdout: stdout.replaceAll(db, "DB"), stderr: stderr.replaceAll(db, "DB") };
    },
    async engine(actions) {
      const engine = await open(actions);
      cleanups.push(() => engine.close());
      return engine;
    },
    async leave(document, { actions, rests = false, meanwhile, engine: more, ...options }) {
      const engine = await open(actions, more);
      const run = await engine.start(definePlan(document), options);
      if (rests) await run.settled();
      else await new Promise<void>((resolve) => run.once("node:started", () => setImmediate(resolve)));
      await meanwhile?.(run);
      await engine.close();
      return run.id;
    },
  };
}

/** Never answers, and lets go when its engine closes. */
export const hang = {
  idempotent: true,
  run: ({ signal }: { readonly signal: AbortSignal }): Promise<never> =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true })),
};

/** Lines of JSON. */
export function jsonLines(text: string): readonly Record<string, unknown>[] {
  return text
    .trimEnd()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
