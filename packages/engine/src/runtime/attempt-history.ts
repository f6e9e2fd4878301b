/**
 * The attempts of a run, one by one: when each began, when and how it ended, what it failed with (R25, R27). Owns: which commands of
 * the core begin and end one. Read from any journal, of moving and ended runs, whoever owns them: nothing is claimed, written or
 * executed. Cost: the run's decisions once more.
 *
 * What an attempt was called with, put out and logged is elsewhere: snapshots, `Journal.logs`.
 */
import { Commands, createState, Op, OUTCOME_SPAN, step } from "../core/index.ts";
import { BelayError } from "../errors.ts";
import type { Journal, JournalRecord, RunHeader } from "../journal/port.ts";
import { type CompiledProgram, compilePlan } from "../plan/compile.ts";
import type { Json } from "../plan/document.ts";
import { resolveLimits } from "../plan/limits.ts";
import type { Outcome } from "./api.ts";
import { nodeId } from "./node-id.ts";
import { corrupt } from "./open-run.ts";
import { checkRecords, journaledPlan, UNLIMITED } from "./take-up.ts";
import { OUTCOMES, STOP_CODES } from "./words.ts";

/** One attempt of a node, or of its compensation. */
export interface AttemptRecord {
  /** Id as in snapshots: a member's is `group[0]`. */
  readonly nodeId: string;
  /** From 1; a compensation counts its own. */
  readonly attempt: number;
  /** It was an attempt of the node's compensation. */
  readonly compensation: boolean;
  /** Its dispatch, epoch milliseconds. */
  readonly startedAt: number;
  /** null while it runs. */
  readonly endedAt: number | null;
  /** null while it runs. */
  readonly outcome: Outcome | null;
  /** Code and message of what it failed with; of one that was stopped, the code says by what. null unless it failed. */
  readonly failure: { readonly code: string; readonly message: string } | null;
}

type Open = { -readonly [K in keyof AttemptRecord]: AttemptRecord[K] };

/** How a command ends the attempt of its node. */
interface Ending {
  readonly of: "action" | "compensation";
  outcomeOf(extra: number): Outcome;
}

const failedAs = (extra: number): Outcome => OUTCOMES[extra % OUTCOME_SPAN] ?? "failed";

const ENDINGS: Readonly<Record<number, Ending>> = {
  [Op.SUCCEEDED]: { of: "action", outcomeOf: () => "succeeded" },
  [Op.FAILED]: { of: "action", outcomeOf: failedAs },
  [Op.RETRYING]: { of: "action", outcomeOf: failedAs },
  [Op.COMPENSATED]: { of: "compensation", outcomeOf: () => "succeeded" },
  [Op.UNDO_RETRYING]: { of: "compensation", outcomeOf: () => "failed" },
  [Op.UNDO_FAILED]: { of: "compensation", outcomeOf: () => "failed" },
};

/**
 * All attempts of a run in the order of their dispatch. Fails with NOT_FOUND for an unknown run, JOURNAL_CORRUPT for records that are none
 * of its plan, and as `Journal.read` does.
 */
export async function attemptHistory(journal: Pick<Journal, "read">, runId: string): Promise<readonly AttemptRecord[]> {
  const stored = await journal.read(runId);
  if (stored === undefined) throw new BelayError("NOT_FOUND", `no run ${runId} in the journal`);
  const { header, records } = stored;
  checkRecords(runId, records);
  const program = compilePlan(journaledPlan(header), header.items, resolveLimits(UNLIMITED));
  try {
    return attemptsOf(header, records, program);
  } catch (error) {
    throw corrupt(runId, error instanceof Error ? error.message : String(error), error);
  }
}

function attemptsOf(header: RunHeader, records: readonly JournalRecord[], program: CompiledProgram): AttemptRecord[] {
  const state = createState(program.compiled, { graceMs: header.graceMs, seed: header.seed });
  const commands = new Commands();
  const attempts: Open[] = [];
  const running = { action: new Map<number, Open>(), compensation: new Map<number, Open>() };
  for (const { input, payload } of records) {
    step(state, input, commands);
    for (let row = 0; row < commands.length; row++) {
      const [op, node] = [commands.op[row] as number, commands.node[row] as number];
      if (op === Op.RUN || op === Op.COMPENSATE) {
        const begun: Open = {
          nodeId: nodeId({ program, state }, node),
          attempt: commands.value[row] as number,
          compensation: op === Op.COMPENSATE,
          startedAt: input.at,
          ...{ endedAt: null, outcome: null, failure: null },
        };
        attempts.push(begun);
        running[op === Op.RUN ? "action" : "compensation"].set(node, begun);
      }
      const ending = ENDINGS[op];
      const ended = ending && running[ending.of].get(node);
      if (ending === undefined || ended === undefined) continue;
      running[ending.of].delete(node);
      ended.endedAt = input.at;
      ended.outcome = ending.outcomeOf(commands.extra[row] as number);
      if (ended.outcome === "succeeded") continue;
      ended.failure = failureIn(payload, ending.of === "action" ? (commands.value[row] as number) : 0);
    }
    commands.clear();
  }
  return attempts;
}

/** `cause`: what stopped the attempt; then the record's payload is not about it. */
function failureIn(payload: Json | undefined, cause: number): { code: string; message: string } {
  const stopped = STOP_CODES[cause];
  if (stopped !== undefined) return { code: stopped, message: "stopped; it may have taken effect" };
  const said = Object(Object(payload)["error"]) as { readonly code?: unknown; readonly message?: unknown };
  const text = (value: unknown, otherwise: string): string => (typeof value === "string" ? value : otherwise);
  return { code: text(said.code, "ERROR"), message: text(said.message, "failed without saying why") };
}
