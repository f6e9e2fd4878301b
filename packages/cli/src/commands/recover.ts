/**
 * `belay recover`: takes up the runs that their processes left, and follows them to their rest. Owns: which runs those are,
 * and the way from many ends to one exit code.
 */
import { existsSync } from "node:fs";
import type { RunSnapshot } from "@belay/engine";
import type { RunSummary } from "@belay/engine/journal";
import { endChildren } from "../children.ts";
import type { Context } from "../context.ts";
import { readDatabase, throwInUse } from "../database/database-file.ts";
import { dropNote } from "../database/noted-start.ts";
import { refusalText, remedyFor } from "../database/remedy.ts";
import { RunNotes } from "../database/run-note.ts";
import { findRun, shortId } from "../database/run-ref.ts";
import { type GivenSurroundings, loadGiven } from "../database/surroundings.ts";
import { cutOffText, type NotTaken, type TakenRun, type TakenUp, takeUp } from "../database/take-up.ts";
import { ExitCode, exitCodeOf, worstOf } from "../exit-code.ts";
import { followRun } from "../follow-run.ts";
import { chooseRenderer } from "../render/choose-renderer.ts";
import { JsonRenderer } from "../render/json-renderer.ts";
import { LinesRenderer } from "../render/lines-renderer.ts";
import { storedOutcomeLines } from "../render/outcome.ts";
import type { Renderer } from "../render/renderer.ts";
import { oneLine } from "../render/text.ts";

export interface RecoverOptions extends GivenSurroundings {
  /** File of the journal. */
  readonly db: string;
  readonly json?: boolean;
}

/** What children get to end by themselves after Ctrl-C. */
const CHILD_GRACE_MS = 2000;

export async function recoverCommand(
  words: readonly string[],
  options: RecoverOptions,
  context: Context,
): Promise<ExitCode> {
  const notes = new RunNotes(options.db);
  const given = await loadGiven(options, context);
  const reader = await readDatabase(options.db);
  try {
    const all = await reader.list();
    const chosen = words.length > 0 ? words.map((word) => findRun(word, all)) : await leftRuns(all, notes);
    const view = new RecoveryView(options, all, chosen, context);
    if (chosen.length === 0) return view.nothing();
    const search = { notes, given, context, renderer: view.renderer, code: "needed" as const };
    const spec = { file: options.db, reader, all, chosen, search, plans: given.plans };
    const taken = await takeUp(spec).catch((error: unknown) =>
      throwInUse(error, options.db, "ask it, or end it first"),
    );
    // Whoever closes a file last tidies it up: that is to be the engine, who may write to it.
    reader.close();
    try {
      return await follow(taken, view, notes);
    } finally {
      await taken.close();
      if (context.interrupts.signal.aborted) await endChildren(CHILD_GRACE_MS);
    }
  } finally {
    reader.close();
  }
}

/** Runs that have not ended, and demos that have and were never put away; runs inside runs come with those around them. */
async function leftRuns(all: readonly RunSummary[], notes: RunNotes): Promise<readonly RunSummary[]> {
  const noted = new Set(await notes.ids());
  const chosen: RunSummary[] = [];
  const open = new Set(all.filter(({ ended }) => !ended).map(({ runId }) => runId));
  for (const run of all.filter(({ parent }) => parent === null || !open.has(parent.runId))) {
    const demo = noted.has(run.runId) ? (await notes.read(run.runId))?.demo : undefined;
    const hasServers = typeof demo?.dataDir === "string" && existsSync(demo.dataDir);
    if (!run.ended || hasServers) chosen.push(run);
    // It had ended, and all was put away but its note.
    else if (noted.has(run.runId)) await notes.remove(run.runId);
  }
  return chosen;
}

async function follow(taken: TakenUp, view: RecoveryView, notes: RunNotes): Promise<ExitCode> {
  const { signal } = view.context.interrupts;
  const ends = taken.runs.map(async (one) => {
    const renderer = view.rendererOf(one);
    const cutOff = cutOffText(one);
    if (cutOff !== undefined) renderer.say(cutOff);
    return { one, renderer, snapshot: await followRun(one.run, renderer, signal) };
  });
  for (const refused of taken.refused) view.refused(refused);
  const codes: ExitCode[] = taken.refused.length > 0 ? [ExitCode.REFUSED] : [];
  for (const { one, renderer, snapshot } of await Promise.all(ends)) {
    codes.push(await view.rest(one, renderer, snapshot));
    if (one.surroundings.finish === undefined) await dropNote(notes, snapshot);
  }
  return signal.aborted ? ExitCode.INTERRUPTED : worstOf(codes);
}

/** What is shown of several runs. One alone is shown as `belay run` shows it. */
class RecoveryView {
  readonly context: Context;
  /** For what is said of all. */
  readonly renderer: Renderer;
  readonly #options: RecoverOptions;
  readonly #all: readonly RunSummary[];
  readonly #many: boolean;

  constructor(options: RecoverOptions, all: readonly RunSummary[], chosen: readonly RunSummary[], context: Context) {
    this.context = context;
    this.#options = options;
    this.#all = all;
    this.#many = chosen.length > 1;
    const { out } = context.terminal;
    const plain = this.#many && !options.json;
    this.renderer = plain ? new LinesRenderer(out, Date.now) : chooseRenderer(context.terminal, options.json ?? false);
  }

  nothing(): ExitCode {
    if (!this.#options.json)
      this.context.terminal.out.line(`${this.#options.db}: nothing to take up, every run has ended`);
    return ExitCode.OK;
  }

  rendererOf({ run }: TakenRun): Renderer {
    if (this.renderer instanceof LinesRenderer && this.#many) return this.renderer.of(this.#short(run.id));
    return this.renderer;
  }

  refused({ runId, error }: NotTaken): void {
    const message = refusalText(error);
    const remedy = remedyFor(error, { run: this.#short(runId), db: this.#options.db, verb: undefined });
    if (this.renderer instanceof JsonRenderer) {
      this.renderer.record({ type: "refused", runId, code: error.code, message, remedy });
      return;
    }
    const { err } = this.context.terminal;
    err.line(`belay: run ${this.#short(runId)} is not taken up: ${error.code}: ${oneLine(message)}`);
    err.line(`belay:   ${remedy}`);
  }

  /** What is said at its end: all of it, or one line of a run that rested all the time. */
  async rest({ before, surroundings }: TakenRun, renderer: Renderer, snapshot: RunSnapshot): Promise<ExitCode> {
    const { out } = this.context.terminal;
    const run = this.#short(snapshot.id);
    const isMoved = before.status !== snapshot.status || before.finishTime !== snapshot.finishTime;
    if (this.#many && !isMoved && !this.#options.json && surroundings.finish === undefined) {
      out.line(
        `run ${run} of ${snapshot.planName} rests ${snapshot.status}; belay show ${run} --db ${this.#options.db}`,
      );
      return exitCodeOf(snapshot.status);
    }
    if (this.#many && !this.#options.json) out.line(`\nrun ${run} of ${snapshot.planName}`);
    if (surroundings.finish !== undefined) return await surroundings.finish(snapshot, renderer);
    renderer.rest(snapshot);
    if (this.#options.json) return exitCodeOf(snapshot.status);
    const stored = { run, db: this.#options.db, executedBy: null };
    for (const line of ["", ...storedOutcomeLines(snapshot, stored, out.colors)]) out.line(line);
    return exitCodeOf(snapshot.status);
  }

  #short(runId: string): string {
    const ids = this.#all.map((run) => run.runId);
    return shortId(runId, ids);
  }
}
