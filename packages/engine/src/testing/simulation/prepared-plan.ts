/**
 * A plan made ready to be simulated: compiled and bound to its parameters. Owns: that this is done once for as long as the
 * plan is played with the same parameters, and the header of a run.
 */
import { BelayError } from "../../errors.ts";
import type { RunHeader } from "../../journal/port.ts";
import { type CompiledProgram, compilePlan } from "../../plan/compile.ts";
import type { Diagnostic } from "../../plan/diagnostic.ts";
import type { Json, Plan } from "../../plan/document.ts";
import { bindItems } from "../../plan/expand.ts";
import { type Limits, resolveLimits } from "../../plan/limits.ts";
import { checkParams } from "../../plan/params.ts";

export interface Prepared {
  /** As the run sees them: defaults filled in. */
  readonly params: Readonly<Record<string, Json>>;
  readonly program: CompiledProgram;
  readonly items: Readonly<Record<string, readonly Json[]>>;
  readonly limits: Limits;
}

/** The last preparation of each plan, and the parameters it was given. */
const PREPARED = new WeakMap<Plan, { readonly given: unknown; readonly prepared: Prepared }>();

/** Checks the parameters and compiles the plan, once for as long as it is played with the same ones. */
export function prepare(plan: Plan, given: Readonly<Record<string, Json>>): Prepared {
  const known = PREPARED.get(plan);
  if (known?.given === given) return known.prepared;
  const limits = resolveLimits();
  const { params, diagnostics } = checkParams(plan.document.params, given, limits);
  refuse(diagnostics);
  const bound = bindItems(plan, params, limits);
  refuse(bound.diagnostics);
  const prepared = { params, program: compilePlan(plan, bound.items, limits), items: bound.items, limits };
  PREPARED.set(plan, { given, prepared });
  return prepared;
}

function refuse(diagnostics: readonly Diagnostic[]): void {
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length === 0) return;
  const text = errors.map(({ path, message }) => `${path}: ${message}`).join("; ");
  throw new BelayError("PARAMS_INVALID", text, { diagnostics: errors });
}

/** The header of the run that a seed names. */
export function headerOf(plan: Plan, seed: number, { params, items }: Prepared): RunHeader {
  return {
    runId: `simulated-${seed}`,
    format: 1,
    document: plan.document,
    planHash: plan.hash,
    params,
    items,
    seed,
    graceMs: 5000,
    clientToken: null,
    requestHash: "",
    at: 1_735_689_600_000,
    parent: null,
  };
}
