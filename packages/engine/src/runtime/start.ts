/**
 * Everything checked before a run starts (R3): the plan is a plan, its actions and pools exist, the parameters fit, the
 * lists have items, the locks have names. Nothing is journaled when anything is wrong. Owns: the run's header.
 */
import { BelayError, type ErrorCode } from "../errors.ts";
import type { RunHeader } from "../journal/port.ts";
import { type CompiledProgram, compilePlan } from "../plan/compile.ts";
import type { Diagnostic } from "../plan/diagnostic.ts";
import type { Json, Plan } from "../plan/document.ts";
import { bindItems } from "../plan/expand.ts";
import { compileExpression } from "../plan/expression.ts";
import { canonicalJson, hashText } from "../plan/identity.ts";
import { frozenCopy } from "../plan/json.ts";
import type { Limits } from "../plan/limits.ts";
import { checkParams } from "../plan/params.ts";
import { formatDiagnostic } from "../plan/parse.ts";
import { suggest } from "../plan/suggestion.ts";
import type { StartOptions } from "./api.ts";
import type { Host } from "./host.ts";

export interface PreparedRun {
  readonly header: RunHeader;
  readonly program: CompiledProgram;
  readonly locks: readonly string[];
}

/** Fails with PLAN_INVALID, UNKNOWN_ACTION, PARAMS_INVALID or INVALID_ARGUMENT, all diagnostics at once. */
export function prepareRun(
  plan: Plan,
  options: StartOptions,
  host: Host,
  identity: { readonly runId: string; readonly seed: number; readonly graceMs: number },
): PreparedRun {
  if (typeof plan !== "object" || plan === null || typeof plan.hash !== "string" || plan.document === undefined) {
    throw new BelayError("INVALID_ARGUMENT", "start needs a plan made by definePlan, parsePlan or importOcpTask");
  }
  checkToken(options.clientToken);
  checkActions(plan, host);
  checkPools(plan, host);
  const checked = checkParams(plan.document.params, options.params ?? {}, host.limits);
  refuse("PARAMS_INVALID", "the parameters do not fit the plan", checked.diagnostics);
  const params = frozenCopy(checked.params) as Readonly<Record<string, Json>>;
  const bound = bindItems(plan, params, host.limits);
  refuse("PARAMS_INVALID", "the plan's lists cannot be expanded", bound.diagnostics);
  const header: RunHeader = {
    ...identity,
    format: 1,
    document: plan.document,
    planHash: plan.hash,
    params,
    items: bound.items,
    clientToken: options.clientToken ?? null,
    requestHash: hashText(canonicalJson({ plan: plan.hash, params })),
    at: host.clock.now(),
  };
  const locks = locksOf(plan, header, host.limits);
  return { header, program: compilePlan(plan, bound.items, host.limits), locks };
}

function refuse(code: ErrorCode, what: string, diagnostics: readonly Diagnostic[]): void {
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length === 0) return;
  const shown = errors.slice(0, 10).map((diagnostic) => `  ${formatDiagnostic(diagnostic)}`);
  const more = errors.length > 10 ? `\n  ... and ${errors.length - 10} more` : "";
  throw new BelayError(code, `${what}:\n${shown.join("\n")}${more}`, { diagnostics: errors });
}

/** PolarDB's rule for its ClientToken (R43). */
function checkToken(token: string | undefined): void {
  if (token === undefined || /^[\x20-\x7e]{1,64}$/.test(token)) return;
  throw new BelayError("INVALID_ARGUMENT", "clientToken must have 1 to 64 printable ASCII characters");
}

function checkActions(plan: Plan, host: Host): void {
  const diagnostics: Diagnostic[] = [];
  const names = host.actions.names();
  const check = (action: string | undefined, path: string): void => {
    if (action === undefined || host.actions.get(action) !== undefined) return;
    const near = suggest(action, names);
    diagnostics.push({
      code: "UNKNOWN_ACTION",
      severity: "error",
      path,
      message: `no action "${action}" is registered`,
      suggestion: near === undefined ? "add it to createEngine({ actions })" : `did you mean "${near}"?`,
    });
  };
  for (const [index, node] of plan.document.nodes.entries()) {
    check(node.action, `nodes[${index}].action`);
    check(node.compensation?.action, `nodes[${index}].compensation.action`);
  }
  refuse("UNKNOWN_ACTION", `plan "${plan.document.name}" cannot run here`, diagnostics);
}

function checkPools(plan: Plan, host: Host): void {
  const diagnostics: Diagnostic[] = [];
  for (const [index, { pool }] of plan.document.nodes.entries()) {
    if (pool === undefined || host.pools.has(pool)) continue;
    const near = suggest(pool, host.pools.names());
    diagnostics.push({
      code: "UNKNOWN_POOL",
      severity: "error",
      path: `nodes[${index}].pool`,
      message: `no pool "${pool}" is configured`,
      suggestion: near === undefined ? "add it to createEngine({ pools })" : `did you mean "${near}"?`,
    });
  }
  refuse("PLAN_INVALID", `plan "${plan.document.name}" cannot run here`, diagnostics);
}

/** Lock names, each once, in sorted order: two runs that share some take them in the same order. */
function locksOf(plan: Plan, header: RunHeader, limits: Limits): readonly string[] {
  const names = new Set<string>();
  for (const [index, lock] of (plan.document.locks ?? []).entries()) {
    names.add(typeof lock === "string" ? lock : lockName(lock.$cel, index, header, limits));
  }
  return [...names].sort();
}

function lockName(source: string, index: number, header: RunHeader, limits: Limits): string {
  const expression = compileExpression(source, limits);
  const run = { id: header.runId, startedAt: header.at };
  const result = expression.ok ? expression.evaluate({ params: header.params, nodes: {}, run }) : expression;
  if (result.ok && typeof result.value === "string" && result.value !== "") return result.value;
  const why = result.ok ? `the result is no name: ${JSON.stringify(result.value)}` : result.message;
  throw new BelayError("PARAMS_INVALID", `locks[${index}]: ${why}`, { diagnostics: [] });
}
