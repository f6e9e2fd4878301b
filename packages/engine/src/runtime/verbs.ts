/**
 * The operator's verbs at the face (R37): from arguments to inputs, from the core's refusals to typed errors that say
 * what is allowed instead.
 */
import { groupOf, type Refusal, type VerbInput, WHOLE_RUN } from "../core/index.ts";
import { BelayError } from "../errors.ts";
import type { Json } from "../plan/document.ts";
import { personOf } from "../plan/person.ts";
import type { VerbOptions } from "./api.ts";
import type { Executor } from "./executor.ts";
import type { RunFacts } from "./facts.ts";
import { nodeId, nodeNumber } from "./node-id.ts";

/** The node number of an id given to a verb; NOT_FOUND with the ids that exist, when there is none. */
export function nodeArgument(executor: Executor, id: string): number {
  const node = typeof id === "string" ? nodeNumber(executor, id) : -1;
  if (node >= 0) return node;
  const known = executor.program.ids.slice(0, 20).join(", ");
  const more = executor.program.ids.length > 20 ? ", ..." : "";
  const text = `run ${executor.header.runId} has no node "${id}"; it has ${known}${more}`;
  throw executor.secrets.error(new BelayError("NOT_FOUND", text, { node: id }));
}

const COMMON_OPTIONS: readonly string[] = ["who", "why", "requestId"];

