/**
 * The audit trail of a run (R37): who asked what of it, when and why, and what the engine decided about attempts that the
 * end of a process cut off (R42). Owns: which records are told, in which words. Read from any journal, of moving and ended
 * runs, whoever owns them: nothing is claimed, written or executed. Cost: the run's decisions once more.
 *
 * Refused verbs left no record and are not told; nor is what follows from the plan by itself, such as a rollback of
 * `onFailure`.
 */
import { Commands, createState, type Input, isVerb, type RunState, step, WHOLE_RUN } from "../core/index.ts";
import { BelayError } from "../errors.ts";
import type { Journal, JournalRecord, RunHeader } from "../journal/port.ts";
import { type CompiledProgram, compilePlan } from "../plan/compile.ts";
import type { Json } from "../plan/document.ts";
import { resolveLimits } from "../plan/limits.ts";
import type { RunStatus } from "./api.ts";
import { nodeId } from "./node-id.ts";
import { corrupt } from "./open-run.ts";
import { sealedText } from "./sealed-json.ts";
import { HIDDEN } from "./secret-texts.ts";
import { journaledPlan, UNLIMITED } from "./take-up.ts";

/** A verb, by the name of its method. "start" is the engine's, the others are the run's (R37). */
export type AuditVerb =
  | "start"
  | "retry"
  | "skip"
  | "cancel"
  | "rollback"
  | "skipRollback"
  | "approve"
  | "reject"
  | "signal"
  | "pause"
  | "resume"
  | "abandon";

/**
 * What became of an attempt that was in flight when its process ended (R42). VERIFIED: its `verify` said that it had
 * taken effect. AGAIN: the same attempt ran again. LOST: nobody could tell.
 */
export type RecoveryDecision = "VERIFIED" | "AGAIN" | "LOST";

/** One entry of an audit trail. */
export interface AuditEntry {
  /** `JournalRecord.seq` of its record: the order, with gaps. */
  readonly seq: number;
  /** ISO-8601 UTC. Of a decision: when its outcome was known. */
  readonly at: string;
  /** `engine`: it decided by itself, or a node of another run started this one. */
  readonly by: "operator" | "engine";
  /** What was asked; of a decision, "recover". */
  readonly verb: AuditVerb | "recover";
  /** Set when `verb` is "recover". */
  readonly decision: RecoveryDecision | null;
  /** Id as in snapshots, a member's is `group[0]`; null = the whole run. */
  readonly nodeId: string | null;
  /** Number of the attempt that was decided about, from 1; null for what an operator asked. */
  readonly attempt: number | null;
  /** It was an attempt of the node's compensation, which counts its own. */
  readonly compensation: boolean;
  /** Of a rollback: "barrier", or the id of the node that stands (R34, R35); null = everything, and for other verbs. */
  readonly to: string | null;
  /** `VerbOptions.who`, of a start `StartOptions.who`; null when nobody was named. */
  readonly who: string | null;
  /** `VerbOptions.why`, of a start `StartOptions.why`. */
  readonly why: string | null;
  /** `VerbOptions.requestId`. */
  readonly requestId: string | null;
  /** Status of the run right after it. */
  readonly status: RunStatus;
}

/**
 * Everything that operators asked of a run and the engine did, and what the engine decided at a recovery; in order. Fails
 * with NOT_FOUND for an unknown run, JOURNAL_CORRUPT for records that are none of its plan, and as `Journal.read` does.
 */
export async function auditTrail(journal: Pick<Journal, "read">, runId: string): Promise<readonly AuditEntry[]> {
  const stored = await journal.read(runId);
  if (stored === undefined) throw new BelayError("NOT_FOUND", `no run ${runId} in the journal`);
  const { header, records } = stored;
  const program = compilePlan(journaledPlan(header), header.items, resolveLimits(UNLIMITED));
  const state = createState(program.compiled, { graceMs: header.graceMs, seed: header.seed });
  try {
    return entriesOf(header, records, { program, state });
  } catch (error) {
    throw corrupt(runId, error instanceof Error ? error.message : String(error), error);
  }
}

interface Replayed {
  readonly program: CompiledProgram;
  readonly state: RunState;
}

type Untimed = Omit<AuditEntry, "seq" | "at" | "status">;

function entriesOf(header: RunHeader, records: readonly JournalRecord[], run: Replayed): AuditEntry[] {
  const commands = new Commands();
  const entries: AuditEntry[] = [];
  const decided = new Set<string>();
  for (const { seq, input, payload } of records) {
    // Named as it was when it was said: a retry may take a group's members away.
    const entry = entryOf(header, input, payload, run);
    step(run.state, input, commands);
    commands.clear();
    if (entry === undefined || isRepeated(entry, decided)) continue;
    entries.push({ seq, at: new Date(input.at).toISOString(), ...entry, status: run.state.status });
  }
  return entries;
}

/** A call that was given up may still answer: what was decided first stands. */
function isRepeated({ decision, nodeId: id, attempt, compensation }: Untimed, decided: Set<string>): boolean {
  if (decision === null) return false;
  const key = `${id}/${attempt}/${compensation}`;
  return decided.size === decided.add(key).size;
}

function entryOf(header: RunHeader, input: Input, payload: Json | undefined, run: Replayed): Untimed | undefined {
  if (input.kind === "start") {
    const { who, why } = header.startedBy ?? { who: null, why: null };
    return { ...BARE, by: header.parent === null ? "operator" : "engine", verb: "start", who, why };
  }
  if (isVerb(input)) {
    const toNode = input.kind === "rollback" && input.scope === "node";
    const node = "node" in input && input.kind !== "rollback" ? input.node : WHOLE_RUN;
    return {
      ...BARE,
      verb: input.kind === "skip-rollback" ? "skipRollback" : input.kind,
      nodeId: node === WHOLE_RUN ? null : nodeId(run, node),
      to: toNode ? nodeId(run, input.node) : input.kind === "rollback" && input.scope === "barrier" ? "barrier" : null,
      who: text(payload, "who"),
      why: text(payload, "why"),
      requestId: text(payload, "requestId"),
    };
  }
  const decision = text(payload, "recovery");
  if (decision === null || !("attempt" in input)) return undefined;
  const compensation = input.kind === "undone" || input.kind === "undo-failed";
  const { attempt } = input;
  return {
    ...BARE,
    by: "engine",
    verb: "recover",
    decision: decision as RecoveryDecision,
    nodeId: nodeId(run, input.node),
    attempt,
    compensation,
  };
}

const BARE = {
  by: "operator",
  decision: null,
  nodeId: null,
  attempt: null,
  compensation: false,
  to: null,
  who: null,
  why: null,
  requestId: null,
} as const;

function text(payload: Json | undefined, name: string): string | null {
  if (typeof payload !== "object" || payload === null || Array.isArray(payload)) return null;
  const value = (payload as Readonly<Record<string, Json>>)[name];
  if (typeof value === "string") return value;
  // Nobody needs a key to read who did what: what was sealed is told as a secret (R46).
  return value === undefined || sealedText(value) === undefined ? null : HIDDEN;
}
