/** OceanBase clusters: the failover's actions, the port they act through, and a cluster model in memory. */
export { type FailoverInput, type OceanBaseActionOptions, oceanBaseActions } from "./actions.ts";
export {
  type ClusterRole,
  type ClusterSql,
  type ClusterStatus,
  type ClusterView,
  type FailoverMode,
  joinControl,
  type KnownCluster,
  type MetadataRow,
  type MetadataTable,
  type OceanBaseControl,
  type PlatformMetadata,
  type ProtectionLevel,
  type ProtectionMode,
  type ServerState,
  type ServerWatch,
  type SwitchoverStatus,
} from "./control.ts";
export { openFileMetadata } from "./file-metadata.ts";
export {
  type ClusterSpec,
  createOceanBaseModel,
  type ModelCall,
  type OceanBaseModel,
  type OceanBaseModelOptions,
  type OceanBaseModelState,
  restoreOceanBaseModel,
} from "./model.ts";
export { createPlatformMetadata } from "./model-metadata.ts";
export { createNotes, type Notes, promotionKey, rebuildKey } from "./notes.ts";
export {
  LockedError,
  OceanBaseError,
  REFUSALS,
  type RefusalCode,
  remedyFor,
  SWITCHOVER_REASONS,
  type SwitchoverReason,
  TENANT_ERRORS,
} from "./refusal.ts";
export { SWITCHOVER_TRANSITIONS } from "./switchover-state.ts";
export type { TenantAccess } from "./tenant-access.ts";
export { oceanBaseTenantActions } from "./tenant-actions.ts";
export {
  type LogStream,
  type NewRestoreSource,
  type RestoreSource,
  secondsBetween,
  type TenantChange,
  type TenantControl,
  type TenantRole,
  type TenantSwitchoverStatus,
  type TenantView,
} from "./tenant-control.ts";
export {
  createTenantModel,
  restoreTenantModel,
  type TenantCall,
  type TenantModel,
  type TenantModelOptions,
  type TenantModelState,
  type TenantSpec,
} from "./tenant-model.ts";
