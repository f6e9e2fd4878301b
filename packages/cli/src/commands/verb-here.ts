/**
 * A verb for a run that nobody executes: this process takes the run up, is asked like any other owner, and follows the run
 * to its rest. Owns: that nothing is taken up for a verb that the run would refuse.
 */
import type { RunSnapshot } from "@belay/engine";
import { isTerminal } from "@belay/engine/core";
import type { RequestAnswer } from "@belay/engine/journal";
import { endChildren } from "../children.ts";
import type { Context } from "../context.ts";
import { awaitAnswer, requestFor } from "../database/ask-owner.ts";
import { dropNote } from "../database/noted-start.ts";
import { refusalText, remedyFor } from "../database/remedy.ts";
import { RunNotes } from "../database/run-note.ts";
import type { CodeNeed } from "../database/surrounded-run.ts";
import { loadGiven } from "../database/surroundings.ts";
import { cutOffText, type TakenRun, type TakenUp, takeUp } from "../database/take-up.ts";
import { ExitCode, exitCodeOf } from "../exit-code.ts";
import { followRun } from "../follow-run.ts";
import { chooseRenderer } from "../render/choose-renderer.ts";
import { storedOutcomeLines } from "../render/outcome.ts";
import type { Renderer } from "../render/renderer.ts";
import { oneLine } from "../render/text.ts";
import { Refused } from "../usage-error.ts";
import { type Asking, isMeant, tellAnswer } from "./verb-answer.ts";

/** Verbs that end a run: its code may be gone. */
const GIVING_UP: ReadonlySet<string> = new Set(["cancel", "abandon"]);

/** What children get to end by themselves after Ctrl-C. */
const CHILD_GRACE_MS = 2000;

/** `stopsFirst`: it is abandoned where it was cut off. Fails with JOURNAL_IN_USE when another engine uses the file. */
export async function doHere(asking: Asking, stopsFirst: boolean, context: Context): Promise<ExitCode> {
  const { options, reader, all, summary, asked } = asking;
  const notes = new RunNotes(options.db);
  const given = await loadGiven(options, context);
  const renderer = chooseRenderer(context.terminal, options.json ?? false);
  const code: CodeNeed = stopsFirst ? "none" : GIVING_UP.has(asked.verb) ? "if-there" : "needed";
  const search = { notes, given, context, renderer, code };
  const taken = await takeUp({ file: options.db, reader, all, chosen: [summary], search, plans: given.plans });
  // Whoever closes a file last tidies it up: that is to be the engine, who may write to it.
  reader.close();
  try {
    const [one] = taken.runs;
    if (one === undefined) return refuse(taken, asking, context);
    // At once: what of it was about to start does not.
    const stopped = stop(one, asking, stopsFirst);
    return await askAndFollow({ taken, one, asking, notes, renderer, stopped }, context);
  } finally {
    await taken.close();
    if (context.interrupts.signal.aborted) await endChildren(CHILD_GRACE_MS);
  }
}

/** Before the run moves. A refusal is the answer of the request, or what the run comes to by itself. */
async function stop({ run }: TakenRun, { asked }: Asking, stopsFirst: boolean): Promise<void> {
  if (!stopsFirst && asked.verb !== "cancel") return;
  const { who, why, node, requestId } = asked;
  const as = stopsFirst ? { why: why ?? "to abandon it" } : { requestId, ...(why === undefined ? {} : { why }) };
  await run.cancel({ who, ...as, ...(node === undefined ? {} : { node }) }).catch(() => undefined);
  if (stopsFirst) await run.settled();
}

interface Following {
  readonly taken: TakenUp;
  readonly one: TakenRun;
  readonly asking: Asking;
  readonly notes: RunNotes;
  readonly renderer: Renderer;
  /** Resolves once what comes before the verb is done. */
  readonly stopped: Promise<void>;
}

async function askAndFollow(following: Following, context: Context): Promise<ExitCode> {
  const { one, asking, notes, renderer } = following;
  const { asked } = asking;
  const { signal } = context.interrupts;
  const cutOff = cutOffText(one);
  if (cutOff !== undefined) renderer.say(cutOff);
  const answered = ask(following, signal).then((answer) => {
    if (answer?.ok) renderer.say(`${asked.verb} is done`);
    return answer;
  });
  const snapshot = await followRun(one.run, renderer, signal, answered);
  const answer = await answered;
  if (answer === undefined) {
    // The engine stopped on a fault, or Ctrl-C came first: what was asked stays asked.
    renderer.rest(snapshot);
    context.terminal.err.line(`belay: ${asked.verb} was not done; it stays asked, as request ${asked.requestId}`);
    return signal.aborted ? ExitCode.INTERRUPTED : ExitCode.FAILED;
  }
  if (!answer.ok) {
    renderer.rest(snapshot);
    return tellAnswer(answer, asking, context);
  }
  const code = await rest(following, snapshot, context);
  const { finish, keepsNote } = one.surroundings;
  if (finish === undefined && keepsNote !== true) await dropNote(notes, snapshot);
  if (signal.aborted) return ExitCode.INTERRUPTED;
  return isMeant(asked, snapshot) ? ExitCode.OK : code;
}

/** Asked as by another process: the same id does it once, also when this process dies now. */
async function ask(following: Following, signal: AbortSignal): Promise<RequestAnswer | undefined> {
  const { taken, one, asking, stopped } = following;
  const { asked, options } = asking;
  await stopped;
  const { status } = one.run.snapshot();
  if (isTerminal(status) && asked.verb !== "cancel") {
    const message = `${asked.verb} comes too late: run ${asking.short} has ended ${status}`;
    return { ok: false, code: "STATE_INVALID", message };
  }
  await taken.journal.ask(requestFor(asked, Date.now()));
  return await awaitAnswer(taken.journal, asked.requestId, options.wait * 1000, signal);
}

async function rest(
  { one, asking, renderer }: Following,
  snapshot: RunSnapshot,
  { terminal }: Context,
): Promise<ExitCode> {
  const { options, short } = asking;
  if (one.surroundings.finish !== undefined) return await one.surroundings.finish(snapshot, renderer);
  renderer.rest(snapshot);
  if (!options.json) {
    const stored = { run: short, db: options.db, executedBy: null };
    for (const line of ["", ...storedOutcomeLines(snapshot, stored, terminal.out.colors)]) terminal.out.line(line);
  }
  return exitCodeOf(snapshot.status);
}

function refuse({ refused }: TakenUp, { short, options, asked }: Asking, { terminal }: Context): never {
  const node = asked.node === undefined ? [] : [asked.node];
  const verb = [asked.verb, ...node, ...(asked.to === undefined ? [] : ["--to", asked.to])] as const;
  for (const { error } of refused) {
    terminal.err.line(`belay: run ${short} is not taken up: ${error.code}: ${oneLine(refusalText(error))}`);
    terminal.err.line(`belay:   ${remedyFor(error, { run: short, db: options.db, verb })}`);
  }
  throw new Refused();
}
