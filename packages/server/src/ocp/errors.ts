/**
 * Refusals in OCP's numbers. Owns: the code and the HTTP status of each, as tables; the numbers are those of OCP's `ErrorCodes`.
 */
import { Fault, type FaultCode } from "../web/fault.ts";

/** OCP's numbers that this API has a use for. */
export const OCP_CODES = {
  THROTTLED: 0,
  ILLEGAL_ARGUMENT: 10001,
  NOT_FOUND: 10002,
  UNEXPECTED: 10010,
  TASK_NOT_EXISTS: 20000,
  TASK_STATE_INVALID: 20003,
  TASK_PROHIBIT_ROLLBACK: 20004,
  NOT_AUTHENTICATED: 30000,
  BAD_CREDENTIALS: 30004,
  NOT_PERMITTED: 30014,
  CLUSTER_OPS_NOT_ALLOWED: 50002,
} as const;

/** One of them, by its name. */
export type OcpCode = keyof typeof OCP_CODES;

/** A refusal with the number and the words it has here. */
export class OcpFault extends Fault {
  readonly ocp: OcpCode;

  constructor(ocp: OcpCode, message: string) {
    const { status, code } = OWN[ocp];
    super(status, code, message);
    this.ocp = ocp;
  }
}

/** HTTP status of those that this API refuses with by itself. */
const OWN: Readonly<Record<OcpCode, { readonly status: number; readonly code: FaultCode }>> = {
  THROTTLED: { status: 429, code: "THROTTLED" },
  ILLEGAL_ARGUMENT: { status: 400, code: "INVALID_ARGUMENT" },
  NOT_FOUND: { status: 404, code: "NOT_FOUND" },
  UNEXPECTED: { status: 500, code: "INTERNAL" },
  TASK_NOT_EXISTS: { status: 404, code: "NOT_FOUND" },
  TASK_STATE_INVALID: { status: 400, code: "STATE_INVALID" },
  TASK_PROHIBIT_ROLLBACK: { status: 400, code: "ROLLBACK_PROHIBITED" },
  NOT_AUTHENTICATED: { status: 401, code: "UNAUTHENTICATED" },
  BAD_CREDENTIALS: { status: 401, code: "UNAUTHENTICATED" },
  NOT_PERMITTED: { status: 403, code: "FORBIDDEN" },
  CLUSTER_OPS_NOT_ALLOWED: { status: 409, code: "LOCKED" },
};

/** What every other refusal is here; a status only where OCP has another one than the refusal itself. */
const BY_FAULT: Readonly<Record<FaultCode, { readonly ocp: OcpCode; readonly status?: number }>> = {
  STATE_INVALID: { ocp: "TASK_STATE_INVALID", status: 400 },
  ROLLBACK_PROHIBITED: { ocp: "TASK_PROHIBIT_ROLLBACK", status: 400 },
  LOCKED: { ocp: "CLUSTER_OPS_NOT_ALLOWED" },
  FENCED: { ocp: "TASK_STATE_INVALID" },
  SECRET_MISSING: { ocp: "TASK_STATE_INVALID" },
  PLAN_CHANGED: { ocp: "TASK_STATE_INVALID" },
  IDEMPOTENT_PARAMETER_MISMATCH: { ocp: "ILLEGAL_ARGUMENT" },
  INVALID_ARGUMENT: { ocp: "ILLEGAL_ARGUMENT" },
  PARAMS_INVALID: { ocp: "ILLEGAL_ARGUMENT", status: 400 },
  PRECONDITION: { ocp: "ILLEGAL_ARGUMENT" },
  MALFORMED: { ocp: "ILLEGAL_ARGUMENT" },
  MEDIA_TYPE: { ocp: "ILLEGAL_ARGUMENT" },
  TOO_LARGE: { ocp: "ILLEGAL_ARGUMENT" },
  NOT_FOUND: { ocp: "NOT_FOUND" },
  ROUTE_UNKNOWN: { ocp: "NOT_FOUND" },
  UNAUTHENTICATED: { ocp: "BAD_CREDENTIALS" },
  FORBIDDEN: { ocp: "NOT_PERMITTED" },
  FOREIGN: { ocp: "NOT_PERMITTED" },
  THROTTLED: { ocp: "THROTTLED" },
  UNAVAILABLE: { ocp: "UNEXPECTED" },
  CLOSED: { ocp: "UNEXPECTED" },
  // A plan or a site that does not fit is nothing a client could mend.
  PLAN_INVALID: { ocp: "UNEXPECTED", status: 500 },
  UNKNOWN_ACTION: { ocp: "UNEXPECTED", status: 500 },
  JOURNAL_FAILED: { ocp: "UNEXPECTED" },
  JOURNAL_IN_USE: { ocp: "UNEXPECTED" },
  JOURNAL_CORRUPT: { ocp: "UNEXPECTED" },
  ENVIRONMENT: { ocp: "UNEXPECTED" },
  INTERNAL: { ocp: "UNEXPECTED" },
};

/** OCP's own words for a throttled request. */
const THROTTLED_TEXT =
  "Excessive number of requests. You have exceeded the request limit for the current throttling window.";

/** A refusal as OCP tells it. `hasCredentials`: the request had some, right or wrong. */
export function ocpErrorOf(fault: Fault, hasCredentials: boolean): { status: number; code: number; message: string } {
  const { ocp, status = fault.status } = fault instanceof OcpFault ? fault : BY_FAULT[fault.code];
  const nobody = ocp === "BAD_CREDENTIALS" && !hasCredentials;
  return {
    status,
    code: OCP_CODES[nobody ? "NOT_AUTHENTICATED" : ocp],
    message: ocp === "THROTTLED" ? THROTTLED_TEXT : fault.message,
  };
}
