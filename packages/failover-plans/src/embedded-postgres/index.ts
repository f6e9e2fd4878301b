/**
 * @belay/failover-plans/embedded-postgres: real PostgreSQL clusters on this machine, for drills, demos and tests, and a
 * workload that measures what a failover cost its clients.
 */

export type { WorkloadReport } from "../workload/workload-report.ts";
export { type ClusterOptions, createPostgresCluster, type Durability, type PostgresCluster } from "./cluster.ts";
export type { ClusterStatus, NodeStatus } from "./cluster-status.ts";
export { type TakeOverOptions, takeOverPostgresCluster } from "./take-over.ts";
export { type ResumeOptions, resumeWorkload, startWorkload, type Workload, type WorkloadOptions } from "./workload.ts";
