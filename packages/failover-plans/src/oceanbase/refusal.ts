/**
 * Why OceanBase, or the platform above it, says no. Owns: the error class of the port and the tables of reasons.
 * Texts of SWITCHOVER_INFO are OceanBase's own, its misspellings included: they are compared, not read aloud.
 */

/** Reasons of SWITCHOVER_INFO for SWITCHOVER_STATUS = NOT ALLOWED, with what to do. Some carry names after a colon. */
export const SWITCHOVER_REASONS = {
  "CHECK PRIMARY CLUSTER SERVER STATUS": "a server of the primary is alive: stop it, or use a switchover",
  "CHECK STADNBY CLUSTER SERVER STATUS": "a server of the standby is down: start it, or take it offline for good",
  "CHECK PRIMARY CLUSTER REBALANCE TASK STATUS": "wait until the primary has finished rebalancing",
  "CHECK STANDBY CLUSTER REBALANCE TASK STATUS": "wait until the standby has finished rebalancing",
  "CHECK MERGE STATUS": "wait until the merge is over",
  "NONE SYNCED STANDBY CLUSTER": "no standby is synchronised",
  "CHECK SYS SCHEMA SYNC STATUS": "wait until the system schemas are synchronised",
  "CHECK USER SCHEMA SYNC STATUS": "wait until the user schemas are synchronised",
  "CHECK FREEZE INFO SYNC STATUS": "wait until the freeze information is synchronised",
  "CHECK ENOUG REPLICA": "the standby has lost too many replicas: restore a majority",
  "CHECK REDO LOG SYNC STATUS": "wait until the redo log is synchronised",
  "CAN NOT ACCESS CLUSTERS": "a cluster it has to ask does not answer",
  "NO CLUSTER IN SWITCHING": "no switchover is under way",
  "INNER ERROR": "look into the server's log",
  "PRIMARY CLUSTER NOT IN SYNC MODE": "set the redo transport of the primary to SYNC",
  "STANDBY CLUSTER NOT IN SYNC MODE": "set the redo transport of the standby to SYNC",
  "PRIMARY CLUSTER DOING BACKUP": "wait until the backup of the primary is over",
} as const;

export type SwitchoverReason = keyof typeof SWITCHOVER_REASONS;

/** Every way in which a call of the port is refused, and whether asking again later can help. */
export const REFUSALS = {
  /** No server of the cluster answers. */
  CLUSTER_UNREACHABLE: { retryable: true },
  /** The platform or the cluster does not know that cluster. */
  CLUSTER_UNKNOWN: { retryable: false },
  /** A server of the primary is alive: a failover would make two primaries. */
  ALIVE_OBSERVER: { retryable: false },
  /** The statement needs a standby, and the cluster is none. */
  NOT_STANDBY: { retryable: false },
  /** The statement needs the primary, and the cluster is a standby. */
  NOT_PRIMARY: { retryable: false },
  /** SWITCHOVER_STATUS is NOT ALLOWED; the message carries SWITCHOVER_INFO. */
  NOT_ALLOWED: { retryable: true },
  /** Lossless was asked, but the protection level does not promise that the data agree. */
  NOT_LOSSLESS: { retryable: false },
  /** Only a lossy failover is possible, and the caller does not allow data loss. */
  DATA_LOSS_NOT_ALLOWED: { retryable: false },
  /** Another standby is DISABLED; FORCE skips the check. */
  OTHER_STANDBY_DISABLED: { retryable: false },
  /** SWITCHOVER_STATUS is FAILOVER FLASHBACK: issue the statement again. */
  FLASHBACK_UNFINISHED: { retryable: true },
  /** Another owner holds the lock of one of the clusters. */
  LOCKED: { retryable: false },
  /** The caller writes without holding the lock. */
  LOCK_LOST: { retryable: false },
  /** A standby lacks more of the primary's log than is allowed, or than OceanBase allows. */
  LOGS_BEHIND: { retryable: true },
  /** No server that carries the tenant answers. */
  TENANT_UNREACHABLE: { retryable: true },
  /** The tenant is not known. */
  TENANT_UNKNOWN: { retryable: false },
  /** The tenant is on its way from one role to another. */
  NOT_NORMAL: { retryable: true },
  /** A log stream does not serve, or one of its replicas is on a server that is not active. */
  REPLICA_OFFLINE: { retryable: true },
  /** The old primary is no standby yet, or on its way (9088). */
  OLD_PRIMARY_NOT_STANDBY: { retryable: true },
  /** A log stream of the old primary is in a state that does not fit (9089). */
  OLD_PRIMARY_LOG_STREAM: { retryable: true },
  /** The login to the old primary failed (4043): wrong password, or the tenant was dropped. */
  OLD_PRIMARY_LOGIN: { retryable: false },
  /** The old primary is locked (5260). */
  OLD_PRIMARY_LOCKED: { retryable: true },
  /** The standby does not follow the primary that it is to take over from. */
  NOT_FOLLOWING: { retryable: false },
  /** No standby can become primary; the message says why of each. */
  NO_CANDIDATE: { retryable: true },
  /** Somebody is primary, or may be: to go on could make two. */
  TWO_PRIMARIES: { retryable: false },
  /** The server does not know the statement, or does not answer what the adapter asks for. */
  NOT_SUPPORTED: { retryable: false },
} as const;

/** A number of `TENANT_ERRORS`. */
export type TenantErrno = 4179 | 9088 | 9089 | 4043 | 5260;

/** Numbers with which a 4.x server refuses a change of role, what they are here, and what to do. */
export const TENANT_ERRORS: Readonly<Record<TenantErrno, { readonly code: RefusalCode; readonly remedy: string }>> = {
  4179: { code: "LOGS_BEHIND", remedy: "wait until the SYNC_SCN of both differ by less than 20 s" },
  9088: { code: "OLD_PRIMARY_NOT_STANDBY", remedy: "the old primary must be STANDBY and NORMAL first" },
  9089: { code: "OLD_PRIMARY_LOG_STREAM", remedy: "wait until the old primary is STANDBY and NORMAL" },
  4043: {
    code: "OLD_PRIMARY_LOGIN",
    remedy: "correct user and password of LOG_RESTORE_SOURCE; a dropped tenant leaves only a failover",
  },
  5260: { code: "OLD_PRIMARY_LOCKED", remedy: "unlock the old primary" },
};

export type RefusalCode = keyof typeof REFUSALS;

/** Thrown by the ports: the call was refused and had no effect, except FLASHBACK_UNFINISHED. */
export class OceanBaseError extends Error {
  override readonly name = "OceanBaseError";
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
  }

  /** Whether asking again later can help. */
  get retryable(): boolean {
    return REFUSALS[this.code].retryable;
  }
}

/** LOCKED, and by whom. */
export class LockedError extends OceanBaseError {
  /** Id of the run that holds the lock. */
  readonly holder: string;

  constructor(clusterId: number, holder: string) {
    super("LOCKED", `Cluster ${clusterId} is locked by ${holder}.`);
    this.holder = holder;
  }
}

/** What to do about a SWITCHOVER_INFO text; undefined for one that is not in the table. */
export function remedyFor(switchoverInfo: string): string | undefined {
  const reason = switchoverInfo.split(":", 1)[0]?.trim() ?? "";
  return Object.hasOwn(SWITCHOVER_REASONS, reason) ? SWITCHOVER_REASONS[reason as SwitchoverReason] : undefined;
}
