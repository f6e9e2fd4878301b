/** Two clusters of OceanBase 3.x for the demos `oceanbase-failover` and `oceanbase-switchover`: their model, their servers, the actions. */
import {
  createOceanBaseModel,
  joinControl,
  type OceanBaseModelState,
  oceanBaseActions,
  restoreOceanBaseModel,
} from "@belay/failover-plans/oceanbase";
import { SERVER_PASSWORD, serveClusters } from "@belay/failover-plans/oceanbase-server";
import { clusterSql } from "@belay/failover-plans/oceanbase-sql";
import { type Installation, POLL_MS, type Surrounding } from "./oceanbase-installation.ts";

/** The clusters, as JSON. */
export type ClusterWorldState = OceanBaseModelState;

const PRIMARY = 1;
const STANDBY = 2;
const SPECS = [
  { clusterId: PRIMARY, name: "obcluster_primary", role: "PRIMARY" },
  { clusterId: STANDBY, name: "obcluster_standby", role: "PHYSICAL STANDBY" },
] as const;

/** The clusters as they begin, or as they were kept. */
export async function makeClusters(
  name: "oceanbase-failover" | "oceanbase-switchover",
  state: ClusterWorldState | undefined,
  { before, after }: Surrounding,
): Promise<Installation> {
  const options = { flashbackRounds: 2, cleanupLooks: 2, switchingLooks: 2, before, after };
  const model = state === undefined ? createOceanBaseModel(SPECS, options) : restoreOceanBaseModel(state, options);
  const dead = name === "oceanbase-failover";
  if (state === undefined && dead) model.stopCluster(PRIMARY);
  const servers = await serveClusters(model);
  const control = clusterSql(servers.sites, { password: SERVER_PASSWORD });
  return {
    about: dead
      ? `two clusters; every server of the primary, cluster ${PRIMARY}, is down`
      : `two clusters; both work, cluster ${PRIMARY} is the primary`,
    params: { clusterId: STANDBY },
    // Rows and locks are the management platform's: no cluster is asked for them.
    actions: oceanBaseActions(joinControl(control, control, model), { pollIntervalMs: POLL_MS }),
    statements: model.statements,
    save: () => model.save(),
    close: servers.close,
  };
}
