/** OceanBase over SQL: the ports of `@belay/failover-plans/oceanbase` on real clusters and tenants. Loads the client of MySQL's protocol. */
export { type ClusterSite, clusterSql } from "./cluster-control.ts";
export { watchServers } from "./server-watch.ts";
export { OutcomeUnknown, ServerSaidNo, type SqlAccess, type SqlAddress } from "./sys-session.ts";
export { type TenantSite, type TenantSqlOptions, tenantSql } from "./tenant-control.ts";
