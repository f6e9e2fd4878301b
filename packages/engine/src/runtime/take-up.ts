/**
 * Taking up a run from the journal (R5, R42, R45): its header and records, checked like any input from outside, and
 * compiled. Owns: what makes a journaled run one that this engine can go on with. Does not own: whose run it is
 * (`recover.ts`), what happens to it then (`executor.ts`).
 */
import { BelayError } from "../errors.ts";
import type { JournalRecord, RunHeader } from "../journal/port.ts";
import { type CompiledProgram, compilePlan } from "../plan/compile.ts";
import type { Plan } from "../plan/document.ts";
import { changedNodes } from "../plan/identity.ts";
import { deepFreeze } from "../plan/json.ts";
import type { Limits } from "../plan/limits.ts";
import { checkPlan } from "../plan/parse.ts";
import type { RunFacts } from "./facts.ts";
import type { Host } from "./host.ts";
import { type GivenSecrets, openWhole } from "./missing-secrets.ts";
import { corrupt, type OpenedRun, openRun } from "./open-run.ts";
import { checkKnownNames } from "./start.ts";

/** A run as the journal has it, its secrets opened. */
export interface JournaledRun extends OpenedRun {
  readonly program: CompiledProgram;
}

/** Plans that runs are expected to follow, by name (R5). */
export type ExpectedPlans = ReadonlyMap<string, Plan>;

/** What is known of runs beside the journal. */
export interface TakeUpOptions {
  /** The plan of that name must be the run's own. */
  readonly expected?: ExpectedPlans | undefined;
  /** Secrets given again (R46). */
  readonly secrets?: GivenSecrets | undefined;
  /** The runs are only to be ended: nothing of them is called that needs a secret which is missing. */
  readonly giveUp?: boolean | undefined;
}

/** How one run is read. */
export interface ReadOptions extends TakeUpOptions {
  /** It goes on: it needs every secret. One that has ended is read without those that cannot be opened. */
  readonly goesOn: boolean;
  /** The run of that id, when this engine has it. */
  readonly known: (runId: string) => RunFacts | undefined;
}

/**
 * Reads and checks a run. Fails with JOURNAL_CORRUPT, PLAN_CHANGED, UNKNOWN_ACTION, PLAN_INVALID, SECRET_MISSING; undefined when the
 * journal does not know the run.
 */
export async function readRun(runId: string, host: Host, options: ReadOptions): Promise<JournaledRun | undefined> {
  const stored = await host.journal.read(runId);
  if (stored === undefined) return undefined;
  checkRecords(runId, stored.records);
  const header = deepFreeze(stored.header);
  const plan = journaledPlan(header);
  const given = options.expected?.get(header.document.name);
  if (given !== undefined && given.hash !== plan.hash) throw changed(header, given);
  checkKnownNames(plan, host);
  const parent = header.parent === null ? undefined : options.known(header.parent.runId);
  const opening = { keys: host.keys, texts: parent?.secrets?.texts };
  const limits: Limits = { ...host.limits, ...UNLIMITED };
  const opened =
    options.goesOn && options.giveUp !== true
      ? openWhole({ ...stored, header }, opening, { plan, limits, given: options.secrets, parent })
      : openRun({ ...stored, header }, opening);
  return { ...opened, program: compilePlan(plan, opened.header.items, host.limits) };
}

/** Fails with JOURNAL_CORRUPT for records with a gap. */
export function checkRecords(runId: string, records: readonly JournalRecord[]): void {
  const gap = records.findIndex(({ seq }, place) => seq !== place);
  if (gap >= 0) throw corrupt(runId, `record ${gap} is missing`);
}

/**
 * The run's own plan. It was checked when the run started, perhaps under wider limits: it is the same by its hash. Fails
 * with JOURNAL_CORRUPT when it is not.
 */
export function journaledPlan({ runId, document, planHash }: RunHeader): Plan {
  const { plan, diagnostics } = checkPlan(document, { limits: UNLIMITED });
  if (plan === undefined) {
    const first = diagnostics.find(({ severity }) => severity === "error");
    throw corrupt(runId, `its plan is none: ${first?.path ?? ""} ${first?.message ?? ""}`);
  }
  if (plan.hash !== planHash) throw corrupt(runId, `its plan has the hash ${plan.hash}, recorded was ${planHash}`);
  return plan;
}

const MOST = Number.MAX_SAFE_INTEGER;
/** What was let in when the run started is not judged again. */
export const UNLIMITED: Partial<Limits> = {
  bytes: MOST,
  depth: 256,
  nodes: MOST,
  edges: MOST,
  members: MOST,
  expressionLength: MOST,
  expressionNodes: MOST,
  stringLength: MOST,
};

function changed({ runId, document, planHash }: RunHeader, given: Plan): BelayError {
  const nodes = changedNodes(document, given.document);
  const which =
    nodes.length === 0
      ? "other fields than its nodes"
      : `nodes ${nodes.slice(0, 20).join(", ")}${nodes.length > 20 ? ", ..." : ""}`;
  const text = `run ${runId} follows another version of plan "${document.name}": ${which} differ; give the plan it was started with, or cancel it, then abandon it`;
  return new BelayError("PLAN_CHANGED", text, { runId, nodes, planHash, given: given.hash });
}
