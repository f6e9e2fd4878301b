/**
 * What the journal does not know of a run: the module with its actions, the plans it may run, the pools, and, of a demo,
 * where its servers are. Kept beside the journal, `FILE-runs/ID.json`, one file per run, written before the run starts.
 * Owns: the files. A note that is lost costs no run: `--actions` says what it said. Holds no secret.
 */
import { mkdir, open, readdir, readFile, rename, rm, rmdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { definePlan, type Plan, type PlanDocument } from "@belay/engine";
import type { DemoName, DemoOptions } from "../demo/demo-options.ts";

/** How a run was started. */
export interface RunNote {
  /** Version of this form. */
  readonly format: 1;
  readonly runId: string;
  /** Module with the actions, absolute; null = built-in actions only, or a demo's own. */
  readonly actions: string | null;
  /** Plans that `belay.plan` may run, as they were then. */
  readonly plans: readonly PlanDocument[];
  /** Concurrency of each pool, by name. */
  readonly pools: Readonly<Record<string, number>>;
  /** Of a demo; null for a plan of the user's. */
  readonly demo: DemoNote | null;
}

/** How a demo goes on in another process. */
export interface DemoNote {
  readonly name: DemoName;
  readonly options: Omit<DemoOptions, "db" | "json">;
  /** Where its servers are, absolute; null = it has none. */
  readonly dataDir: string | null;
  /** What is told at its end was told: nothing is left to do but to put its servers away. */
  readonly told: boolean;
}

/** The notes beside one journal file. */
export class RunNotes {
  /** The journal's file, as it was given. */
  readonly file: string;
  readonly #folder: string;

  /** Nothing is touched before the first note. */
  constructor(file: string) {
    this.file = file;
    this.#folder = `${file}-runs`;
  }

  /** Keeps a note; it is on disk when this returns. */
  async write(note: RunNote): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const path = this.#path(note.runId);
    const handle = await open(`${path}.new`, "w", 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(note, null, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${path}.new`, path);
  }

  /** The note of a run; undefined when there is none, or none that this version reads. */
  async read(runId: string): Promise<RunNote | undefined> {
    try {
      const note = JSON.parse(await readFile(this.#path(runId), "utf8")) as RunNote;
      return note.format === 1 && note.runId === runId ? note : undefined;
    } catch {
      return undefined;
    }
  }

  /** Notes of a demo that its end was told; without effect when it has no note. */
  async noteTold(runId: string): Promise<void> {
    const note = await this.read(runId);
    if (note?.demo) await this.write({ ...note, demo: { ...note.demo, told: true } });
  }

  /** Ids of all runs with a note. */
  async ids(): Promise<readonly string[]> {
    const names = await readdir(this.#folder).catch(() => []);
    return names.filter((name) => name.endsWith(".json")).map((name) => decodeURIComponent(basename(name, ".json")));
  }

  /** Drops what is kept of a run. */
  async remove(runId: string): Promise<void> {
    for (const path of [this.#path(runId), this.worldPath(runId)]) await rm(path, { force: true });
    // Only when it is empty: another run may have one.
    await rmdir(this.#folder).catch(() => undefined);
  }

  /** Where a demo without servers keeps its world. */
  worldPath(runId: string): string {
    return join(this.#folder, `${encodeURIComponent(runId)}.world`);
  }

  /** Ids are anything printable; a file's name is not. */
  #path(runId: string): string {
    return join(this.#folder, `${encodeURIComponent(runId)}.json`);
  }
}

/** The plans of a note, checked again. */
export function plansOf({ plans }: RunNote): readonly Plan[] {
  return plans.map((document) => definePlan(document));
}
