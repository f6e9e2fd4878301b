/**
 * Why a failover is refused, by codes of this package, and what the API says in each case: one table for both directions, so that a
 * server answers, and a client of Alibaba's endpoint understands, the same words.
 */

/** An error of the API. */
export interface PolarApiError {
  /** HTTP status. */
  readonly status: number;
  /** `Code` of the error envelope. */
  readonly code: string;
  /** `Message` of the error envelope. */
  readonly message: string;
}

/** A code with which a failover is refused. */
export type PolarRefusal =
  /** A parameter that this engine requires is missing. */
  | "PARAMETER_MISSING"
  /** A parameter has a value that it cannot have. */
  | "PARAMETER_INVALID"
  /** No cluster has that id. */
  | "CLUSTER_UNKNOWN"
  /** The cluster is not Running. */
  | "CLUSTER_NOT_RUNNING"
  /** The cluster is locked, for instance because it has expired. */
  | "CLUSTER_LOCKED"
  /** The cluster has one node only. */
  | "CLUSTER_CATEGORY"
  /** The engine is none that can switch. */
  | "ENGINE_UNKNOWN"
  /** The cluster has no such node. */
  | "NODE_UNKNOWN"
  /** The node is the writer, or can never be it. */
  | "NODE_TYPE"
  /** No node can take over. */
  | "NO_CANDIDATE"
  /** The node is not Running. */
  | "NODE_NOT_RUNNING"
  /** The node is in the wrong zone. */
  | "NODE_ZONE"
  /** The node does not replicate, or lacks what others have. */
  | "UNHEALTHY_REPLICATION"
  /** The last switch was less than `switchIntervalSeconds` ago. */
  | "RECOVERY_BLOCKED"
  /** Another run has the cluster's lock (`BelayError` LOCKED). */
  | "LOCKED"
  /** The run's parameters do not fit the plan (`BelayError` PARAMS_INVALID). */
  | "PARAMS_INVALID"
  /** The client token was used for another request (`BelayError`). */
  | "IDEMPOTENT_PARAMETER_MISMATCH";

/**
 * The table. Where several refusals have one code of the API, the first of them is what that code is read as. The spelling of
 * UnsupportWitchUnhealthyReplication is the API's.
 */
const API_ERRORS: Readonly<Record<PolarRefusal, readonly [status: number, code: string, message: string]>> = {
  PARAMETER_MISSING: [
    400,
    "MissingParameter",
    "The input parameter that is mandatory for processing this request is not supplied.",
  ],
  PARAMETER_INVALID: [400, "InvalidParameter", "The specified parameter is not valid."],
  CLUSTER_UNKNOWN: [404, "InvalidDBCluster.NotFound", "The DBClusterId provided does not exist in our records."],
  CLUSTER_NOT_RUNNING: [
    403,
    "OperationDenied.DBClusterStatus",
    "The operation is not permitted due to Cluster status.",
  ],
  CLUSTER_LOCKED: [403, "OperationDenied.LockMode", "The operation is not permitted due to LockMode."],
  CLUSTER_CATEGORY: [403, "OperationDenied.ClusterCategory", "The operation is not permitted due to cluster category."],
  ENGINE_UNKNOWN: [400, "InvalidDBType.Malformed", "The Specified DBType is not valid."],
  NODE_UNKNOWN: [400, "InvalidDBNodeId.Malformed", "The specified parameter DBNodeId is not valid."],
  NODE_TYPE: [403, "OperationDenied.DBNodeType", "The operation is not permitted due to type of node."],
  NO_CANDIDATE: [400, "HaStatusNotSupport", "Current DB instance HA status does not support this operation."],
  NODE_NOT_RUNNING: [400, "HaStatusNotSupport", "Current DB instance HA status does not support this operation."],
  NODE_ZONE: [400, "HaStatusNotSupport", "Current DB instance HA status does not support this operation."],
  UNHEALTHY_REPLICATION: [
    400,
    "UnsupportWitchUnhealthyReplication",
    "The action is unsupported with unhealthy replication.",
  ],
  RECOVERY_BLOCKED: [
    400,
    "UnsupportHighFrequenceSwitchOver",
    "The instance has switch over too frequent within ten minutes.",
  ],
  LOCKED: [403, "OperationDenied.DBClusterStatus", "The operation is not permitted due to Cluster status."],
  PARAMS_INVALID: [400, "InvalidParameter", "The specified parameter is not valid."],
  IDEMPOTENT_PARAMETER_MISMATCH: [
    400,
    "IdempotentParameterMismatch",
    "The request uses the same client token as a previous, but non-identical request.",
  ],
};

/** Refusals that have a row in the table. */
export const POLAR_REFUSALS: readonly PolarRefusal[] = Object.keys(API_ERRORS) as PolarRefusal[];

/** What the API says for the code of a failed node or of a `BelayError`; undefined when it has no word for it (answer InternalError). */
export function polarApiError(code: string): PolarApiError | undefined {
  if (!Object.hasOwn(API_ERRORS, code)) return undefined;
  const [status, name, message] = API_ERRORS[code as PolarRefusal];
  return { status, code: name, message };
}

/** Codes that the endpoint gives for what has another name here, or a suffix of its client. */
const ALSO: Readonly<Record<string, PolarRefusal>> = {
  "InvalidDBClusterId.NotFound": "CLUSTER_UNKNOWN",
  "InvalidDBClusterId.Malformed": "CLUSTER_UNKNOWN",
  "Forbidden.ClusterNotFound": "CLUSTER_UNKNOWN",
};

/** The refusal that a code of the API stands for; undefined for others. Clients that add "Error" to a code are understood. */
export function refusalOfApiCode(code: string): PolarRefusal | undefined {
  const plain = code.replace(/Error$/, "");
  return ALSO[plain] ?? POLAR_REFUSALS.find((refusal) => API_ERRORS[refusal][1] === plain);
}
