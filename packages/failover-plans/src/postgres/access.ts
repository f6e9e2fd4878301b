/**
 * What every action of this package works with: the nodes by name, the two ports, and the limits of its calls. Built once by
 * `postgresActions`; holds no state of a run (outputs travel through the plan).
 */
import type { ActionContext } from "@belay/engine";
import { memoryRecoveryLog, type RecoveryLog } from "../recovery/recovery-log.ts";
import type { RecoveryAccess } from "../recovery/recovery-steps.ts";
import type { Route } from "../route/route.ts";
import { refuse, type WaitOptions } from "../step/wait.ts";
import { type CallOptions, isConnectTimeout } from "./client.ts";
import type { NodeControl, PostgresNode } from "./ports.ts";
import { readStatus, type ServerStatus } from "./status.ts";

/** What `postgresActions` takes. */
export interface PostgresActionsOptions {
  /** Every server of the cluster; plans name them. */
  readonly nodes: readonly PostgresNode[];
  /** Power over the servers' processes and data directories. */
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

/** The cluster, as actions reach it. */
export interface Access extends RecoveryAccess {
  readonly control: NodeControl;
  readonly route: Route;
  /** The node of that name; UNKNOWN_NODE, not retryable, when there is none. */
  node(name: string): PostgresNode;
  /** Limits for a call made on behalf of an attempt. */
  call(ctx: Pick<ActionContext, "signal">): CallOptions;
  /** Limits for a wait made on behalf of an attempt. */
  wait(ctx: Pick<ActionContext, "signal">, timeoutMs: number): WaitOptions;
  /** Asks a node about itself; one that only did not greet in time, as a busy one may, is asked once more. */
  status(name: string, ctx: Pick<ActionContext, "signal">): Promise<ServerStatus>;
}

/** Makes the access that all actions of one registry share. */
export function clusterAccess(options: PostgresActionsOptions): Access {
  const { control, route, pollIntervalMs = 25, connectTimeoutMs = 1000, queryTimeoutMs = 5000 } = options;
  const byName = new Map(options.nodes.map((node) => [node.name, node]));
  const node = (name: string): PostgresNode =>
    byName.get(name) ??
    refuse("UNKNOWN_NODE", `no node is named "${name}"; known are ${[...byName.keys()].join(", ") || "none"}`);
  const call = ({ signal }: Pick<ActionContext, "signal">): CallOptions => ({
    connectTimeoutMs,
    queryTimeoutMs,
    signal,
  });
  return {
    control,
    route,
    recoveries: options.recoveries ?? memoryRecoveryLog(),
    now: options.now ?? Date.now,
    node,
    call,
    wait: ({ signal }, timeoutMs) => ({ timeoutMs, intervalMs: pollIntervalMs, signal }),
    status: (name, ctx) => statusOnceMore(node(name), call(ctx)),
  };
}

async function statusOnceMore(node: PostgresNode, call: CallOptions): Promise<ServerStatus> {
  try {
    return await readStatus(node, call);
  } catch (error) {
    call.signal?.throwIfAborted();
    if (!isConnectTimeout(error)) throw error;
    return await readStatus(node, call);
  }
}
