/**
 * `PolarControl` on Alibaba Cloud's endpoint: FailoverDBCluster is asked for one named node, then the cluster is looked at until it is the
 * Writer and the cluster is Running again. The endpoint fences, marks the status and keeps the log itself.
 *
 * The request's ClientToken is made of the attempt's idempotency key (R43): whoever carries the attempt out again after a crash asks for
 * the same thing. An order that the endpoint refused has changed nothing; one whose answer was lost may be under way, so nothing else is
 * asked for until the cluster has come to rest.
 */
import { createHash } from "node:crypto";
import { messageOf, refuse, until, type WaitOptions } from "../step/wait.ts";
import {
  type AlibabaClient,
  type AlibabaCluster,
  type AlibabaHaLogItem,
  type AlibabaModels,
  type AlibabaNode,
  ask,
  bodyOf,
  requestOf,
} from "./alibaba-client.ts";
import { type PolarCluster, type PolarEngine, type PolarNode, writerOf } from "./cluster.ts";
import {
  type HaLogEntry,
  type PolarCall,
  type PolarControl,
  PROMOTED_ALREADY,
  PROMOTION_UNKNOWN,
  type SwitchOrder,
} from "./control.ts";

/** What `polarOnAlibaba` takes. */
export interface PolarOnAlibabaOptions {
  readonly client: AlibabaClient;
  /** The module that the client comes from, or its classes of requests. */
  readonly models: AlibabaModels;
  /** Milliseconds between two looks at a cluster. Default 1000. */
  readonly pollIntervalMs?: number;
  /** Milliseconds for a cluster that does not come to rest after a switch was given up. Default 60000. */
  readonly restMs?: number;
}

/** Makes the control. */
export function polarOnAlibaba(options: PolarOnAlibabaOptions): PolarControl {
  const endpoint = new Endpoint(options);
  return {
    describe: (clusterId) => endpoint.describe(clusterId),
    // The endpoint shows Switching, and Running, by itself.
    markStatus: async () => undefined,
    checkCandidate: (order, call) => endpoint.check(order, call),
    switchTo: (order, call) => endpoint.switchTo(order, call),
    isSwitched: (order, call) => endpoint.isSwitched(order, call),
    restore: (order, call) => endpoint.restore(order, call),
    awaitWriter: (order, call) => endpoint.until(order, call, (cluster) => isDone(cluster, order.to)),
    bringReader: (order, nodeId, call) =>
      endpoint.until(order, call, ({ nodes }) =>
        nodes.some((node) => node.nodeId === nodeId && node.role === "Reader" && node.status === "Running"),
      ),
    noteSwitch: async (entry) => {
      const log = await endpoint.haLog(entry.clusterId, entry.startedAt);
      return log.find((kept) => kept.startedAt > entry.startedAt - SECOND) ?? entry;
    },
    haLog: (clusterId) => endpoint.haLog(clusterId, 0),
  };
}

function isDone(cluster: PolarCluster, target: string): boolean {
  return writerOf(cluster)?.nodeId === target && cluster.status === "Running";
}

/** The log speaks of seconds, so that a switch may begin a little before it was asked for. */
const SECOND = 1000;
/** The attempt's own timeout ends it earlier. */
const ATTEMPT_MS = 3600 * SECOND;

class Endpoint {
  readonly #options: PolarOnAlibabaOptions;

  constructor(options: PolarOnAlibabaOptions) {
    this.#options = options;
  }

  async describe(clusterId: string): Promise<PolarCluster> {
    const { client, models } = this.#options;
    const request = requestOf(models.DescribeDBClusterAttributeRequest, { DBClusterId: clusterId });
    return clusterOf(clusterId, bodyOf(await ask(() => client.describeDBClusterAttribute(request))));
  }

  async writer(clusterId: string): Promise<string | undefined> {
    return writerOf(await this.describe(clusterId))?.nodeId;
  }

  /** Code: OPTION_UNSUPPORTED, before anything is asked for. */
  async check(order: SwitchOrder, call: PolarCall): Promise<void> {
    this.#failover(order, call);
    const node = (await this.describe(order.clusterId)).nodes.find(({ nodeId }) => nodeId === order.to);
    if (node === undefined) refuse("NODE_UNKNOWN", `${order.clusterId} has no node ${order.to}`);
  }

