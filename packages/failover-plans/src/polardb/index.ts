/**
 * @belay/failover-plans/polardb: the actions of the PolarDB plan, the port to a cluster, and what it can be made of: PostgreSQL servers,
 * Alibaba Cloud's endpoint, a model in memory.
 */
export { openRecoveryLog } from "../recovery/recovery-file.ts";
export { memoryRoute } from "../route/route-memory.ts";
export { type PolardbActionsOptions, polardbActions } from "./actions.ts";
export { type PolarOnAlibabaOptions, polarOnAlibaba } from "./alibaba.ts";
export type { AlibabaClient, AlibabaModels } from "./alibaba-client.ts";
export {
  type ClusterStatus,
  type NodeStatus,
  type PolarCluster,
  type PolarEngine,
  type PolarNode,
  type TargetZoneType,
  writerOf,
} from "./cluster.ts";
export type { HaLogEntry, LedOrder, PolarCall, PolarControl, SwitchOrder } from "./control.ts";
export { type Election, type ElectionQuestion, elect, type Rejection } from "./election.ts";
export { explainPolardbRun } from "./explain.ts";
export { type ModelFault, type ModelNode, PolarModel, type PolarModelSpec, type PolarModelState } from "./model.ts";
export { type PolarOnPostgres, polarOnPostgres } from "./on-postgres.ts";
export type { PolarOnPostgresOptions, PostgresMember } from "./postgres-site.ts";
export { memoryPolarRecords, openPolarRecords, type PolarRecord, type PolarRecords } from "./records.ts";
export { POLAR_REFUSALS, type PolarApiError, type PolarRefusal, polarApiError, refusalOfApiCode } from "./refusal.ts";
export { clientTokenProblem } from "./request.ts";
