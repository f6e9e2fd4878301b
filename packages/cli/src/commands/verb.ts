/**
 * `belay retry|skip|cancel|... RUN [NODE]`: an operator's verb (R37). Whoever executes the run is asked through the journal
 * and answers; when nobody does, this process takes the run up, does it, and follows the run to its rest.
 * Owns: which of the two it is, and what is said when no answer comes.
 */
import { randomUUID } from "node:crypto";
import { userInfo } from "node:os";
import type { RequestAnswer } from "@belay/engine/journal";
import type { Context } from "../context.ts";
import { type AskedFor, awaitAnswer, requestFor } from "../database/ask-owner.ts";
import { isInUse, readDatabase, userOf } from "../database/database-file.ts";
import { cutOffRemedy, isCutOff } from "../database/remedy.ts";
import { shortId, whichRun } from "../database/run-ref.ts";
import { ExitCode } from "../exit-code.ts";
import { executedBy } from "../render/run-rows.ts";
import { commandLine } from "../shell.ts";
import { UsageError } from "../usage-error.ts";
import { previewOf } from "./preview.ts";
import { type Asking, readOutput, tellAnswer, type VerbCommandOptions } from "./verb-answer.ts";
import { doHere } from "./verb-here.ts";
import { nodeOf } from "./verb-words.ts";

/** `word` names the verb; `words` are the run and its node. */
export async function verbCommand(
  word: string,
  words: readonly string[],
  options: VerbCommandOptions,
  context: Context,
): Promise<ExitCode> {
  const reader = await readDatabase(options.db);
  try {
    const all = await reader.list();
    const { run: summary, rest } = whichRun(all, { ...options, words });
    const node = nodeOf(word, rest);
    const { runId } = summary;
    const asked = { runId, verb: word, node, who: options.who ?? userName(), ...more(options) };
    const ids = all.map((one) => one.runId);
    const asking = { options, reader, all, summary, short: shortId(runId, ids), asked };
    const known = await knownAnswer(asking);
    if (known !== undefined) return tellAnswer(known, asking, context);
    if (summary.ended) return tellAnswer(endedAlready(asking), asking, context);
    if (summary.owner !== null || options.askOnly === true) return await askOwner(asking, context);
    return await here(asking, context);
  } finally {
    reader.close();
  }
}

function more({
  why,
  requestId,
  to,
  output,
}: VerbCommandOptions): Pick<AskedFor, "why" | "requestId" | "to" | "output"> {
  return { why, requestId: requestId ?? randomUUID(), to, output: readOutput(output) };
}

function userName(): string {
  const { USER } = process.env;
  if (USER) return USER;
  try {
    return userInfo().username;
  } catch {
    throw new UsageError("--who: say who asks; the system has no name for you");
  }
}

/** A request that was asked before has its answer, for ever. */
async function knownAnswer({ options, reader, asked }: Asking): Promise<RequestAnswer | undefined> {
  if (options.requestId === undefined) return undefined;
  try {
    return await reader.answerTo(asked.requestId);
  } catch {
    return undefined;
  }
}

function endedAlready({ summary, asked, short }: Asking): RequestAnswer {
  const message = `${asked.verb} is not possible: run ${short} has ended ${summary.status}`;
  return { ok: false, code: "STATE_INVALID", message };
}

/** Nobody executes the run: this process does, unless another one has the file all the same. */
async function here(asking: Asking, context: Context): Promise<ExitCode> {
  // What the run would refuse takes nothing up: nothing of it moves for a refusal.
  const { refused } = await previewOf(asking.reader, asking.asked);
  // What was cut off stops first: nobody needs the code, or the secrets, of a run that is given up.
  const stopsFirst = asking.asked.verb === "abandon" && refused?.code === "STATE_INVALID";
  if (refused !== null && !stopsFirst)
    return tellAnswer({ ok: false, ...refused, ...cutOff(asking, refused) }, asking, context);
  try {
    return await doHere(asking, stopsFirst, context);
  } catch (error) {
    if (!isInUse(error)) throw error;
    const { short, options } = asking;
    const user = userOf(error);
    context.terminal.err.line(
      `belay: ${options.db} is used by ${user}, which does not execute run ${short}: it is done once somebody takes the run up`,
    );
    return await askOwner({ ...asking, options: { ...options, askOnly: true } }, context);
  }
}

/** Of a run that was cut off the engine says what allows the verb; what to type comes before that. */
function cutOff(asking: Asking, { code }: { readonly code: string }): { readonly message: string } | undefined {
  const { asked, summary, short, options } = asking;
  if (code !== "STATE_INVALID" || !isCutOff(summary)) return undefined;
  return { message: cutOffRemedy(asked.verb, summary, { run: short, db: options.db }) };
}

async function askOwner(asking: Asking, context: Context): Promise<ExitCode> {
  const { options, reader, asked } = asking;
  await reader.ask(requestFor(asked, Date.now()));
  const timeoutMs = options.askOnly === true ? 0 : options.wait * 1000;
  const answer = await awaitAnswer(reader, asked.requestId, timeoutMs, context.interrupts.signal);
  return answer === undefined ? tellUnanswered(asking, context) : tellAnswer(answer, asking, context);
}

function tellUnanswered(asking: Asking, { terminal, interrupts }: Context): ExitCode {
  const { options, asked, short, summary } = asking;
  const { requestId } = asked;
  if (options.json) terminal.out.line(JSON.stringify({ type: "asked", requestId }));
  const look = commandLine(["belay", "show", short, "--db", options.db]);
  if (options.askOnly === true) {
    if (!options.json) terminal.out.line(`asked as request ${requestId}; look: ${look}`);
    return ExitCode.OK;
  }
  const who = summary.owner === null ? "nobody" : executedBy(summary.owner).replace("executed by ", "");
  const { err } = terminal;
  err.line(`belay: no answer after ${options.wait} s; run ${short} is executed by ${who}`);
  err.line(`belay: it stays asked, as request ${requestId}; look: ${look}`);
  err.line(`belay: to wait on, ask again with --request-id ${requestId}: it is done once`);
  return interrupts.signal.aborted ? ExitCode.INTERRUPTED : ExitCode.FAILED;
}
