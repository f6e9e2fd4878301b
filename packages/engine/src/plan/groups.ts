/**
 * Rules of `split` (R20, R21) that need no edges. Owns: which fields of a split contradict each other
 * and what its list may be. Does not own: the shape of the fields (`schema.ts`), `split` beside `parallelIdx` (`rules.ts`), nor
 * which nodes the list reads (`reads.ts`).
 */
import type { Diagnostic, DiagnosticCode } from "./diagnostic.ts";
import type { NodeDocument, SplitDocument } from "./document.ts";
import { type CompiledExpression, compileExpression } from "./expression.ts";
import type { Limits } from "./limits.ts";
import { childPath } from "./path.ts";

/** Scope names that `as` would hide; `item` is the same value. */
const TAKEN: ReadonlySet<string> = new Set(["params", "nodes", "run", "true", "false", "null", "in"]);
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const PERCENT = /^\d+(?:\.\d+)?%$/;

/** Whether the node is a group, known or not yet known in size. */
export function isGroup(node: NodeDocument): boolean {
  return node.split !== undefined;
}

/** The name that `split.as` binds, if it can be bound; a bad one has its own diagnostic. */
export function itemName(split: SplitDocument | undefined, limits: Limits): string | undefined {
  const as = split?.as;
  if (as === undefined || !NAME.test(as) || TAKEN.has(as)) return undefined;
  // Words that the language keeps for itself do not parse as a name.
  return compileExpression(as, limits, as).ok ? as : undefined;
}

/** Diagnostics of one node's `split`; `path` is the node's. `over` is its compiled list, if it compiles. */
export function checkSplit(
  node: NodeDocument,
  path: string,
  limits: Limits,
  over: CompiledExpression | undefined,
): Diagnostic[] {
  const { split } = node;
  if (split === undefined) return [];
  const diagnostics: Diagnostic[] = [];
  const report = (code: DiagnosticCode, field: string, message: string): void => {
    diagnostics.push({ code, severity: "error", path: childPath(childPath(path, "split"), field), message });
  };
  if (split.as !== undefined && itemName(split, limits) === undefined) {
    report(
      "INVALID_VALUE",
      "as",
      `${JSON.stringify(split.as)} cannot name an item: it is no identifier, or has a meaning of its own`,
    );
  }
  if (split.method === "FIRST_SUCCESS" && split.maxConcurrency !== undefined) {
    report(
      "CONFLICT",
      "maxConcurrency",
      "FIRST_SUCCESS tries its members one after the other: maxConcurrency means nothing",
    );
  }
  if (split.method === "FIRST_SUCCESS" && split.tolerated !== undefined) {
    report("CONFLICT", "tolerated", "FIRST_SUCCESS fails only when every member failed: tolerated means nothing");
  }
  if (split.method === "SERIAL" && split.maxConcurrency !== undefined && split.maxConcurrency > 1) {
    report("CONFLICT", "maxConcurrency", "SERIAL runs one member at a time: maxConcurrency cannot be more than 1");
  }
  if (split.tolerated !== undefined && !isTolerance(split.tolerated)) {
    report(
      "INVALID_VALUE",
      "tolerated",
      'tolerated is a number of members from 0, or a share of them from "0%" to "100%"',
    );
  }
  const wrong = over === undefined ? undefined : listProblem(over);
  if (wrong !== undefined) report("SPLIT", "over", wrong);
  return diagnostics;
}

function isTolerance(tolerated: number | string): boolean {
  if (typeof tolerated === "number") return Number.isInteger(tolerated) && tolerated >= 0;
  return PERCENT.test(tolerated) && Number.parseFloat(tolerated) <= 100;
}

/** What keeps an expression from being the list of a group, as far as the plan alone can tell. */
function listProblem(over: CompiledExpression): string | undefined {
  if (over.readsItem) return "the list of a group cannot read item: there is none yet";
  if (over.readsRun) return "the list of a group reads params or the output of an ancestor, not run";
  if (over.type !== "dyn" && !over.type.startsWith("list")) return `the list of a group is a ${over.type}`;
  if (over.readsNodes || over.readsParams) return undefined;
  const result = over.evaluate({ params: {}, nodes: {}, run: { id: "", startedAt: 0 } });
  if (!result.ok) return `the list of a group cannot be evaluated: ${result.message}`;
  if (!Array.isArray(result.value)) return "the list of a group is no list";
  return result.value.length === 0 ? "the list of a group is empty" : undefined;
}
