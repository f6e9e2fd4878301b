/**
 * @belay/failover-plans/local-mariadb: real MariaDB clusters on this machine, for drills, demos and tests, and clients that measure
 * what a failover cost them.
 */
export type { WorkloadReport } from "../workload/workload-report.ts";
export { findMariadb, MARIADB_PACKAGE, type MariadbBinaries, needMariadb } from "./binaries.ts";
export { createMariadbCluster, type MariadbCluster, type MariadbClusterOptions } from "./cluster.ts";
export { type MariadbWorkload, type MariadbWorkloadOptions, startMariadbWorkload } from "./workload.ts";
