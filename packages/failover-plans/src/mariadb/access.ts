/**
 * What every action of this folder works with: the nodes by name, the two ports, the dialect, and the limits of its calls. Built once
 * by `mariadbActions`; holds no state of a run (outputs travel through the plan).
 */
import type { ActionContext } from "@belay/engine";
import { type CallOptions, ServerTimeout, type Session, withSession } from "../mysql-client/client.ts";
import { memoryRecoveryLog, type RecoveryLog } from "../recovery/recovery-log.ts";
import type { RecoveryAccess } from "../recovery/recovery-steps.ts";
import type { Route } from "../route/route.ts";
import { refuse, type WaitOptions } from "../step/wait.ts";
import { type Dialect, dialectOf } from "./dialect.ts";
import type { MariadbNode, NodeControl } from "./ports.ts";
import type { ReplicaStatus, ServerStatus } from "./server-status.ts";

/** What `mariadbActions` and `mysqlActions` take. */
export interface MariadbActionsOptions {
  /** Every server of the cluster; plans name them. */
  readonly nodes: readonly MariadbNode[];
  /** Power over the servers' processes. */
  readonly control: NodeControl;
  /** Where clients learn which node takes writes. */
  readonly route: Route;
  /** Which recoveries took place. Default: one in memory, which blocks repeated failovers of this process only. */
  readonly recoveries?: RecoveryLog;
  /** Epoch milliseconds. Default: the system's clock. */
  readonly now?: () => number;
  /** Milliseconds between two questions while waiting. Default 25. */
  readonly pollIntervalMs?: number;
  /** Milliseconds until a connection attempt is given up. Default 1000. */
  readonly connectTimeoutMs?: number;
  /** Milliseconds until a statement that should be quick is given up. Default 5000. */
  readonly queryTimeoutMs?: number;
}

/** What is needed of an attempt. */
export type Attempt = Pick<ActionContext, "signal">;

/** The cluster, as actions reach it. */
export interface Access extends RecoveryAccess {
  readonly control: NodeControl;
  readonly route: Route;
  readonly dialect: Dialect;
  /** The node of that name; UNKNOWN_NODE, not retryable, when there is none. */
  node(name: string): MariadbNode;
  /** Name of the node that a replica follows; null when its address is none that is known here. */
  followed(replica: ReplicaStatus): string | null;
  /** Limits for a call made on behalf of an attempt. */
  call(ctx: Attempt): CallOptions;
  /** Limits for a wait made on behalf of an attempt. */
  wait(ctx: Attempt, timeoutMs: number): WaitOptions;
  /** Asks a node about itself; one that only did not greet in time, as a busy one may, is asked once more. */
  status(name: string, ctx: Attempt): Promise<ServerStatus>;
  /** Runs statements on a node, in order, in one session. */
  run(name: string, statements: readonly string[], ctx: Attempt): Promise<void>;
}

/** Makes the access that all actions of one registry share. */
export function clusterAccess(options: MariadbActionsOptions, dialectName: Dialect["name"]): Access {
  const { control, route, pollIntervalMs = 25, connectTimeoutMs = 1000, queryTimeoutMs = 5000 } = options;
  const dialect = dialectOf(dialectName);
  const byName = new Map(options.nodes.map((node) => [node.name, node]));
  const node = (name: string): MariadbNode =>
    byName.get(name) ??
    refuse("UNKNOWN_NODE", `no node is named "${name}"; known are ${[...byName.keys()].join(", ") || "none"}`);
  const call = ({ signal }: Attempt): CallOptions => ({ connectTimeoutMs, queryTimeoutMs, signal });
  return {
    control,
    route,
    recoveries: options.recoveries ?? memoryRecoveryLog(),
    now: options.now ?? Date.now,
    dialect,
    node,
    followed: ({ host, port }) => options.nodes.find((one) => one.host === host && one.port === port)?.name ?? null,
    call,
    wait: ({ signal }, timeoutMs) => ({ timeoutMs, intervalMs: pollIntervalMs, signal }),
    status: (name, ctx) => statusOnceMore(node(name), dialect, call(ctx)),
    run: (name, statements, ctx) =>
      withSession(node(name), call(ctx), async (session) => {
        for (const statement of statements) await session.query(statement);
      }),
  };
}

/** Asks an open session's server about itself. */
export async function statusOf(session: Session, dialect: Dialect): Promise<ServerStatus> {
  const [row] = await session.query(dialect.statusSql);
  if (row === undefined) throw new Error("the server answered no row");
  const [replica] = await session.query(dialect.replicaSql);
  return dialect.readStatus(row, replica);
}

async function statusOnceMore(node: MariadbNode, dialect: Dialect, call: CallOptions): Promise<ServerStatus> {
  const ask = (): Promise<ServerStatus> => withSession(node, call, (session) => statusOf(session, dialect));
  try {
    return await ask();
  } catch (error) {
    call.signal?.throwIfAborted();
    if (!(error instanceof ServerTimeout && error.connecting)) throw error;
    return await ask();
  }
}
