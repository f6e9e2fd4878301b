/**
 * A PolarDB cluster made of PostgreSQL servers: which server each node id stands for, and the building blocks of `../postgres/` called by
 * node id. Owns the translation; what a building block does is its own. Used by on-postgres.ts and the files beside it.
 */
import type { ActionContext, ActionDefinition } from "@belay/engine";
import { type Access, clusterAccess, type PostgresActionsOptions } from "../postgres/access.ts";
import type { ServerStatus } from "../postgres/status.ts";
import type { Route } from "../route/route.ts";
import { messageOf, refuse, until } from "../step/wait.ts";
import type { PolarEngine, PolarNode } from "./cluster.ts";
import type { PolarCall, SwitchOrder } from "./control.ts";
import type { PolarRecords } from "./records.ts";

/** A node and its server. */
export interface PostgresMember extends Pick<PolarNode, "nodeId" | "failoverPriority"> {
  /** Name of its server (`PostgresNode.name`). */
  readonly server: string;
  /** Default "zone-a". */
  readonly zoneId?: string;
  /** Default "OFF". */
  readonly hotReplicaMode?: "ON" | "OFF";
  /** Default "OFF". */
  readonly imciSwitch?: "ON" | "OFF";
}

/** What `polarOnPostgres` takes. */
export interface PolarOnPostgresOptions {
  readonly clusterId: string;
  /** DBType that the cluster shows. It decides whether a target must be named; the servers are PostgreSQL's all the same. Default "PostgreSQL". */
  readonly engine?: PolarEngine;
  readonly members: readonly PostgresMember[];
  /** Node id of the writer, for the time when no server takes writes and nothing is recorded. */
  readonly writer: string;
  readonly servers: PostgresActionsOptions;
  /** What is remembered of the cluster. Default: in memory. */
  readonly records?: PolarRecords;
  /** When an old writer may be wiped to become a reader again: see plan postgres-rejoin. Default "diverged". */
  readonly reclone?: "never" | "diverged" | "always";
  /** Milliseconds for a reader to stream before it counts as broken; it may just have lost its writer. Default 5000. */
  readonly streamPatienceMs?: number;
}

/** Milliseconds for a server to answer a question that decides something. */
const ANSWER_MS = 5000;

/** The servers by node id. */
export class PostgresSite {
  readonly options: PolarOnPostgresOptions;
  readonly access: Access;
  readonly records: PolarRecords;
  readonly streamPatienceMs: number;

  constructor(options: PolarOnPostgresOptions, records: PolarRecords) {
    this.options = options;
    this.access = clusterAccess(options.servers);
    this.records = records;
    this.streamPatienceMs = options.streamPatienceMs ?? 5000;
  }

  /** Refuses another cluster. Code: CLUSTER_UNKNOWN. */
  checkCluster(clusterId: string): void {
    if (clusterId !== this.options.clusterId) refuse("CLUSTER_UNKNOWN", `there is no cluster ${clusterId}`);
  }

  /** Name of the server of a node. Code: NODE_UNKNOWN. */
  serverOf(nodeId: string): string {
    const member = this.options.members.find((one) => one.nodeId === nodeId);
    return member?.server ?? refuse("NODE_UNKNOWN", `${this.options.clusterId} has no node ${nodeId}`);
  }

  /** Node id of a server; undefined for one that belongs to no node. */
  nodeOf(server: string): string | undefined {
    return this.options.members.find((one) => one.server === server)?.nodeId;
  }

  /** Servers of all readers of an order, the candidate first. */
  readersOf({ to, others }: SwitchOrder): readonly string[] {
    return [to, ...others].map((nodeId) => this.serverOf(nodeId));
  }

  /** What a server says; undefined when it does not answer, though asked for a while. */
  async ask(server: string, call: PolarCall, patienceMs: number = ANSWER_MS): Promise<ServerStatus | undefined> {
    const what = `${server} to answer`;
    try {
      return await until(what, this.access.wait(call, patienceMs), () => this.access.status(server, call));
    } catch (error) {
      call.signal.throwIfAborted();
      call.log(`${server} does not answer: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** Whether a server answers as one that takes writes. */
  async takesWrites(server: string, call: PolarCall): Promise<boolean> {
    const status = (await this.access.control.isRunning(server)) ? await this.ask(server, call) : undefined;
    return status !== undefined && !status.inRecovery;
  }

  /** Carries out a building block of the PostgreSQL plans as a part of this call. */
  async step<I, O>(make: (access: Access) => ActionDefinition<I, O>, input: I, call: PolarCall): Promise<O> {
    const ctx: ActionContext<I> = {
      runId: call.runId,
      nodeId: call.nodeId,
      parallelIdx: -1,
      item: undefined,
      attempt: 1,
      idempotencyKey: call.idempotencyKey,
      params: {},
      input,
      output: undefined,
      error: undefined,
      outcome: undefined,
      signal: call.signal,
      previousStillRunning: false,
      fencingTokens: call.fencingTokens,
      log: (message, details) => call.log(message, details),
      heartbeat: () => call.heartbeat(),
    };
    return await make(this.access).run(ctx);
  }

  /** The servers' route, by node id. */
  route(): Route {
    const { route } = this.access;
    return {
      current: async () => {
        const { writer, epoch } = await route.current();
        return { writer: writer === null ? null : (this.nodeOf(writer) ?? writer), epoch };
      },
      publish: (writer, epoch) => route.publish(writer === null ? null : this.serverOf(writer), epoch),
    };
  }
}
