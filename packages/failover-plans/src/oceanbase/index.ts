/** OceanBase clusters: the failover's actions, the port they act through, and a cluster model in memory. */
export { type FailoverInput, type OceanBaseActionOptions, oceanBaseActions } from "./actions.ts";
export type {
  ClusterRole,
  ClusterStatus,
  ClusterView,
  FailoverMode,
  KnownCluster,
  MetadataRow,
  MetadataTable,
  OceanBaseControl,
  ProtectionLevel,
  ProtectionMode,
  ServerState,
  SwitchoverStatus,
} from "./control.ts";
export {
  type ClusterSpec,
  createOceanBaseModel,
  type ModelCall,
  type OceanBaseModel,
  type OceanBaseModelOptions,
  type OceanBaseModelState,
  restoreOceanBaseModel,
} from "./model.ts";
export {
  OceanBaseError,
  REFUSALS,
  type RefusalCode,
  remedyFor,
  SWITCHOVER_REASONS,
  type SwitchoverReason,
} from "./refusal.ts";
export { SWITCHOVER_TRANSITIONS } from "./switchover-state.ts";
