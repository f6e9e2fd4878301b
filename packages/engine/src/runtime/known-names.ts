/**
 * Names in a plan that only the engine knows (R3): actions, pools, plans to run. Owns: the diagnostics of those that are
 * not there, in the plan and in every plan it runs, before anything runs.
 */
import type { Diagnostic } from "../plan/diagnostic.ts";
import type { NodeDocument, Plan, Template } from "../plan/document.ts";
import { NodeField } from "../plan/node-fields.ts";
import { outlineOf } from "../plan/outline.ts";
import { suggest } from "../plan/suggestion.ts";
import type { Host } from "./host.ts";

/** Actions nobody registered. */
export function unknownActions(plan: Plan, host: Host): readonly Diagnostic[] {
  const { fields } = outlineOf(plan);
  const isKnown = (action: string): boolean => host.actions.get(action) !== undefined;
  // Only a compensation or a poll can name an action besides the nodes' own.
  const ownAreKnown = [...fields.actions].every(isKnown) && !fields.actions.has("belay.poll");
  const places = ownAreKnown ? fields.with(NodeField.compensation) : plan.document.nodes.keys();
  const diagnostics: Diagnostic[] = [];
  const names = host.actions.names();
  const suggestions = new Map<string, string | undefined>();
  const check = (action: string | undefined, path: string): void => {
    if (action === undefined || isKnown(action)) return;
    if (!suggestions.has(action)) suggestions.set(action, suggest(action, names));
    const near = suggestions.get(action);
    diagnostics.push({
      code: "UNKNOWN_ACTION",
      severity: "error",
      path,
      message: `no action "${action}" is registered`,
      suggestion: near === undefined ? "add it to createEngine({ actions })" : `did you mean "${near}"?`,
    });
  };
  for (const index of places) {
    const node = plan.document.nodes[index] as NodeDocument;
    check(node.action, `nodes[${index}].action`);
    if (node.action === "belay.poll") {
      check((node.with as { readonly action?: string } | undefined)?.action, `nodes[${index}].with.action`);
    }
    check(node.compensation?.action, `nodes[${index}].compensation.action`);
  }
  return diagnostics;
}

/** Pools that were not configured. */
export function unknownPools(plan: Plan, host: Host): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  for (const index of outlineOf(plan).fields.with(NodeField.pool)) {
    const { pool } = plan.document.nodes[index] as NodeDocument;
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
  return diagnostics;
}

/** Names given as `with.plan` of `belay.plan`, with their places. */
function subPlansOf(plan: Plan): { readonly name: string; readonly path: string }[] {
  const { fields } = outlineOf(plan);
  const places = fields.actions.has("belay.plan") ? NodeField.with | NodeField.compensation : NodeField.compensation;
  return fields.with(places).flatMap((index) => {
    const { action, with: input, compensation } = plan.document.nodes[index] as NodeDocument;
    const path = `nodes[${index}]`;
    const own = action === "belay.plan" ? [{ name: nameIn(input), path: `${path}.with.plan` }] : [];
    const undo = { name: nameIn(compensation?.with), path: `${path}.compensation.with.plan` };
    return compensation?.action === "belay.plan" ? [...own, undo] : own;
  });
}

function nameIn(input: Template | undefined): string {
  return String((input as { readonly plan?: unknown } | undefined)?.plan);
}

/** Plans that are missing, that run each other for ever, or that lack something themselves. Each plan is looked at once. */
export function checkSubPlans(plan: Plan, host: Host): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const seen = new Set<string>();
  /** Names from the outermost plan down, and the place in that plan. */
  const stack = subPlansOf(plan).map(({ name, path }) => ({ names: [name], path }));
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { names, path } = next;
    const name = names.at(-1) as string;
    const report = (code: Diagnostic["code"], message: string, suggestion?: string): void => {
      diagnostics.push({ code, severity: "error", path, message, ...(suggestion === undefined ? {} : { suggestion }) });
    };
    const inner = host.plans.get(name);
    if (inner === undefined) {
      const near = suggest(name, [...host.plans.keys()]);
      const remedy = near === undefined ? "add it to createEngine({ plans })" : `did you mean "${near}"?`;
      report("UNKNOWN_PLAN", `no plan "${name}" is registered`, remedy);
      continue;
    }
    if (names.slice(0, -1).includes(name)) {
      report("CONFLICT", `plans run each other for ever: ${names.join(" -> ")}`);
      continue;
    }
    if (seen.has(name)) continue;
    seen.add(name);
    for (const { code, message, suggestion } of [...unknownActions(inner, host), ...unknownPools(inner, host)]) {
      report(code, `plan "${name}": ${message}`, suggestion);
    }
    stack.push(...subPlansOf(inner).map((found) => ({ names: [...names, found.name], path })));
  }
  return diagnostics;
}
