/**
 * What a failure of the server means: whether what was asked may have happened all the same, whether asking again can
 * help, and what a person should do. Owns: the table of SQLSTATEs and the wording of JOURNAL_FAILED.
 */
import { BelayError } from "../../errors.ts";
import { ConnectionFailed, ServerError } from "./client.ts";

/**
 * "unknown": the connection ended, it may have been carried out. "again": it was not, and may be soon. "final": it was
 * not, and will not be.
 */
export type Verdict = "unknown" | "again" | "final";

/** SQLSTATE, or the system's code, to what to do about it. */
const REMEDIES: Readonly<Record<string, string>> = {
  ADDRESS: "correct it",
  ECONNREFUSED: "start the server, or correct host and port",
  ENOTFOUND: "correct the host name",
  EHOSTUNREACH: "check the network and the host name",
  ETIMEDOUT: "check the network, the host name and the server",
  ECONNRESET: "check the server's log",
  "28P01": "correct user and password, or the server's pg_hba.conf",
  "28000": "correct the user, or the server's pg_hba.conf",
  "3D000": "create the database, or correct its name",
  "3F000": "the schema is gone: restore it, or start with a new one",
  "42P01": "tables of the journal are gone: restore them, or use another schema",
  "42501": "grant the user CREATE on the database, or all rights on the schema and its tables",
  "25006": "it is a standby or read only: connect to the primary",
  "53100": "its disk is full: make room",
  "53200": "it has no memory left: give it more, or use it less",
  "53300": "it has too many connections: raise max_connections",
  "55000": "see the server's log",
  "57014": "the statement was cancelled: raise the role's statement_timeout, or look who cancels",
  "57P01": "the server is being shut down: start it",
  "57P02": "the server has crashed: look at its log",
  "57P03": "the server is starting or stopping: try again",
  "40001": "the transaction was in conflict with others: try again",
  "40P01": "the transaction was in conflict with others: try again",
  "55P03": "the role's lock_timeout is too short: raise it",
};

/** The server has not done it and may do it when asked again, at once or over a new connection. */
const AGAIN: ReadonlySet<string> = new Set([
  "40001",
  "40P01",
  "55P03",
  // A demoted primary: the name may lead to the new one.
  "25006",
  "25P03",
  "25P04",
  "53300",
  "57P03",
  "57P05",
]);

/** The session ended: over the same connection nothing can be asked any more, or nothing of use. */
const SESSION_OVER = /^(08|57P|25006$|25P03$|25P04$)/;

/** What a failed statement leaves. */
export function verdictOf(error: unknown): Verdict {
  if (error instanceof ConnectionFailed) return error.code === "ADDRESS" ? "final" : "unknown";
  if (!(error instanceof ServerError)) return "final";
  if (AGAIN.has(error.code)) return "again";
  return SESSION_OVER.test(error.code) ? "unknown" : "final";
}

/** Whether the connection that said so is of no more use. */
export function endsSession(error: unknown): boolean {
  return !(error instanceof ServerError) || SESSION_OVER.test(error.code);
}

/** JOURNAL_FAILED: which server, doing what, its own words, the remedy. `details`: `server`, `code`. */
export function journalFailed(server: string, doing: string, error: unknown): BelayError {
  if (error instanceof BelayError) return error;
  const { message, code } = error as { message?: unknown; code?: unknown };
  const known = typeof code === "string" ? code : undefined;
  const words = [`${message}`.split("\n")[0], known === undefined ? "" : `(${known})`].filter(Boolean).join(" ");
  const remedy = REMEDIES[known ?? ""] ?? "see the server's log";
  const details = known === undefined ? { server } : { server, code: known };
  return new BelayError("JOURNAL_FAILED", `${server}: ${doing} failed: ${words}; ${remedy}`, details, error);
}
