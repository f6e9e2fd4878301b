/**
 * Rules that no schema says (R2, R3): fields that contradict each other, actions, expressions in inputs.
 * Owns: what is decided from one node, or from the plan's header, alone. Does not own: edges, ids and expressions' meaning (`check.ts`).
 * Invariant: no recursion; linear in the document.
 */
import { BUILT_IN, inputFaults, isWaiting } from "./built-in.ts";
import type { Diagnostic, DiagnosticCode } from "./diagnostic.ts";
import type { CompensationDocument, Json, NodeDocument, PlanDocument, RetryDocument, Template } from "./document.ts";
import { fieldsOf, NodeField, type NodeFields, WITH_EXPRESSIONS } from "./node-fields.ts";
import { childPath } from "./path.ts";
import { didYouMean, suggester } from "./suggestion.ts";
import { isExpression, templateHoles } from "./template.ts";

/** Checks the header and every node of a document; `actions`: the registered names, when they are known. */
export function checkRules(
  document: PlanDocument,
  actions?: Iterable<string>,
  fields: NodeFields = fieldsOf(document),
): Diagnostic[] {
  const checker = new RuleChecker(actions);
  checker.plan(document);
  const check = (v: number): void => {
    checker.searched = ((fields.given[v] as number) & WITH_EXPRESSIONS) !== 0;
    checker.node(document.nodes[v] as NodeDocument, `nodes[${v}]`);
  };
  // What a node without these fields can do wrong is its id, or its action.
  if (!fields.barrier && [...fields.actions].every((name) => checker.isPlain(name))) fields.with(RULED).forEach(check);
  else for (let v = 0; v < document.nodes.length; v++) check(v);
  return checker.diagnostics;
}

/** Fields that a rule speaks of. */
const RULED =
  WITH_EXPRESSIONS |
  NodeField.retry |
  NodeField.compensation |
  NodeField.effect |
  NodeField.prohibitRollback |
  NodeField.split |
  NodeField.pool |
  NodeField.parallelIdx;

class RuleChecker {
  readonly diagnostics: Diagnostic[] = [];
  /** Inputs are searched for expressions: there may be some in this node's. */
  searched = true;
  readonly #actions: ReadonlySet<string> | undefined;
  readonly #suggest: (name: string) => string | undefined;

  constructor(actions: Iterable<string> | undefined) {
    this.#actions = actions === undefined ? undefined : new Set(actions);
    this.#suggest = suggester([...(this.#actions ?? []), ...BUILT_IN]);
  }

  /** An action that exists and asks nothing of its node. */
  isPlain(name: string): boolean {
    if (name.startsWith("belay.")) return name === "belay.noop";
    return this.#actions === undefined || this.#actions.has(name);
  }

  plan({ defaults, prohibitRollback, onFailure }: PlanDocument): void {
    this.#retry(defaults?.retry, "defaults.retry");
    if (prohibitRollback === true && onFailure === "rollback") {
      this.#report("CONFLICT", "onFailure", "a plan with prohibitRollback is never rolled back (R33)");
    }
  }

