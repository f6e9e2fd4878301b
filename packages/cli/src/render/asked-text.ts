/** What somebody asked of a run, in one line: who, what, of which node, why. Pure. */
import type { AskedVerb } from "@belay/engine";
import { oneLine } from "./text.ts";

/** `ada: retry of work: the disk is replaced (request 7f)`. */
export function askedText({ verb, node, to, who, why, requestId, output }: AskedVerb): string {
  const what = verb === "skipRollback" ? "skip-rollback" : verb;
  const of = node === null ? "" : ` of ${node}`;
  const until = to === null ? "" : ` to ${to}`;
  const given = output === undefined ? "" : ` with ${JSON.stringify(output)}`;
  const reason = why === null ? "" : `: ${why}`;
  const request = requestId === null ? "" : ` (request ${requestId})`;
  return oneLine(`${who ?? "somebody"}: ${what}${of}${until}${given}${reason}${request}`);
}
