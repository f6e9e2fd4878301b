/** The actions of the API by name: which methods each takes, and what answers it. A table; what they do is in the files they name. */
import { invalid, refused } from "./api-fault.ts";
import type { ClusterViews } from "./cluster-views.ts";
import { describeAttribute, describeClusters } from "./describe-clusters.ts";
import type { Answer } from "./envelope.ts";
import type { Failovers } from "./failover.ts";
import { failOver } from "./failover-action.ts";
import { describeHaLogs } from "./ha-logs.ts";
import type { Params } from "./parameters.ts";
import type { RpcCall } from "./rpc-call.ts";
import type { RpcRequest } from "./rpc-request.ts";

/** What actions stand on. */
export interface ActionTools {
  readonly views: ClusterViews;
  readonly failovers: Failovers;
}

interface Action {
  readonly methods: readonly string[];
  answer(call: RpcCall, tools: ActionTools): Promise<Answer>;
}

const BOTH = ["GET", "POST"];

const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ["FailoverDBCluster", { methods: BOTH, answer: (call, { failovers, views }) => failOver(call, failovers, views) }],
  [
    "FailoverDBClusterZonal",
    { methods: ["POST"], answer: (call, { failovers, views }) => failOver(call, failovers, views) },
  ],
  ["DescribeDBClusters", reading((params, views) => describeClusters(params, views))],
  ["DescribeDBClusterAttribute", reading((params, views) => describeAttribute(params, views))],
  ["DescribeHALogs", reading((params, views) => describeHaLogs(params, views))],
]);

function reading(describe: (params: Params, views: ClusterViews) => Promise<Omit<Answer, "RequestId">>): Action {
  return {
    methods: BOTH,
    answer: async ({ params, requestId }, { views }) => ({ RequestId: requestId, ...(await describe(params, views)) }),
  };
}

/** The one version there is. Another vendor has an action of the same name: the version tells them apart. */
const VERSION = "2017-08-01";

/** Which action a request names: in its parameters, or in the headers that ACS3 signs. Throws the refusal. */
export function actionOf({ style, params, headers, method }: RpcRequest): { readonly name: string } & Action {
  // A header that nobody signed counts for nothing.
  const part = (name: string): string | undefined =>
    style === "acs3" ? headers[`x-acs-${name.toLowerCase()}`] : params.get(name);
  if (part("Version") !== VERSION) throw invalid("Action or Version");
  const name = part("Action");
  if (name === undefined || name === "") throw invalid("Action or Version");
  const action = ACTIONS.get(name);
  if (action === undefined) throw refused("ActionUnknown");
  if (!action.methods.includes(method)) throw refused("MethodUnsupported");
  return { name, ...action };
}
