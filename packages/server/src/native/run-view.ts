/** A run as the native API shows it, as text, and the tag that tells whether it has moved. */
import { createHash } from "node:crypto";
import type { RunSnapshot } from "@belay/engine";
import { electionOf } from "./election.ts";

/** Status of a run that nothing leaves (R51). */
const TERMINAL: ReadonlySet<RunSnapshot["status"]> = new Set(["SUCCESSFUL", "ROLLED_BACK", "ABANDONED"]);

/** JSON of a run and its ETag. */
export interface RunView {
  readonly json: string;
  /** Strong: equal tags are equal bytes. With its quotes. */
  readonly etag: string;
}

/** The view of a run as it stands. */
export function viewOf(snapshot: RunSnapshot): RunView {
  const election = electionOf(snapshot);
  const json = JSON.stringify(election === undefined ? snapshot : { ...snapshot, election });
  return { json, etag: `"${createHash("sha256").update(json).digest("base64url").slice(0, 27)}"` };
}

/** Whether a header such as If-Match or If-None-Match names that tag. */
export function names(header: string | readonly string[] | undefined, etag: string): boolean {
  const tags = String(header ?? "").split(",");
  return tags.some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag);
}

/** Whether nothing follows any more. */
export function isOver({ status }: Pick<RunSnapshot, "status">): boolean {
  return TERMINAL.has(status);
}
