/** Refusals that OCP's API decides by itself, in the audit beside those of the host: what was asked is written down either way. */
import { BelayError } from "@belay/engine";
import { may } from "../access/principal.ts";
import type { AuditEvent } from "../host/audit-log.ts";
import type { Asker, Host } from "../host/host.ts";

/** What was asked. */
export type Asked = Pick<AuditEvent, "action" | "plan"> & Partial<Pick<AuditEvent, "runId" | "node">>;

/** Writes down that it was refused, with that code. */
export function writeRefusal(
  host: Host,
  { principal, ...asker }: Asker,
  asked: Asked,
  outcome: BelayError["code"],
): void {
  const { surface, remote, requestId } = asker;
  const at = new Date(host.clock.now()).toISOString();
  const nothing = { runId: null, node: null, why: null };
  host.audit.add({ ...nothing, ...asked, at, who: principal.name, surface, remote, requestId, outcome });
}

/** OCP's TASK_MANAGER: whoever may steer runs of the plan. Throws BelayError, FORBIDDEN. */
export function checkManager(host: Host, asker: Asker, asked: Asked & { readonly plan: string }): void {
  const { name, role } = asker.principal;
  if (may(asker.principal, "steer", asked.plan)) return;
  writeRefusal(host, asker, asked, "FORBIDDEN");
  throw new BelayError("FORBIDDEN", `${name} (${role}) may not manage tasks of ${asked.plan}`);
}
