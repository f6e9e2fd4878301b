/** Failover and switchover of a cluster, and their checks. Owns: which plan each call starts, when none is started. */
import type { BelayError, RunSnapshot } from "@belay/engine";
import type { Precheck } from "../host/precheck.ts";
import type { OcpCluster } from "../site.ts";
import { Fault } from "../web/fault.ts";
import type { Envelopes } from "./envelope.ts";
import { OcpFault } from "./errors.ts";
import { checkManager, writeRefusal } from "./refused.ts";
import type { Call, Route } from "./routes.ts";
import { runIdOf, type TaskIds, taskNumber } from "./task-ids.ts";
import { taskInstance } from "./task-views.ts";
import type { Tasks } from "./tasks.ts";

/** A change of role: the plan it runs, and the plan's own step that its check carries out. */
interface Change {
  readonly word: "failover" | "switchover";
  readonly plan: string;
  readonly check: string;
}

const CHANGES: readonly Change[] = [
  { word: "failover", plan: "oceanbase-failover", check: "failover-to-primary-check" },
  { word: "switchover", plan: "oceanbase-switchover", check: "prepare-switchover" },
];

/** Milliseconds that a check may take. */
const CHECK_MS = 30_000;

/** Beside the prefix there is room for this in a client token. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,60}$/;
/** Keys of this API are none of another API's client tokens. */
const PREFIX = "ocp:";

/** What these routes are made of. */
export interface ClusterTools {
  readonly tasks: Tasks;
  readonly ids: TaskIds;
  readonly envelopes: Envelopes;
}

/** All of them. */
export function clusterRoutes(tools: ClusterTools): readonly Route[] {
  return CHANGES.flatMap((change): Route[] => {
    const path = `/ob/clusters/:id/${change.word}`;
    return [
      { method: "POST", path, versions: ["v2"], answer: (call) => start(change, call, tools) },
      {
        ...{ method: "POST", path: `${path}PreCheck`, versions: ["v2"], reads: true },
        answer: (call) => check(change, call, tools),
      },
    ];
  });
}

async function start({ word, plan: name }: Change, call: Call, { tasks, ids, envelopes }: ClusterTools) {
  const { host } = tasks;
  const cluster = await clusterOf(call, tasks);
  const plan = host.plan(name);
  const clientToken = tokenOf(call);
  const repeats = clientToken !== undefined && (await isKnown(tasks, clientToken));
  if (cluster.type === "PRIMARY" && !repeats) {
    checkManager(host, call.asker, { action: "start", plan: name });
    writeRefusal(host, call.asker, { action: "start", plan: name }, "STATE_INVALID");
    const text = `Cluster ${cluster.id} (${cluster.name}) is the primary: ${word} is for the standby that is to become primary.`;
    throw new OcpFault("CLUSTER_OPS_NOT_ALLOWED", text);
  }
  const params = { clusterId: cluster.id };
  const options = { params, ...(clientToken === undefined ? {} : { clientToken }) };
  const run = await ids.start(plan, options, call.asker).then(
    (started): RunSnapshot => started.snapshot(),
    (error: unknown) => elsewhere(cluster, tasks, error),
  );
  if (taskNumber(run.id) === undefined) {
    throw new OcpFault(
      "ILLEGAL_ARGUMENT",
      "this Idempotency-Key stands for a run that was started through another API",
    );
  }
  return taskInstance(await tasks.taskOf(run), envelopes);
}

/** The task of the same key, executed by another server of the journal; else the refusal in words that fit OCP's tasks. */
async function elsewhere({ id }: OcpCluster, tasks: Tasks, error: unknown): Promise<RunSnapshot> {
  const { code, details = {} } = Object(error) as Partial<BelayError>;
  if (code === "LOCKED") {
    const task = `task ${String(details["heldBy"])}`;
    const text = `Cluster ${id} is being changed by ${task}: wait until that has ended; if it has FAILED, retry it or roll it back.`;
    throw new OcpFault("CLUSTER_OPS_NOT_ALLOWED", text);
  }
  if (code === "IDEMPOTENT_PARAMETER_MISMATCH") {
    throw new Fault(409, code, "this Idempotency-Key was used for another request: use a new one");
  }
  const run = code === "FENCED" ? await tasks.host.snapshot(String(details["runId"])) : undefined;
  if (run === undefined) throw error;
  return run;
}

async function check({ word, plan: name, check: node }: Change, call: Call, { tasks }: ClusterTools): Promise<object> {
  const { id: clusterId, name: clusterName } = await clusterOf(call, tasks);
  checkManager(tasks.host, call.asker, { action: `${word}PreCheck`, plan: name });
  const request = { plan: tasks.host.plan(name), params: { clusterId }, nodes: [node], timeoutMs: CHECK_MS };
  const messages = messagesOf(await tasks.host.precheck(request));
  return { clusterId, clusterName, result: { messages, valid: messages.length === 0 } };
}

function messagesOf(found: Precheck): readonly string[] {
  switch (found.kind) {
    case "passed":
      return [];
    case "refused":
      return found.failures.map(({ message }) => message);
    case "undecided":
      return [`There was no answer within ${CHECK_MS / 1000} s: nobody can tell.`];
  }
}

async function clusterOf(call: Call, tasks: Tasks): Promise<OcpCluster> {
  const digits = runIdOf(call.param("id"));
  const cluster = [...(await tasks.clusters()).values()].find(({ id }) => String(id) === digits);
  if (cluster === undefined) throw new OcpFault("NOT_FOUND", `Cluster ${digits} does not exist.`);
  return cluster;
}

function tokenOf(call: Call): string | undefined {
  const key = call.header("idempotency-key");
  if (key === undefined) return undefined;
  if (!IDEMPOTENCY_KEY.test(key)) {
    throw new OcpFault("ILLEGAL_ARGUMENT", "Idempotency-Key is 1 to 60 printable ASCII characters without blanks");
  }
  return `${PREFIX}${key}`;
}

async function isKnown(tasks: Tasks, clientToken: string): Promise<boolean> {
  return (await tasks.summaries()).some((summary) => summary.clientToken === clientToken);
}
