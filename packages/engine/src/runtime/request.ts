/**
 * What an operator asks for, from arguments to an input of the core that may be stepped (R37). Owns: which verb takes what,
 * and whether the run allows it now. A verb and its preview go through the same two functions (R38): `requestOf` reads the
 * arguments, `judgeVerb` asks the run.
 */
import { refusalOf, type VerbInput, WHOLE_RUN } from "../core/index.ts";
import type { BelayError } from "../errors.ts";
import type { Json } from "../plan/document.ts";
import type { VerbOptions } from "./api.ts";
import type { Executor } from "./executor.ts";
import { jsonArgument } from "./json-value.ts";
import type { VerbRequest } from "./preview.ts";
import {
  checkVerbOptions,
  checkWordOptions,
  nodeArgument,
  refusalError,
  rejection,
  requestText,
  rollbackInput,
} from "./verbs.ts";
import { judgeWord } from "./waiting.ts";

/** The verbs by the names of their methods. */
export type VerbName = VerbRequest["verb"];

/** A verb that was asked well; whether the run allows it is another question. */
export interface VerbCall {
  readonly input: VerbInput;
  /** What it carries beside who, why and request id. */
  readonly more: Readonly<Record<string, Json>>;
}

/** Options of each verb beside who, why and request id. */
const OWN_OPTIONS: Readonly<Record<VerbName, readonly string[]>> = {
  retry: ["node"],
  cancel: ["node"],
  skip: ["output"],
  signal: ["output"],
  rollback: ["to"],
  skipRollback: [],
  approve: [],
  reject: [],
  pause: [],
  resume: [],
  abandon: [],
};

/** Whether there is such a verb. */
export function isVerbName(name: unknown): name is VerbName {
  return typeof name === "string" && Object.hasOwn(OWN_OPTIONS, name);
}

/** Names of all verbs, for messages. */
export const VERB_NAMES: readonly string[] = Object.keys(OWN_OPTIONS);

/** The verbs that take their node as an argument of its own. */
const NODE_VERBS: ReadonlySet<VerbName> = new Set(["skip", "signal", "skipRollback", "approve", "reject"]);

/** Whether the verb's node is an argument of its own, not an option. */
export function takesNode(verb: VerbName): boolean {
  return NODE_VERBS.has(verb);
}

/**
 * A verb as text, to tell whether it was asked before under its request id: whatever the run's state is by now. Fails with
 * INVALID_ARGUMENT.
 */
export function askedText(executor: Executor, verb: VerbName, given: unknown, id?: string): string {
  checkOptions(verb, given);
  const { node = id, to, who, output } = given as AskedOptions;
  const kind = verb === "skipRollback" ? "skip-rollback" : verb;
  return requestText({ kind, node, to, who, ...outputOf(executor, output) });
}

type AskedOptions = VerbOptions & { readonly node?: string; readonly to?: string; readonly output?: Json };

function checkOptions(verb: VerbName, given: unknown): void {
  if (verb === "approve" || verb === "reject") checkWordOptions(verb, given);
  else checkVerbOptions(verb, given, OWN_OPTIONS[verb]);
}

/** Reads the arguments of a verb. Fails with INVALID_ARGUMENT or NOT_FOUND. */
export function requestOf(executor: Executor, verb: VerbName, given: unknown, id?: string): VerbCall {
  checkOptions(verb, given);
  const options = given as AskedOptions;
  const at = executor.now();
  const node = (): number => nodeArgument(executor, id as string);
  switch (verb) {
    case "retry":
    case "cancel": {
      const which = options.node === undefined ? WHOLE_RUN : nodeArgument(executor, options.node);
      return { input: { kind: verb, at, node: which }, more: {} };
    }
    case "skip":
    case "signal":
      return { input: { kind: verb, at, node: node() }, more: outputOf(executor, options.output) };
    case "skipRollback":
      return { input: { kind: "skip-rollback", at, node: node() }, more: {} };
    case "rollback":
      return { input: rollbackInput(executor, options.to), more: {} };
    case "approve":
      return { input: { kind: verb, at, node: node(), enough: false }, more: {} };
    case "reject":
      return { input: { kind: verb, at, node: node() }, more: { error: rejection(options) } };
    default:
      return { input: { kind: verb, at }, more: {} };
  }
}

function outputOf(executor: Executor, given: Json | undefined): { output?: Json } {
  const output = jsonArgument(given, "output", executor.host.limits.outputBytes);
  return output === undefined ? {} : { output };
}

/** The verb as the run lets it pass, completed by what the run knows, or why it does not. Changes nothing. */
export function judgeVerb(executor: Executor, input: VerbInput, payload: Json | undefined): VerbInput | BelayError {
  const refusal = refusalOf(executor.state, input);
  return refusal === undefined ? judgeWord(executor, input, payload) : refusalError(refusal, input, executor);
}
