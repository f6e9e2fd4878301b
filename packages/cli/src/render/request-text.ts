/** A request that left no entry in the audit trail, as data and in one line: refused, or not answered yet. Pure. */
import type { Json } from "@belay/engine";
import type { RequestAnswer } from "@belay/engine/journal";
import type { AskedRequest } from "../database/database-file.ts";
import { oneLine } from "./text.ts";

/** One of them. */
export interface UndoneRequest {
  readonly requestId: string;
  /** Name of the method. */
  readonly verb: string;
  /** null = the whole run. */
  readonly nodeId: string | null;
  readonly to: string | null;
  readonly who: string | null;
  readonly why: string | null;
  /** Why it was refused; null while nobody has answered. */
  readonly refused: { readonly code: string; readonly message: string } | null;
}

/** The request with what came of it; undefined when it was done, and is in the audit trail. */
export function undoneRequest({ request, answer }: AskedRequest): UndoneRequest | undefined {
  if (answer?.ok === true) return undefined;
  const { requestId, verb, args } = request;
  const [first, second] = args;
  const options = fieldsOf(typeof first === "string" ? second : first);
  const node = typeof first === "string" ? first : options["node"];
  return {
    requestId,
    verb,
    nodeId: text(node),
    to: text(options["to"]),
    who: text(options["who"]),
    why: text(options["why"]),
    refused: refusalOf(answer),
  };
}

/** `ada: retry of work: the disk is replaced (request 7f): refused: ...`. */
export function requestText({ verb, nodeId, to, who, why, requestId, refused }: UndoneRequest): string {
  const what = verb === "skipRollback" ? "skip-rollback" : verb;
  const of = nodeId === null ? "" : ` of ${nodeId}`;
  const until = to === null ? "" : ` to ${to}`;
  const reason = why === null ? "" : `: ${why}`;
  const came = refused === null ? "not answered yet" : `refused: ${refused.code}: ${refused.message}`;
  return oneLine(`${who ?? "somebody"}: ${what}${of}${until}${reason} (request ${requestId}): ${came}`);
}

function refusalOf(answer: RequestAnswer | undefined): UndoneRequest["refused"] {
  return answer === undefined || answer.ok ? null : { code: answer.code, message: answer.message };
}

function fieldsOf(value: Json | undefined): Readonly<Record<string, Json>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, Json>>)
    : {};
}

function text(value: Json | undefined): string | null {
  return typeof value === "string" ? value : null;
}
