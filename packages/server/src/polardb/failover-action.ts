/** FailoverDBCluster and FailoverDBClusterZonal: their parameters, checked one by one before anything is asked of a cluster. */
import { clientTokenProblem } from "@belay/failover-plans/polardb";
import { invalid, polarRefused, refused } from "./api-fault.ts";
import type { ClusterViews } from "./cluster-views.ts";
import type { Answer } from "./envelope.ts";
import type { Failovers } from "./failover.ts";
import { flag, oneOf, optional, type Params, required } from "./parameters.ts";
import type { RpcCall } from "./rpc-call.ts";

/** Ids as the API forms them; a site may have others, which are known by then. */
const ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;

/** Answers with the RequestId of the run, as soon as it is acknowledged. */
export async function failOver(call: RpcCall, failovers: Failovers, views: ClusterViews): Promise<Answer> {
  const { params, caller, asker, action } = call;
  const clusterId = knownCluster(params, views);
  const targetNodeId = optional(params, "TargetDBNodeId");
  if (targetNodeId !== undefined && !ID.test(targetNodeId)) throw polarRefused("NODE_UNKNOWN");
  const request = {
    action,
    accessKeyId: caller.accessKeyId,
    clusterId,
    targetNodeId,
    targetZoneType: oneOf(params, "TargetZoneType", ["Primary", "Standby"] as const),
    rollBackForDisaster: flag(params, "RollBackForDisaster"),
    clientToken: tokenIn(params),
  };
  return { RequestId: await failovers.failOver(request, asker, call.requestId) };
}

function knownCluster(params: Params, views: ClusterViews): string {
  const clusterId = required(params, "DBClusterId");
  if (views.factsOf(clusterId) !== undefined) return clusterId;
  if (!ID.test(clusterId)) throw refused("ClusterIdMalformed");
  throw polarRefused("CLUSTER_UNKNOWN");
}

function tokenIn(params: Params): string | undefined {
  const token = optional(params, "ClientToken");
  if (token !== undefined && clientTokenProblem(token) !== undefined) throw invalid("ClientToken");
  return token;
}
