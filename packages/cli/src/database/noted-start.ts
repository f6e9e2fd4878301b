/**
 * Starting a run that its journal keeps. Owns: that its note is there before its first record, and gone when the run is not,
 * or needs it no more; what is said of the runs that were there before.
 */
import { randomUUID } from "node:crypto";
import type { Engine, Plan, Run, RunSnapshot, StartOptions } from "@belay/engine";
import { isTerminal } from "@belay/engine/core";
import type { Journal } from "@belay/engine/journal";
import type { Output } from "../output.ts";
import { commandLine } from "../shell.ts";
import type { RunNote, RunNotes } from "./run-note.ts";
import { shortId } from "./run-ref.ts";

/** What is noted of a run. */
export type Facts = Omit<RunNote, "format" | "runId">;

/** How a start is noted. */
export interface NotedStart {
  readonly notes: RunNotes;
  readonly facts: Facts;
  /** Done once the note is kept, before the run begins. */
  readonly ready?: (runId: string) => Promise<void>;
  /** Told when nothing was started: the run of an earlier request under the same client token is answered (R43). */
  readonly existing?: (run: Run) => void;
}

/** Starts a run under an id of its own, with its note. */
export async function startNoted(
  engine: Engine,
  plan: Plan,
  options: StartOptions,
  { notes, facts, ready, existing }: NotedStart,
): Promise<Run> {
  const runId = randomUUID();
  await notes.write({ format: 1, runId, ...facts });
  let run: Run | undefined;
  try {
    await ready?.(runId);
    run = await engine.start(plan, { ...options, runId });
    if (run.id !== runId) existing?.(run);
    return run;
  } finally {
    // Refused, or the run of an earlier request under the same token (R43): that one has its own.
    if (run?.id !== runId) await notes.remove(runId);
  }
}

/** A run that has ended for good needs no note. */
export async function dropNote(notes: RunNotes, { id, status }: RunSnapshot): Promise<void> {
  if (isTerminal(status)) await notes.remove(id);
}

/** Says which runs of the file are not executed by this command, and which command would. */
export async function sayUnfinished(journal: Journal, file: string, err: Output): Promise<void> {
  const runs = await journal.list();
  const ids = runs.map(({ runId }) => runId);
  const open = runs.filter(({ ended, parent, owner }) => !ended && parent === null && owner === null);
  const cutOff = open.filter(({ status }) => status === "RUNNING" || status === "ROLLING_BACK");
  const resting = open.length - cutOff.length;
  if (cutOff.length > 0) {
    const names = cutOff.map(({ runId }) => shortId(runId, ids)).join(", ");
    const command = commandLine(["belay", "recover", "--db", file]);
    const what = cutOff.length === 1 ? "a run that was cut off" : `${cutOff.length} runs that were cut off`;
    err.line(`belay: ${file} holds ${what} and not executed by this command (${names}); later: ${command}`);
  }
  if (resting > 0) {
    const what = resting === 1 ? "a run that waits" : `${resting} runs that wait`;
    err.line(`belay: ${file} holds ${what} for an operator: ${commandLine(["belay", "runs", "--db", file])}`);
  }
}
