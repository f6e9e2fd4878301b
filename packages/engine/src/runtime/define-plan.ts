/**
 * `definePlan` for TypeScript: with a registry given, action names and their literal inputs are checked by the compiler.
 * Owns: the types. The checks at run time are those of `plan/parse.ts`; this file stands in `runtime/` because the plan
 * knows nothing of actions.
 */
import type { CompensationDocument, Expression, NodeDocument, Plan, PlanDocument } from "../plan/document.ts";
import { type CheckOptions, definePlan as defineUntypedPlan } from "../plan/parse.ts";
import type { ActionContext, ActionDefinition, ActionFunction, ActionRegistry } from "./api.ts";

/** A literal of type T in which any value may be an expression. */
export type TemplateOf<T> =
  | Expression
  | (unknown extends T
      ? NodeDocument["with"]
      : T extends readonly (infer Item)[]
        ? readonly TemplateOf<Item>[]
        : T extends object
          ? { readonly [Key in keyof T]: TemplateOf<T[Key]> }
          : T);

/** The input an action takes; `unknown` when it does not say. */
export type InputOf<Action> = Action extends {
  readonly input: { readonly "~standard": { readonly types?: infer Types } };
}
  ? NonNullable<Types> extends { readonly input: infer Input }
    ? Input
    : unknown
  : Action extends ActionDefinition<infer Input, unknown>
    ? Input
    : Action extends (ctx: ActionContext<infer Input>) => unknown
      ? Input
      : Action extends ActionFunction<infer Input>
        ? Input
        : unknown;

type Known<Actions extends ActionRegistry, Shape> = {
  [Name in keyof Actions & string]: Omit<Shape, "action" | "with"> & {
    readonly action: Name;
  } & WithOf<InputOf<Actions[Name]>>;
}[keyof Actions & string];

/** Required when the input has a required part and the registry says so. */
type WithOf<Input> = unknown extends Input
  ? { readonly with?: NodeDocument["with"] }
  : undefined extends Input
    ? { readonly with?: TemplateOf<Exclude<Input, undefined>> }
    : { readonly with: TemplateOf<Input> };

/** A compensation takes the node's own input when it gives none. */
type KnownCompensation<Actions extends ActionRegistry> = {
  [Name in keyof Actions & string]: Omit<CompensationDocument, "action" | "with"> & {
    readonly action: Name;
    readonly with?: TemplateOf<InputOf<Actions[Name]>>;
  };
}[keyof Actions & string];

/** Inputs of the built-in actions. */
interface BuiltInInputs {
  readonly "belay.noop": unknown;
  readonly "belay.wait": { readonly seconds: number } | { readonly until: string | number };
  readonly "belay.poll": { readonly action: string; readonly with?: NodeDocument["with"]; readonly interval: number };
  readonly "belay.approval": { readonly approvers?: readonly string[]; readonly required?: number } | undefined;
  readonly "belay.signal": undefined;
  readonly "belay.plan": { readonly plan: string; readonly params?: NodeDocument["with"] };
}

type BuiltIn = {
  [Name in keyof BuiltInInputs]: Omit<NodeDocument, "action" | "with" | "compensation"> & {
    readonly action: Name;
  } & WithOf<BuiltInInputs[Name]>;
}[keyof BuiltInInputs];

/** A plan document whose actions are those of a registry; any action when the registry names none. */
export type PlanInput<Actions extends ActionRegistry = ActionRegistry> = string extends keyof Actions
  ? PlanDocument
  : Omit<PlanDocument, "nodes"> & {
      readonly nodes: readonly ((Known<Actions, Omit<NodeDocument, "compensation">> | BuiltIn) & {
        readonly compensation?:
          | KnownCompensation<Actions>
          | (Omit<CompensationDocument, "action"> & { readonly action: "belay.noop" | "belay.poll" | "belay.plan" });
      })[];
    };

export interface DefinePlanOptions<Actions extends ActionRegistry = ActionRegistry>
  extends Omit<CheckOptions, "actions"> {
  /** With it, names that are not in it are refused, by the compiler and at run time. */
  readonly actions?: Actions;
}

/**
 * The plan of a document built in code. Throws PLAN_INVALID, whose `details.diagnostics` has every diagnostic.
 * The registry decides the types; the document is checked against it, not the other way round.
 */
export function definePlan<Actions extends ActionRegistry = ActionRegistry>(
  document: PlanInput<NoInfer<Actions>>,
  options: DefinePlanOptions<Actions> = {},
): Plan {
  const { actions, ...rest } = options;
  const checked: CheckOptions = actions === undefined ? rest : { ...rest, actions: Object.keys(actions) };
  return defineUntypedPlan(document as PlanDocument, checked);
}