  #failover(order: SwitchOrder, call: PolarCall): never {
    return requestOf(this.#options.models.FailoverDBClusterRequest, {
      DBClusterId: order.clusterId,
      targetDBNodeId: order.to,
      clientToken: tokenOf(call.idempotencyKey),
      rollBackForDisaster: order.rollBackForDisaster === true ? true : undefined,
      targetZoneType: order.targetZoneType,
    });
  }

  async switchTo(order: SwitchOrder, call: PolarCall): Promise<void> {
    const request = this.#failover(order, call);
    await ask(() => this.#options.client.failoverDBCluster(request));
    let begun = false;
    await this.until(order, call, (cluster) => {
      if (isDone(cluster, order.to)) return true;
      if (begun && cluster.status === "Running") {
        refuse("SWITCH_FAILED", `${order.clusterId} is Running again, and ${order.to} is not its writer`);
      }
      begun ||= cluster.status === "Switching";
      return false;
    });
  }

  /** A switch that is under way is waited for: whether it was this one, nobody can tell before. */
  async isSwitched(order: SwitchOrder, call: PolarCall): Promise<boolean> {
    await this.until(order, call, ({ status }) => status !== "Switching");
    return (await this.writer(order.clusterId)) === order.to;
  }

  /** The cluster comes to rest by itself; then it says who its writer is. */
  async restore(order: SwitchOrder, call: PolarCall): Promise<void> {
    const { restMs = 60_000 } = this.#options;
    const isAtRest = async (): Promise<boolean> => (await this.describe(order.clusterId)).status === "Running";
    try {
      await until(`${order.clusterId} to come to rest`, this.#wait(call, restMs), isAtRest);
    } catch (error) {
      call.signal.throwIfAborted();
      refuse(PROMOTION_UNKNOWN, `who the writer of ${order.clusterId} will be is not known: ${messageOf(error)}`);
    }
    const writer = await this.writer(order.clusterId);
    if (writer === order.from) return;
    refuse(PROMOTED_ALREADY, `${writer ?? "nobody"} is the writer of ${order.clusterId}, not ${order.from}`);
  }

  /** Looks until it is so; an endpoint that does not answer is asked again, until the attempt is given up. */
  async until(order: SwitchOrder, call: PolarCall, done: (cluster: PolarCluster) => boolean): Promise<void> {
    await until(`${order.clusterId} to have ${order.to} as its writer`, this.#wait(call, ATTEMPT_MS), async () => {
      call.heartbeat();
      return done(await this.describe(order.clusterId));
    });
  }

  #wait({ signal }: PolarCall, timeoutMs: number): WaitOptions {
    return { timeoutMs, intervalMs: this.#options.pollIntervalMs ?? 1000, signal };
  }

  /** Empty where the client, or the engine, has no such log. */
  async haLog(clusterId: string, since: number): Promise<readonly HaLogEntry[]> {
    const { client, models } = this.#options;
    const { DescribeHALogsRequest: model } = models;
    if (client.describeHALogs === undefined || model === undefined) return [];
    const window = since === 0 ? {} : { startTime: apiTime(since), endTime: apiTime(since + 86_400 * SECOND) };
    const request = requestOf(model, { DBClusterId: clusterId, logType: "HaSwitchLogList", ...window });
    const read = client.describeHALogs.bind(client);
    const { haLogItems = [] } = bodyOf(await ask(() => read(request)));
    return haLogItems.map((item) => entryOf(clusterId, item)).toSorted((a, b) => b.startedAt - a.startedAt);
  }
}

/** 64 characters of ASCII, different for every attempt. */
function tokenOf(idempotencyKey: string): string {
  return createHash("sha256").update(idempotencyKey).digest("hex");
}

/** `YYYY-MM-DDThh:mm:ssZ`. */
function apiTime(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

function clusterOf(clusterId: string, body: AlibabaCluster): PolarCluster {
  return {
    clusterId: body.DBClusterId ?? clusterId,
    engine: (body.DBType ?? "unknown") as PolarEngine,
    status: body.DBClusterStatus ?? "unknown",
    lockMode: body.lockMode ?? "Unlock",
    nodes: (body.DBNodes ?? []).map(nodeOf),
    generation: 0,
  };
}

function nodeOf(node: AlibabaNode): PolarNode {
  return {
    nodeId: node.DBNodeId ?? "",
    role: node.DBNodeRole === "Writer" ? "Writer" : "Reader",
    status: node.DBNodeStatus ?? "unknown",
    failoverPriority: node.failoverPriority ?? 1,
    hotReplicaMode: node.hotReplicaMode === "ON" ? "ON" : "OFF",
    imciSwitch: node.imciSwitch === "ON" ? "ON" : "OFF",
    zoneId: node.zoneId ?? "",
    problem: null,
  };
}

function entryOf(clusterId: string, item: AlibabaHaLogItem): HaLogEntry {
  const startedAt = Date.parse(item.switchStartTime ?? "") || 0;
  return {
    switchId: item.switchId ?? "",
    clusterId,
    causeCode: item.switchCauseCode ?? "",
    causeDetail: item.switchCauseDetail ?? "",
    startedAt,
    finishedAt: Math.max(startedAt, Date.parse(item.switchFinishTime ?? "") || startedAt),
  };
}