/** Fails with INVALID_ARGUMENT for what is no options object of the verb: `rollback("barrier")` must not undo everything. */
export function checkVerbOptions(verb: string, options: unknown, own: readonly string[]): void {
  const known = [...own, ...COMMON_OPTIONS];
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new BelayError("INVALID_ARGUMENT", `${verb} takes an object with ${known.join(", ")}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!known.includes(name)) {
      throw new BelayError("INVALID_ARGUMENT", `${verb} has no option "${name}"; it has ${known.join(", ")}`);
    }
    if (name !== "output" && value !== undefined && typeof value !== "string") {
      throw new BelayError("INVALID_ARGUMENT", `${verb}: ${name} must be a string`);
    }
  }
}

/** An approval or a rejection says who. */
export function checkWordOptions(verb: string, options: unknown): void {
  checkVerbOptions(verb, options, []);
  const { who } = options as VerbOptions;
  if (who === undefined || personOf(who) === "")
    throw new BelayError("INVALID_ARGUMENT", `${verb} needs who: { who: "name" }`);
}

/** The failure of a node that was rejected (`belay.approval`). */
export function rejection({ who, why }: VerbOptions): Json {
  const message = `rejected by ${who}${why === undefined ? "" : `: ${why}`}`;
  return { code: "REJECTED", message, retryable: false };
}

/** A request id stands for one request (R37). */
export function requestMismatch(requestId: string): BelayError {
  const text = `request id "${requestId}" was used for another request; use a new one`;
  return new BelayError("IDEMPOTENT_PARAMETER_MISMATCH", text, { requestId });
}

/** Where a rollback goes: everything, the barrier, or a node. While it has failed, the same way again (R32). */
export function rollbackInput(executor: Executor, to: string | undefined): VerbInput {
  const at = executor.now();
  const { state } = executor;
  if (to === undefined && state.status === "ROLLBACK_FAILED") {
    return { kind: "rollback", at, scope: state.undoScopeKind, node: state.undoScopeNode };
  }
  if (to === undefined) return { kind: "rollback", at, scope: "all", node: WHOLE_RUN };
  if (to === "barrier") {
    return { kind: "rollback", at, scope: "barrier", node: WHOLE_RUN };
  }
  const node = nodeArgument(executor, to);
  const group = groupOf(state, node);
  return { kind: "rollback", at, scope: "node", node: group < 0 ? node : group };
}

/** Who, why, request id and whatever else a verb carries, for the journal; undefined when there is nothing. */
export function verbPayload(options: VerbOptions, more: Readonly<Record<string, Json>> = {}): Json | undefined {
  const payload: Record<string, Json> = { ...more };
  for (const name of ["who", "why", "requestId"] as const) {
    const value = options[name];
    if (value !== undefined) payload[name] = value;
  }
  return Object.keys(payload).length === 0 ? undefined : payload;
}

/** What is the same in a request and its repetition (R37), in the words of whoever asks. */
export interface AskedWords {
  /** `input.kind` of the verb. */
  readonly kind: VerbInput["kind"];
  /** Id of the node; absent = the run. */
  readonly node?: string | undefined;
  /** Where a rollback goes; absent = everything, or where a failed one went. */
  readonly to?: string | undefined;
  readonly output?: Json | undefined;
  /** Only where that is what is said. */
  readonly who?: string | undefined;
}

/**
 * A request as text: not when, who or why, nor what the run made of it, since that is another state when it is repeated. A rollback
 * to a member is one to its group.
 */
export function requestText({ kind, node, to, output, who }: AskedWords): string {
  const person = kind === "approve" || kind === "reject" ? who : undefined;
  const where = to?.replace(/\[\d+\]$/, "");
  return JSON.stringify([kind, node ?? null, where ?? null, output === undefined ? [] : [output], person ?? null]);
}

/** The requests that a record may stem from, as texts, before its input is stepped: "where a failed one went" leaves no word. */
export function recordedRequest(run: RunFacts, input: VerbInput, payload: Json | undefined): readonly string[] {
  const { output, who } = (payload ?? {}) as { readonly output?: Json; readonly who?: string };
  const { kind } = input;
  if (input.kind !== "rollback") {
    const node = "node" in input && input.node !== WHOLE_RUN ? nodeId(run, input.node) : undefined;
    return [requestText({ kind, node, output, who })];
  }
  const { scope, node } = input;
  const to = scope === "all" ? undefined : scope === "barrier" ? scope : nodeId(run, node);
  const { status, undoScopeKind, undoScopeNode } = run.state;
  const isSame = status === "ROLLBACK_FAILED" && scope === undoScopeKind && node === undoScopeNode;
  return (isSame ? [to, undefined] : [to]).map((where) => requestText({ kind, to: where }));
}

/** The typed error of a refused verb. */
export function refusalError(refusal: Refusal, input: VerbInput, executor: Executor): BelayError {
  const { state, header } = executor;
  const verb = input.kind;
  const run = `run ${header.runId}`;
  switch (refusal.kind) {
    case "run-state":
      return invalid(`${verb} is not possible while ${run} is ${state.status}, only in ${list(refusal.allowedIn)}`, {
        status: state.status,
        allowedIn: refusal.allowedIn,
      });
    case "node-state": {
      const id = "node" in input ? nodeId(executor, input.node) : "";
      const text = `${verb} is not possible while node "${id}" is ${refusal.is}, only in ${list(refusal.allowedIn)}`;
      return invalid(text, { node: id, status: refusal.is, allowedIn: refusal.allowedIn });
    }
    case "tolerated":
      return invalid(`${verb} is not possible: the plan tolerates this node's failure and has gone on`, {
        status: "FAILED",
        allowedIn: [],
      });
    case "member-of-first-success":
      return invalid(`${verb} of one candidate is not possible; ${verb} its group instead`, { allowedIn: [] });
    case "moving":
      return invalid(`${verb} is not possible until ${run} has come to rest`, { status: state.status, allowedIn: [] });
    case "not-waiting": {
      const id = "node" in input ? nodeId(executor, input.node) : "";
      const text = refusal.group
        ? `${verb} is for the members of "${id}", one by one: "${id}[0]", ...`
        : `${verb} is for nodes with the action ${refusal.action}; "${id}" has another`;
      return invalid(text, { node: id, allowedIn: [] });
    }
    case "prohibited": {
      const nodes = refusal.nodes.map((node) => nodeId(executor, node));
      const why =
        nodes.length === 0
          ? "the plan prohibits rollback"
          : `it would cross the point of no return: ${nodes.join(", ")} ${nodes.length === 1 ? "has" : "have"} started`;
      const remedy = nodes.length === 0 ? "retry, skip or abandon" : 'a rollback to "barrier" undoes what is safe';
      return new BelayError("ROLLBACK_PROHIBITED", `rollback of ${run} is refused: ${why}; ${remedy}`, { nodes });
    }
  }
}

function invalid(message: string, details: Record<string, unknown>): BelayError {
  return new BelayError("STATE_INVALID", message, details);
}

function list(words: readonly string[]): string {
  return words.length === 0 ? "no state" : words.join(", ");
}
