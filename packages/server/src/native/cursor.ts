/**
 * Where a list of runs goes on: after which run of it. Opaque to clients; what comes back is believed in nothing: it is checked to be a
 * place in the very list it was made for.
 */
import { createHash } from "node:crypto";
import { Fault } from "../web/fault.ts";

/** A place in a list of runs, newest first. */
export interface Place {
  /** Start of the run, epoch milliseconds. */
  readonly at: number;
  readonly runId: string;
}

/** The cursor after that place of the list that `filters` make. */
export function cursorOf({ at, runId }: Place, filters: object): string {
  return Buffer.from(JSON.stringify([at, runId, digestOf(filters)])).toString("base64url");
}

/** The place that a cursor means. Throws a Fault, INVALID_ARGUMENT, for what is no cursor of this list. */
export function placeOf(cursor: string, filters: object): Place {
  const [at, runId, digest] = parsed(cursor);
  if (!Number.isSafeInteger(at) || typeof runId !== "string" || typeof digest !== "string") {
    throw new Fault(400, "INVALID_ARGUMENT", "query.cursor is none that this server gave");
  }
  if (digest !== digestOf(filters)) {
    throw new Fault(
      400,
      "INVALID_ARGUMENT",
      "query.cursor belongs to a list with other filters; ask for the list anew",
    );
  }
  return { at: at as number, runId };
}

/** Orders places, the newest first; ids decide where times do not. */
export function byAge(a: Place, b: Place): number {
  return b.at - a.at || (a.runId < b.runId ? 1 : -Number(a.runId > b.runId));
}

function parsed(cursor: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function digestOf(filters: object): string {
  return createHash("sha256").update(JSON.stringify(filters)).digest("base64url").slice(0, 8);
}
