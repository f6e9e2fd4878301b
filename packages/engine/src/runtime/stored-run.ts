/**
 * A run as a journal has it, to look at: from outside of the engine that executes it, or when nobody does. Owns: the
 * replay for that purpose, and what operators asked of the run (R37). Claims nothing, writes nothing, calls no action.
 * Cost: that of the run's decisions, once more.
 */
import { createState, isVerb, type RunState, type VerbInput, WHOLE_RUN } from "../core/index.ts";
import type { Journal, JournalRecord, RunHeader } from "../journal/port.ts";
import { type CompiledProgram, compilePlan } from "../plan/compile.ts";
import type { Json } from "../plan/document.ts";
import { deepFreeze } from "../plan/json.ts";
import { type Limits, resolveLimits } from "../plan/limits.ts";
import type { RunSnapshot } from "./api.ts";
import { nodeId } from "./node-id.ts";
import { type RebuiltRun, rebuild } from "./rebuild.ts";
import { snapshotOf } from "./snapshot.ts";
import { checkRecords, corrupt, planOf } from "./take-up.ts";
import { RunValues } from "./values.ts";

/** What somebody asked of a run, and the run did (R37). */
export interface AskedVerb {
  /** Epoch milliseconds. */
  readonly at: number;
  /** As in `Run`: "retry", "skipRollback", ... */
  readonly verb: string;
  /** Id of the node, as in snapshots; null = the whole run. */
  readonly node: string | null;
  /** Of a rollback: "barrier", or the node that stands; null = everything. */
  readonly to: string | null;
  /** Who asked; null when nobody said. */
  readonly who: string | null;
  /** Why; null when nobody said. */
  readonly why: string | null;
  /** `VerbOptions.requestId`; null when there was none. */
  readonly requestId: string | null;
  /** What was given to `skip` or `signal`; undefined when nothing was. */
  readonly output: Json | undefined;
}

/** A run as its records say. */
export interface StoredRun {
  /** The run as it stood after its last record. */
  readonly snapshot: RunSnapshot;
  /** What operators asked of it, oldest first; refused requests are not among them. */
  readonly asked: readonly AskedVerb[];
}

/**
 * Reads a run of any journal, or of a reader of one. undefined when there is none of that id; JOURNAL_CORRUPT for records
 * that its plan cannot have made.
 */
export async function readStoredRun(journal: Pick<Journal, "read">, runId: string): Promise<StoredRun | undefined> {
  const stored = await journal.read(runId);
  if (stored === undefined) return undefined;
  checkRecords(runId, stored.records);
  const run = new ReplayedRun(deepFreeze(stored.header));
  try {
    rebuild(run, stored.records);
  } catch (error) {
    throw corrupt(runId, error instanceof Error ? error.message : String(error), error);
  }
  const asked = stored.records.flatMap(({ input, payload }) => (isVerb(input) ? [askedOf(run, input, payload)] : []));
  return { snapshot: snapshotOf(run), asked };
}

class ReplayedRun implements RebuiltRun {
  readonly header: RunHeader;
  readonly program: CompiledProgram;
  readonly state: RunState;
  readonly values: RunValues = new RunValues();
  readonly limits: Limits = resolveLimits(undefined);
  readonly fault: null = null;
  nextSeries: number;
  restedAt: number | null = null;
  lastAt: number;

  constructor(header: RunHeader) {
    this.header = header;
    this.program = compilePlan(planOf(header), header.items, this.limits);
    this.state = createState(this.program.compiled, { graceMs: header.graceMs, seed: header.seed });
    this.nextSeries = this.program.nextSeries;
    this.lastAt = header.at;
    for (const [id, items] of Object.entries(header.items)) this.values.items.set(this.program.indexOf(id), items);
  }
}

function askedOf(run: ReplayedRun, input: VerbInput, payload: JournalRecord["payload"]): AskedVerb {
  const { who, why, requestId, output } = (payload ?? {}) as Readonly<Record<string, Json | undefined>>;
  const text = (value: Json | undefined): string | null => (typeof value === "string" ? value : null);
  const node = "node" in input && input.node !== WHOLE_RUN ? nodeId(run, input.node) : null;
  const isRollback = input.kind === "rollback";
  const to = !isRollback || input.scope === "all" ? null : input.scope === "barrier" ? "barrier" : node;
  return {
    at: input.at,
    verb: input.kind === "skip-rollback" ? "skipRollback" : input.kind,
    node: isRollback ? null : node,
    to,
    who: text(who),
    why: text(why),
    requestId: text(requestId),
    output,
  };
}
