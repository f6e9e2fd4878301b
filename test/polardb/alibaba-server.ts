/**
 * An endpoint of the shape of Alibaba Cloud's, on the loopback interface: JSON answers of three actions over a cluster in memory. Owns the
 * envelopes, client tokens and that a switch takes some looks; the cluster is a `PolarModel`. It checks no signature.
 */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { NonRetryable } from "@belay/engine";
import { type PolarCluster, type PolarModel, polarApiError, writerOf } from "@belay/failover-plans/polardb";
import { callOf } from "./port-cases.ts";

type Words = Readonly<Record<string, string>>;

/** A switch has taken place at the third look at the cluster after it was asked for. */
const LOOKS = 3;

/** A running endpoint. */
export interface AlibabaServer {
  /** `host:port`. */
  readonly endpoint: string;
  /** Parameters of every FailoverDBCluster that arrived, in order. */
  readonly failovers: readonly Words[];
  /** The next so many answers are lost: the request is carried out, the connection is cut. */
  loseAnswers(count: number): void;
  close(): Promise<void>;
}

export async function startAlibabaServer(model: PolarModel): Promise<AlibabaServer> {
  const failovers: Words[] = [];
  const answered = new Map<string, Promise<object>>();
  let pending: { readonly order: Order; looks: number } | undefined;
  let losses = 0;

  async function failOver(words: Words): Promise<object> {
    const cluster = await model.describe(words["DBClusterId"] ?? "");
    if (cluster.status !== "Running") throw new NonRetryable("busy", { code: "CLUSTER_NOT_RUNNING" });
    const order = orderOf(cluster, words["TargetDBNodeId"] ?? "");
    await model.checkCandidate(order);
    await model.markStatus(cluster.clusterId, "Switching");
    pending = { order, looks: 0 };
    return { RequestId: randomUUID().toUpperCase() };
  }

  async function answer(words: Words): Promise<object> {
    switch (words["Action"]) {
      case "DescribeDBClusterAttribute":
        if (pending !== undefined && ++pending.looks === LOOKS) {
          const { order } = pending;
          pending = undefined;
          await carryOut(model, order);
        }
        return attributesOf(await model.describe(words["DBClusterId"] ?? ""));
      case "FailoverDBCluster": {
        failovers.push(words);
        const key = JSON.stringify([words["DBClusterId"], words["ClientToken"]]);
        const first = answered.get(key) ?? failOver(words);
        answered.set(key, first);
        return await first;
      }
      default:
        throw new NonRetryable("no such action", { code: "PARAMETER_INVALID" });
    }
  }

  const server = createServer((request, response) => {
    void wordsOf(request).then(async (words) => {
      const { status, body } = await answer(words).then(
        (answered) => ({ status: 200, body: answered }),
        (error: unknown) => refusalOf(error),
      );
      if (words["Action"] === "FailoverDBCluster" && losses > 0) {
        losses -= 1;
        response.destroy();
      } else send(response, status, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    failovers,
    loseAnswers: (count) => {
      losses = count;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Order = ReturnType<typeof orderOf>;

function orderOf(cluster: PolarCluster, to: string) {
  const from = writerOf(cluster)?.nodeId ?? "";
  const others = cluster.nodes.map(({ nodeId }) => nodeId).filter((id) => id !== from && id !== to);
  const { clusterId, generation } = cluster;
  return { clusterId, from, to, others, generation, writerAnswered: true };
}

/** The endpoint undoes by itself what it cannot finish. */
async function carryOut(model: PolarModel, order: Order): Promise<void> {
  try {
    await model.switchTo({ ...order, epoch: 1 }, callOf());
    await model.bringReader(order, order.from);
  } catch {
    await model.restore(order);
  }
  await model.markStatus(order.clusterId, "Running");
}

/** Parameters come in the query, in a form, or in both. */
async function wordsOf(request: IncomingMessage): Promise<Words> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const query = new URL(request.url ?? "/", "http://host").searchParams;
  const form = new URLSearchParams(Buffer.concat(chunks).toString("utf8"));
  return Object.fromEntries([...query, ...form]);
}

function attributesOf({ clusterId, engine, status, lockMode, nodes }: PolarCluster): object {
  return {
    RequestId: randomUUID().toUpperCase(),
    DBClusterId: clusterId,
    DBClusterStatus: status,
    DBType: engine,
    Engine: "POLARDB",
    LockMode: lockMode,
    DBNodes: nodes.map((node) => ({
      DBNodeId: node.nodeId,
      DBNodeRole: node.role,
      DBNodeStatus: node.status,
      FailoverPriority: node.failoverPriority,
      HotReplicaMode: node.hotReplicaMode,
      ImciSwitch: node.imciSwitch,
      ZoneId: node.zoneId,
    })),
  };
}

function refusalOf(error: unknown): { status: number; body: object } {
  const code = error instanceof NonRetryable ? error.code : "";
  const known = polarApiError(code) ?? { status: 500, code: "InternalError", message: String(error) };
  const body = {
    RequestId: randomUUID().toUpperCase(),
    HostId: "polardb.local",
    Code: known.code,
    Message: known.message,
  };
  return { status: known.status, body };
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json;charset=utf-8" });
  response.end(JSON.stringify(body));
}
