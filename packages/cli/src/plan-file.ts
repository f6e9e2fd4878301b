/**
 * Plans from files. Owns: reading and the wording when a file cannot be read. Does not own: what a plan may say; that is the
 * engine's, and comes back as diagnostics.
 */
import { readFile } from "node:fs/promises";
import { checkPlan, type Diagnostic, definePlan, type Plan, type PlanCheck } from "@belay/engine";
import type { Output } from "./output.ts";
import { diagnosticLine } from "./render/diagnostic-line.ts";
import { Refused, UsageError } from "./usage-error.ts";

/** Reads text; throws UsageError with one line that says why not. */
export async function readTextFile(file: string): Promise<string> {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await readFile(file));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(`cannot read ${file}: ${REASONS[code ?? ""] ?? message}`);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EISDIR: "it is a directory",
  ENOTDIR: "no such file",
  EACCES: "permission denied",
  ERR_ENCODING_INVALID_ENCODED_DATA: "it is no UTF-8 text",
};

const PLAN_NAMES = /\.(?:ya?ml|json)$/i;

/**
 * Reads and checks; the answer has the plan unless a diagnostic is an error. With `actions` (registered names), the plan's
 * actions are checked too. Throws UsageError when the file cannot be read, or is nothing like a plan.
 */
export async function checkFile(file: string, actions?: readonly string[]): Promise<PlanCheck> {
  const text = await readTextFile(file);
  if (!PLAN_NAMES.test(file) && !/^\s*["']?belay["']?\s*:/m.test(text))
    throw new UsageError(`${file} is no plan: that is a YAML or JSON file with "belay: 1"`);
  return checkPlan(text, { filename: file, ...(actions === undefined ? {} : { actions }) });
}

/** The checked plan; prints every diagnostic to `err`, throws Refused when there is no plan. */
export async function loadPlanFile(file: string, err: Output, check: CheckOfActions = {}): Promise<Plan> {
  const { plan, diagnostics } = await checkFile(file, check.actions);
  printDiagnostics(file, check.advise === undefined ? diagnostics : diagnostics.map(check.advise), err);
  if (plan === undefined) throw new Refused();
  return plan;
}

export interface CheckOfActions {
  /** Registered names; without them actions are not checked. */
  readonly actions?: readonly string[];
  /** Puts in the remedies that the command has. */
  readonly advise?: (diagnostic: Diagnostic) => Diagnostic;
}

/** One line per diagnostic. */
export function printDiagnostics(file: string, diagnostics: readonly Diagnostic[], output: Output): void {
  for (const diagnostic of diagnostics) output.line(diagnosticLine(file, diagnostic, output.colors));
}

/** The same plan with another answer to a failed run; the plan itself when it already says so. Throws UsageError (R33). */
export function withOnFailure(plan: Plan, onFailure: "pause" | "rollback" | undefined): Plan {
  if (onFailure === "rollback" && plan.document.prohibitRollback === true)
    throw new UsageError(`--on-failure rollback: the plan "${plan.document.name}" prohibits rollback`);
  if (onFailure === undefined || (plan.document.onFailure ?? "pause") === onFailure) return plan;
  return definePlan({ ...plan.document, onFailure });
}
