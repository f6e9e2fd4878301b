/**
 * Items of the groups that are known at the start (R20, R23). Owns: evaluating `split.over` over `params`, the limit on
 * members. Does not own: groups whose list is an ancestor's output; the runtime evaluates those when they become READY.
 */
import { assert } from "../errors.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { Json, Plan } from "./document.ts";
import { compileExpression } from "./expression.ts";
import { frozenCopy } from "./json.ts";
import { type Limits, limitDiagnostic } from "./limits.ts";
import { NodeField } from "./node-fields.ts";
import { outlineOf } from "./outline.ts";

export interface BoundItems {
  /** Items by id of the group, deeply frozen. A group that expands at run time has none here. No prototype. */
  readonly items: Record<string, readonly Json[]>;
  readonly diagnostics: Diagnostic[];
}

/**
 * Evaluates every `split.over` that reads nothing but `params`. A list that is missing, no list, or empty is a SPLIT
 * diagnostic; too many members in all are a LIMIT diagnostic (R4).
 */
export function bindItems(plan: Plan, params: Readonly<Record<string, Json>>, limits: Limits): BoundItems {
  const items: Record<string, readonly Json[]> = Object.create(null);
  const diagnostics: Diagnostic[] = [];
  let members = 0;
  for (const index of outlineOf(plan).fields.with(NodeField.split)) {
    const node = plan.document.nodes[index];
    if (node?.split === undefined) continue;
    const bound = bind(node.split.over, params, limits);
    if (bound === undefined) continue;
    if (!bound.ok) {
      diagnostics.push({
        code: "SPLIT",
        severity: "error",
        path: `nodes[${index}].split.over`,
        message: bound.message,
      });
      continue;
    }
    members += bound.list.length;
    if (members > limits.members) {
      diagnostics.push(limitDiagnostic(limits, "members", `nodes[${index}].split.over`));
      break;
    }
    items[node.id] = bound.list;
  }
  return { items, diagnostics };
}

type Bound = { readonly ok: true; readonly list: readonly Json[] } | { readonly ok: false; readonly message: string };

/** The list or what is wrong with it; undefined when only the run can tell. */
function bind(over: string, params: Readonly<Record<string, Json>>, limits: Limits): Bound | undefined {
  const compiled = compileExpression(over, limits);
  assert(compiled.ok, "R3: the expressions of a checked plan compile");
  if (compiled.readsNodes) return undefined;
  const result = compiled.evaluate({ params, nodes: {}, run: { id: "", startedAt: 0 } });
  if (!result.ok) return { ok: false, message: `the list of the group cannot be evaluated: ${result.message}` };
  if (!Array.isArray(result.value)) return { ok: false, message: `the list of the group is no list (${over})` };
  if (result.value.length === 0) return { ok: false, message: `the list of the group is empty (${over})` };
  return { ok: true, list: frozenCopy(result.value) as readonly Json[] };
}
