/**
 * Refusals before they are put in an API's words. Owns: what a refusal is, which HTTP status a `BelayError` has, what the framework's own
 * errors mean. Each surface renders faults in its envelope (`surface.ts`). An error that nobody foresaw becomes INTERNAL without a word of
 * its own: what went wrong inside is for the log, not for clients.
 */
import { BelayError, type Json } from "@belay/engine";

/** What went wrong with a request, for programs; the codes of `BelayError` beside those of HTTP. */
export type FaultCode =
  | BelayError["code"]
  /** No route: path, or method of a path. */
  | "ROUTE_UNKNOWN"
  /** What HTTP itself could not read, or a body that is no JSON. */
  | "MALFORMED"
  /** A body, a header or a URL is too large. */
  | "TOO_LARGE"
  /** The media type of the body is none that is read. */
  | "MEDIA_TYPE"
  /** Nobody, or a wrong secret. */
  | "UNAUTHENTICATED"
  /** Too many requests. */
  | "THROTTLED"
  /** Sent by a page of another origin, or to a name that is not this server's. */
  | "FOREIGN"
  /** A client token, header or other condition of the request does not hold. */
  | "PRECONDITION"
  /** The server goes down, or is too busy. */
  | "UNAVAILABLE";

/** A refusal, thrown by routes and hooks. */
export class Fault extends Error {
  /** HTTP status, 400 to 599. */
  readonly status: number;
  readonly code: FaultCode;
  /** For programs; never a secret. */
  readonly details: Readonly<Record<string, unknown>>;
  /** Response headers beside those of every response. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: FaultCode,
    message: string,
    more: { readonly details?: Record<string, unknown>; readonly headers?: Record<string, string> } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = more.details ?? {};
    this.headers = more.headers ?? {};
  }
}

const STATUS: Readonly<Partial<Record<BelayError["code"], number>>> = {
  PLAN_INVALID: 422,
  PARAMS_INVALID: 422,
  UNKNOWN_ACTION: 422,
  INVALID_ARGUMENT: 400,
  NOT_FOUND: 404,
  STATE_INVALID: 409,
  ROLLBACK_PROHIBITED: 409,
  FORBIDDEN: 403,
  LOCKED: 409,
  IDEMPOTENT_PARAMETER_MISMATCH: 409,
  FENCED: 409,
  SECRET_MISSING: 409,
  PLAN_CHANGED: 409,
  CLOSED: 503,
};

/** The framework's errors by HTTP status. */
const FRAMEWORK: Readonly<Record<number, FaultCode>> = {
  400: "MALFORMED",
  404: "ROUTE_UNKNOWN",
  405: "ROUTE_UNKNOWN",
  408: "MALFORMED",
  413: "TOO_LARGE",
  414: "TOO_LARGE",
  415: "MEDIA_TYPE",
  429: "THROTTLED",
  431: "TOO_LARGE",
  503: "UNAVAILABLE",
};

/** Any error as a fault. Those of the server itself (500) say nothing of their own. */
export function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error;
  if (error instanceof BelayError) {
    const status = STATUS[error.code];
    if (status !== undefined) return new Fault(status, error.code, error.message, { details: plain(error.details) });
    return new Fault(500, "INTERNAL", "the server failed to carry this out; its log says why");
  }
  const { statusCode, message } = Object(error) as { readonly statusCode?: unknown; readonly message?: unknown };
  const code = typeof statusCode === "number" ? FRAMEWORK[statusCode] : undefined;
  if (code === undefined) return new Fault(500, "INTERNAL", "the server failed to carry this out; its log says why");
  if (code === "MEDIA_TYPE")
    return new Fault(415, code, "a body of that type is not read: send content-type: application/json");
  return new Fault(statusCode as number, code, String(message));
}

/** Whether the log has to say what happened. */
export function isOurs(error: unknown): boolean {
  return faultOf(error).status === 500;
}

/** Details as JSON, what is none left out. */
function plain(details: Readonly<Record<string, unknown>>): Record<string, Json> {
  try {
    return JSON.parse(JSON.stringify(details)) as Record<string, Json>;
  } catch {
    return {};
  }
}