  node(node: NodeDocument, path: string): void {
    if (node.id === "barrier") {
      this.#report(
        "INVALID_VALUE",
        `${path}.id`,
        'the id "barrier" is taken: rollback({ to: "barrier" }) means the point of no return',
      );
    }
    this.#action(node.action, `${path}.action`);
    this.#template(node.with, `${path}.with`);
    this.#builtIn(node, path);
    this.#retry(node.retry, `${path}.retry`);
    if (node.retry?.mode === "compensate-first" && node.compensation === undefined) {
      this.#report("CONFLICT", `${path}.retry.mode`, "compensate-first needs a compensation: the node has none");
    }
    if (node.compensation !== undefined) this.#compensation(node.compensation, `${path}.compensation`);
    if (node.effect === "none" && node.prohibitRollback === true) {
      this.#report(
        "CONFLICT",
        `${path}.prohibitRollback`,
        "a node with effect none only reads: it cannot prohibit rollback",
      );
    }
    if (node.effect === "none" && node.compensation !== undefined) {
      this.#report("CONFLICT", `${path}.compensation`, "a node with effect none has nothing to undo");
    }
    if (node.parallelIdx === 0 && node.split !== undefined) {
      this.#report("CONFLICT", `${path}.parallelIdx`, "parallelIdx of a node with split is assigned to its members");
    }
  }

  /** What a built-in action asks of its node (`built-in.ts`). */
  #builtIn(node: NodeDocument, path: string): void {
    const { action, compensation, pool } = node;
    this.#builtInInput(action, node.with, `${path}.with`);
    if (pool?.startsWith("belay.") === true) {
      this.#report("INVALID_VALUE", `${path}.pool`, 'names of pools that start with "belay." are the engine\'s own');
    }
    if (isWaiting(action)) {
      if (pool !== undefined)
        this.#report("CONFLICT", `${path}.pool`, `${action} only waits: it takes no slot of a pool`);
      if (compensation !== undefined) {
        this.#report("CONFLICT", `${path}.compensation`, `${action} only waits: it leaves nothing to undo`);
      }
    }
    if (action === "belay.plan" && compensation === undefined && node.effect !== "none" && !node.prohibitRollback) {
      this.#report("CONFLICT", path, "belay.plan must say how a run that succeeded is undone", {
        suggestion:
          "add a compensation (belay.plan with a plan that undoes it, or an action), effect: none, or prohibitRollback: true",
      });
    }
  }

  #builtInInput(action: string, template: Template | undefined, path: string): void {
    for (const { field, message } of inputFaults(action, template as Json | undefined, isOpen)) {
      this.#report("INVALID_VALUE", field === "" ? path : `${path}.${field}`, message);
    }
    const field = LITERAL.get(action);
    const value = field === undefined ? undefined : (template as Readonly<Record<string, Json>> | undefined)?.[field];
    if (field === undefined || !(isExpression(template) || (value !== undefined && isOpen(value)))) return;
    this.#report("CONFLICT", path, `${field} of ${action} must be given as it is, not as an expression`);
  }

  #compensation({ action, with: template, retry }: CompensationDocument, path: string): void {
    this.#action(action, `${path}.action`);
    if (isWaiting(action)) this.#report("CONFLICT", `${path}.action`, `${action} only waits: it undoes nothing`);
    this.#template(template, `${path}.with`);
    this.#builtInInput(action, template, `${path}.with`);
    this.#retry(retry, `${path}.retry`);
    if (retry?.mode !== undefined) {
      this.#report("CONFLICT", `${path}.retry.mode`, "mode means nothing here: a compensation is not compensated");
    }
  }

  #retry(retry: RetryDocument | undefined, path: string): void {
    const { initialInterval, maxInterval } = retry ?? {};
    if (initialInterval === undefined || maxInterval === undefined || maxInterval >= initialInterval) return;
    const message = `maxInterval, ${maxInterval}, is below initialInterval, ${initialInterval}`;
    this.#report("INVALID_VALUE", `${path}.maxInterval`, message);
  }

  #action(name: string, path: string): void {
    if (BUILT_IN.includes(name)) return;
    if (name.startsWith("belay.")) {
      this.#report("UNKNOWN_ACTION", path, `there is no built-in action ${JSON.stringify(name)}`, this.#suggest(name));
    } else if (this.#actions !== undefined && !this.#actions.has(name)) {
      this.#report("UNKNOWN_ACTION", path, `no action ${JSON.stringify(name)} is registered`, this.#suggest(name));
    }
  }

  /** `$cel` marks an expression: alone in its mapping, and a string. */
  #template(template: Template | undefined, path: string): void {
    if (!this.searched || typeof template !== "object" || template === null) return;
    const stack: [value: object, path: string][] = [[template, path]];
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      const [value, at] = top;
      const isList = Array.isArray(value);
      if (!isList && Object.hasOwn(value, "$cel")) {
        this.#expression(value as Record<string, Json>, at);
        continue;
      }
      for (const [key, child] of Object.entries(value)) {
        if (typeof child === "object" && child !== null) stack.push([child, childPath(at, isList ? Number(key) : key)]);
      }
    }
  }

  #expression(value: Readonly<Record<string, Json>>, path: string): void {
    if (typeof value["$cel"] !== "string") {
      this.#report("WRONG_TYPE", `${path}.$cel`, "an expression must be a string");
    } else if (value["$cel"] === "") {
      this.#report("INVALID_VALUE", `${path}.$cel`, "an expression must not be empty");
    }
    if (Object.keys(value).length > 1) {
      this.#report("CONFLICT", path, "$cel makes this value an expression: it allows no other key beside it");
    }
  }

  #report(code: DiagnosticCode, path: string, message: string, meant?: string | { suggestion: string }): void {
    const remedy = typeof meant === "object" ? meant : didYouMean(meant);
    this.diagnostics.push({ code, severity: "error", path, message, ...remedy });
  }
}

/** Inputs that name code or plans: known before a run starts, so that what is missing is told then (R3). */
const LITERAL: ReadonlyMap<string, string> = new Map([
  ["belay.poll", "action"],
  ["belay.plan", "plan"],
]);

/** An expression, or what has one in it: not known before the attempt. */
function isOpen(value: Json): boolean {
  return typeof value === "object" && value !== null && templateHoles(value as Template, "").length > 0;
}
