/**
 * From what an action threw to a `NodeFailure` (R27): data that can be journaled. Owns: the failures the engine makes,
 * the form of those that actions throw.
 */
import { Cause } from "../core/index.ts";
import { NonRetryable } from "../errors.ts";
import type { Json } from "../plan/document.ts";
import type { NodeFailure } from "./api.ts";
import { jsonValue } from "./json-value.ts";
import { STOP_CODES } from "./words.ts";

const LONGEST_MESSAGE = 8192;
/** Bytes; larger details are left out. */
const LARGEST_DETAILS = 64 * 1024;

/** What an action threw, as data. `nonRetryable` lists the codes that end the node's attempts. */
export function failureOf(thrown: unknown, nonRetryable: readonly string[]): NodeFailure {
  try {
    return readFailure(thrown, nonRetryable);
  } catch {
    // A getter of what was thrown threw in its turn.
    return { code: "ERROR", message: "something that cannot be read was thrown", retryable: true };
  }
}

function readFailure(thrown: unknown, nonRetryable: readonly string[]): NodeFailure {
  const code = codeOf(thrown);
  const message = messageOf(thrown).slice(0, LONGEST_MESSAGE);
  const retryable = !(thrown instanceof NonRetryable) && !isMarked(thrown) && !nonRetryable.includes(code);
  const details = detailsOf(thrown);
  return details === undefined ? { code, message, retryable } : { code, message, retryable, details };
}

/** `NonRetryable` of another copy of this package. */
function isMarked(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === "NonRetryable";
}

function codeOf(thrown: unknown): string {
  if (typeof thrown === "object" && thrown !== null && "code" in thrown) {
    const { code } = thrown;
    if (typeof code === "string" && code !== "") return code;
    if (typeof code === "number") return String(code);
  }
  return "ERROR";
}

function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return String(thrown.message) === "" ? String(thrown.name) : String(thrown.message);
  if (typeof thrown === "object" && thrown !== null && "message" in thrown && typeof thrown.message === "string") {
    return thrown.message;
  }
  try {
    return String(thrown);
  } catch {
    return "something that cannot be shown was thrown";
  }
}

function detailsOf(thrown: unknown): Json | undefined {
  if (typeof thrown !== "object" || thrown === null || !("details" in thrown)) return undefined;
  const json = jsonValue(thrown.details, LARGEST_DETAILS);
  return json.ok ? json.value : undefined;
}

/** A failure the engine itself makes. */
export function engineFailure(code: string, message: string, details?: Json): NodeFailure {
  return details === undefined ? { code, message, retryable: false } : { code, message, retryable: false, details };
}

/** Why an attempt was stopped. `seconds` are those of the deadline that passed; `waits`: it waited for people, a message or a time. */
export function stoppedFailure(cause: number, seconds: number, waits = false): NodeFailure {
  const retryable = cause === Cause.TIMEOUT || cause === Cause.HEARTBEAT;
  return { code: STOP_CODES[cause] as string, message: stopMessage(cause, seconds, waits), retryable };
}

function stopMessage(cause: number, seconds: number, waits: boolean): string {
  switch (cause) {
    case Cause.TIMEOUT:
      if (waits) return `what it waits for did not come within ${seconds} s; it changes nothing by itself`;
      return `timed out after ${seconds} s; it may have taken effect`;
    case Cause.HEARTBEAT:
      return `no heartbeat for ${seconds} s; it may have taken effect`;
    case Cause.TOTAL:
      return `all attempts together took longer than ${seconds} s`;
    case Cause.RUN_TIMEOUT:
      return `the run took longer than ${seconds} s`;
    case Cause.KILL:
      return "stopped because another node failed (failureMode: kill)";
    default:
      return `canceled by an operator; ${waits ? "it changes nothing by itself" : "it may have taken effect"}`;
  }
}
