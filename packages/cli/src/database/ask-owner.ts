/**
 * A verb for a run (R37), as data: asked through the journal, done by whoever executes the run, in this process or another.
 * Owns: the request's form, and waiting for its answer.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Json } from "@belay/engine";
import type { Journal, OperatorRequest, RequestAnswer } from "@belay/engine/journal";

/** How a verb of the command line is a method of `Run`. */
export interface VerbSpec {
  /** Name of the method. */
  readonly method: string;
  /** Whether it takes a node; `first`: as an argument before its options. */
  readonly node: "none" | "optional" | "first";
  /** Its own options. */
  readonly options: readonly ("to" | "output")[];
  readonly description: string;
}

/** All verbs, by their word. */
export const VERBS: Readonly<Record<string, VerbSpec>> = {
  retry: verb("retry", "optional", "go forward again: one failed node, or all that failed"),
  skip: verb("skip", "first", "pass a failed node as if it had been done", "output"),
  cancel: verb("cancel", "optional", "stop one node, or the run"),
  pause: verb("pause", "none", "let nothing new start"),
  resume: verb("resume", "none", "let a paused run go on"),
  rollback: verb("rollback", "none", "undo everything, or what is safe", "to"),
  "skip-rollback": verb("skipRollback", "first", "go on above a node that could not be undone"),
  approve: verb("approve", "first", "approve a node that waits for it"),
  reject: verb("reject", "first", "refuse a node that waits for an approval"),
  signal: verb("signal", "first", "tell a node what it waits for", "output"),
  abandon: verb("abandon", "none", "end a resting run for good, undoing nothing"),
};

function verb(
  method: string,
  node: VerbSpec["node"],
  description: string,
  ...options: readonly ("to" | "output")[]
): VerbSpec {
  return { method, node, description, options };
}

/** What is asked. */
export interface AskedFor {
  readonly runId: string;
  /** Word of the verb. */
  readonly verb: string;
  readonly node: string | undefined;
  readonly who: string;
  readonly why: string | undefined;
  readonly requestId: string;
  readonly to: string | undefined;
  readonly output: Json | undefined;
}

/** What the verb is called with, its node aside when that comes first. */
export function verbOptions({ verb: word, node, who, why, to, output }: AskedFor): Readonly<Record<string, Json>> {
  const spec = VERBS[word];
  const options: Record<string, Json> = { who };
  if (why !== undefined) options["why"] = why;
  if (node !== undefined && spec?.node === "optional") options["node"] = node;
  if (to !== undefined) options["to"] = to;
  if (output !== undefined) options["output"] = output;
  return options;
}

/** The request for the journal; `at` in epoch milliseconds. */
export function requestFor(asked: AskedFor, at: number): OperatorRequest {
  const { runId, requestId, verb: word, node } = asked;
  const spec = VERBS[word];
  const options = verbOptions(asked);
  const args = spec?.node === "first" ? [node ?? "", options] : [options];
  return { requestId, runId, verb: spec?.method ?? word, args, at };
}

/** How often the answer is looked for. */
const LOOK_MS = 50;

/** The answer; undefined when there is none after `timeoutMs`, or when `signal` is aborted. */
export async function awaitAnswer(
  journal: Pick<Journal, "answerTo">,
  requestId: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<RequestAnswer | undefined> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await journal.answerTo(requestId);
    if (answer !== undefined || signal.aborted || performance.now() >= deadline) return answer;
    await sleep(LOOK_MS);
  }
}
