/**
 * What the expressions of a plan read (R3). Owns: compiling every expression of a document once, and the diagnostics of
 * those that do not compile, have the wrong type, or read what is not there. Does not own: the order of nodes; the pairs
 * that need it are handed to `ancestors.ts`.
 */
import type { AncestorQuery } from "./ancestors.ts";
import type { Diagnostic, DiagnosticCode } from "./diagnostic.ts";
import type { NodeDocument, PlanDocument, Template } from "./document.ts";
import type { Edges } from "./edges.ts";
import { type CompiledExpression, compileExpression } from "./expression.ts";
import { checkSplit, isGroup, itemName } from "./groups.ts";
import type { Limits } from "./limits.ts";
import { NodeField, type NodeFields, WITH_EXPRESSIONS } from "./node-fields.ts";
import { parameterNames } from "./params.ts";
import { didYouMean, suggester } from "./suggestion.ts";
import { isExpression, templateHoles } from "./template.ts";

/** A read whose node exists; whether it is an ancestor is still to be seen. */
export interface NodeRead extends AncestorQuery {
  /** Place of the expression. */
  readonly path: string;
}

export interface Reads {
  readonly reads: readonly NodeRead[];
  readonly diagnostics: Diagnostic[];
}

/** Checks every expression: `when`, `with`, `split.over`, `compensation.with`, `locks`. */
export function checkExpressions(
  document: PlanDocument,
  { edges, fields }: { readonly edges: Edges; readonly fields: NodeFields },
  limits: Limits,
): Reads {
  const checker = new ExpressionChecker(edges, limits, parameterNames(document.params));
  for (const [k, lock] of (document.locks ?? []).entries()) checker.checkLock(lock, `locks[${k}]`);
  for (const v of fields.with(EXPRESSIONS)) checker.checkNode(document.nodes[v] as NodeDocument, v);
  return checker;
}

/** Fields that may hold expressions. */
const EXPRESSIONS = NodeField.when | NodeField.split | WITH_EXPRESSIONS;

/** Where an expression stands. */
interface Place {
  readonly reader: number;
  readonly path: string;
  /** The node is a group: `item` is bound. */
  readonly bindsItem: boolean;
  readonly as: string | undefined;
  /** A compensation runs after its node: it may read the node itself. */
  readonly mayReadItself: boolean;
}

class ExpressionChecker implements Reads {
  readonly reads: NodeRead[] = [];
  readonly diagnostics: Diagnostic[] = [];
  readonly #edges: Edges;
  readonly #limits: Limits;
  /** Names of parameters that a run can be given; undefined: any name. */
  readonly #params: ReadonlySet<string> | undefined;
  readonly #suggestParam: (name: string) => string | undefined;

  constructor(edges: Edges, limits: Limits, params: readonly string[] | undefined) {
    this.#edges = edges;
    this.#limits = limits;
    this.#params = params === undefined ? undefined : new Set(params);
    this.#suggestParam = suggester(params ?? []);
  }

  checkLock(lock: NonNullable<PlanDocument["locks"]>[number], path: string): void {
    if (typeof lock === "string") return;
    const compiled = this.#compile(lock.$cel, path, undefined);
    if (compiled === undefined) return;
    if (compiled.readsNodes || compiled.readsItem || compiled.readsRun) {
      this.#report("EXPRESSION", path, "a lock is taken before anything runs: it reads only params");
    }
    if (compiled.type !== "dyn" && compiled.type !== "string")
      this.#report("EXPRESSION", path, `a lock is a string, this is a ${compiled.type}`);
  }

  checkNode(node: NodeDocument, v: number): void {
    const { when, split, compensation } = node;
    if (when === undefined && split === undefined && node.with === undefined && compensation?.with === undefined)
      return;
    const path = `nodes[${v}]`;
    const place: Place = {
      reader: v,
      path,
      bindsItem: isGroup(node),
      as: itemName(split, this.#limits),
      mayReadItself: false,
    };
    if (when !== undefined) this.#checkCondition(when, { ...place, path: `${path}.when` });
    if (node.with !== undefined) this.#checkTemplate(node.with, { ...place, path: `${path}.with` });
    if (split !== undefined) {
      const over = this.#check(split.over, { ...place, path: `${path}.split.over`, bindsItem: true, as: undefined });
      this.diagnostics.push(...checkSplit(node, path, this.#limits, over));
    }
    if (compensation?.with !== undefined) {
      this.#checkTemplate(compensation.with, { ...place, path: `${path}.compensation.with`, mayReadItself: true });
    }
  }

  #checkCondition(source: string, place: Place): void {
    const compiled = this.#check(source, place);
    if (compiled !== undefined && compiled.type !== "dyn" && compiled.type !== "bool") {
      this.#report("EXPRESSION", place.path, `a condition is true or false, this is a ${compiled.type}`);
    }
  }

  #checkTemplate(template: Template, place: Place): void {
    for (const hole of templateHoles(template, place.path)) {
      // One that is malformed is reported by `rules.ts`.
      if (isExpression(hole.value) && hole.value.$cel !== "")
        this.#check(hole.value.$cel, { ...place, path: hole.path });
    }
  }

  #check(source: string, place: Place): CompiledExpression | undefined {
    const compiled = this.#compile(source, place.path, place.as);
    if (compiled === undefined) return undefined;
    if (compiled.readsItem && !place.bindsItem)
      this.#report("EXPRESSION", place.path, "item is bound only in a node with split");
    for (const id of compiled.nodesRead) this.#checkRead(id, place);
    return compiled;
  }

  #checkRead(id: string, { reader, path, mayReadItself }: Place): void {
    const read = this.#edges.numbers.get(id);
    if (read === undefined) {
      this.#report(
        "UNKNOWN_NODE",
        path,
        `the expression reads ${JSON.stringify(id)}, which no node has as its id`,
        this.#edges.suggestionFor(id),
      );
    } else if (read !== reader || !mayReadItself) {
      this.reads.push({ reader, read, path });
    }
  }

  #compile(source: string, path: string, as: string | undefined): CompiledExpression | undefined {
    const compiled = compileExpression(source, this.#limits, as);
    if (compiled.ok) {
      this.#checkParams(compiled, path);
      return compiled;
    }
    const { code, message, suggestion } = compiled;
    this.#report(code, path, message, suggestion === undefined ? {} : { suggestion });
    return undefined;
  }

  /** A parameter that nobody can give is never there (R3). */
  #checkParams({ readsParams, paramsRead }: CompiledExpression, path: string): void {
    if (this.#params === undefined || !readsParams) return;
    if (this.#params.size === 0) {
      const suggestion = "declare them in params, a JSON Schema";
      this.#report("EXPRESSION", path, "the expression reads params, but the plan declares none", { suggestion });
      return;
    }
    for (const name of paramsRead) {
      if (this.#params.has(name)) continue;
      const message = `the expression reads the parameter ${JSON.stringify(name)}, which the plan's params do not declare`;
      this.#report("EXPRESSION", path, message, didYouMean(this.#suggestParam(name)));
    }
  }

  #report(code: DiagnosticCode, path: string, message: string, extra: { suggestion?: string } = {}): void {
    this.diagnostics.push({ code, severity: "error", path, message, ...extra });
  }
}
