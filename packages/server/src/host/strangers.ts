/**
 * Those who were turned away at the door, in the audit: wrong credentials, and people who may not. Owns: what such an entry has. How many
 * there can be is bounded by how often an address may guess; who sends no credentials at all, or is made to wait, is not written.
 */
import type { AuditEvent } from "./audit-log.ts";
import type { Asker, Host } from "./host.ts";

/** An entry, as far as the door knows it. */
export type TurnedAway = Pick<AuditEvent, "outcome"> &
  Partial<Pick<AuditEvent, "action" | "runId">> &
  Omit<Asker, "principal"> & {
    /** Name of the principal; null: nobody that is known. */
    readonly who: string | null;
  };

/** Writes it down; `action` is "authenticate" where nothing else is said. */
export function writeTurnedAway(host: Host, entry: TurnedAway): void {
  const at = new Date(host.clock.now()).toISOString();
  host.audit.add({ at, action: "authenticate", runId: null, plan: null, node: null, why: null, ...entry });
}
