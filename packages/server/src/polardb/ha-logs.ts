/**
 * DescribeHALogs: the switches of a cluster, the youngest first. The vendor has it for MySQL alone; here every engine has a log. An entry
 * names no nodes, so that DBNodeId is only checked: a switch concerns all of them.
 */
import type { Json } from "@belay/engine";
import type { HaLogEntry, PolarEngine } from "@belay/failover-plans/polardb";
import { invalid, polarRefused, refused } from "./api-fault.ts";
import type { ClusterViews } from "./cluster-views.ts";
import { oneOf, optional, type Params, pageOf, required, time, timeText } from "./parameters.ts";

const INSTANCE_TYPES: Readonly<Record<PolarEngine, string>> = {
  MySQL: "polardb_mysql_rw",
  PostgreSQL: "polardb_pgsql_rw",
  Oracle: "polardb_oracle_rw",
};
const PAGE_SIZES = { least: 5, most: 50, otherwise: 10 };
/** HaStatus. */
const NOTHING = 1;
const RECORDS = 0;

/** Fails with InvalidDBClusterId.NotFound, ServiceUnavailable while the log cannot be read. */
export async function describeHaLogs(params: Params, views: ClusterViews): Promise<Readonly<Record<string, Json>>> {
  const facts = views.factsOf(required(params, "DBClusterId"));
  required(params, "LogType");
  oneOf(params, "LogType", ["HaSwitchLogList"]);
  const from = time(params, "StartTime") ?? Number.NEGATIVE_INFINITY;
  const to = time(params, "EndTime") ?? Number.POSITIVE_INFINITY;
  if (to < from) throw invalid("EndTime");
  if (facts === undefined) throw refused("ClusterGone");
  const { clusterId } = facts;
  const [{ cluster }, log] = await Promise.all([views.see(facts), views.haLog(clusterId)]);
  const node = optional(params, "DBNodeId");
  if (node !== undefined && cluster?.nodes.every(({ nodeId }) => nodeId !== node)) throw polarRefused("NODE_UNKNOWN");
  if (log === undefined) throw refused("Unavailable");
  const within = log.filter(({ startedAt }) => startedAt >= from && startedAt <= to);
  const page = pageOf(params, within, PAGE_SIZES);
  return {
    DBInstanceName: clusterId,
    DBInstanceType: cluster === undefined ? "" : INSTANCE_TYPES[cluster.engine],
    HaStatus: page.total === 0 ? NOTHING : RECORDS,
    ItemsNumbers: page.items.length,
    PageNumber: page.number,
    PageSize: page.size,
    TotalRecords: page.total,
    HaLogItems: page.items.map(shown),
  };
}

function shown(entry: HaLogEntry): Readonly<Record<string, Json>> {
  return {
    SwitchId: entry.switchId,
    SwitchCauseCode: entry.causeCode,
    SwitchCauseDetail: entry.causeDetail,
    SwitchStartTime: timeText(entry.startedAt),
    SwitchFinishTime: timeText(entry.finishedAt),
  };
}
