/**
 * A plan made ready to be simulated: compiled and bound to its parameters. Owns: that this is done once for as long as the
 * plan is played with the same parameters, and the header of a run.
 */
import { BelayError } from "../errors.ts";
import type { RunHeader } from "../journal/port.ts";
import { type CompiledProgram, compilePlan } from "../plan/compile.ts";
import type { Json, Plan } from "../plan/document.ts";
import { bindItems } from "../plan/expand.ts";
import { type Limits, resolveLimits } from "../plan/limits.ts";

export interface Prepared {
  readonly params: Readonly<Record<string, Json>>;
  readonly program: CompiledProgram;
  readonly items: Readonly<Record<string, readonly Json[]>>;
  readonly limits: Limits;
}

const PREPARED = new WeakMap<Plan, Prepared>();

/** Compiles the plan, once for as long as it is played with the same parameters. */
export function prepare(plan: Plan, params: Readonly<Record<string, Json>>): Prepared {
  const known = PREPARED.get(plan);
  if (known?.params === params) return known;
  const limits = resolveLimits();
  const { items, diagnostics } = bindItems(plan, params, limits);
  if (diagnostics.length > 0) {
    throw new BelayError("PARAMS_INVALID", diagnostics.map(({ message }) => message).join("; "), { diagnostics });
  }
  const prepared = { params, program: compilePlan(plan, items, limits), items, limits };
  PREPARED.set(plan, prepared);
  return prepared;
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
