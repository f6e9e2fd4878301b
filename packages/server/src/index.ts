/** @belay/server: Belay over HTTP. See docs/apis.md. */
export type { Role } from "./access/principal.ts";
export { actionsByKey } from "./actions-by-key.ts";
export { type BelayServer, startServer } from "./server.ts";
export { type Flags, readSettings, type Settings } from "./settings/settings.ts";
export type {
  ClusterPlan,
  OcpCluster,
  OcpSite,
  PolarClusterFacts,
  PolarSite,
  Site,
  SiteCluster,
  SiteNode,
  SiteRuns,
} from "./site.ts";
