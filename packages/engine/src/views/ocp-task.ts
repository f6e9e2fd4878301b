/**
 * A run as OCP shows a task: the answer of `POST /api/v2/ob/clusters/{id}/failover`, field by field.
 * Owns: the shape. Does not own: states in OCP's words (`ocp-status.ts`), numbers (`ocp-ids.ts`).
 *
 * A view, never a source: it is computed from a snapshot, and nothing reads it back but `importOcpTask`, which takes
 * the plan out of it. Keys are in alphabetical order, as OCP writes them.
 */
import type { NodeSnapshot, Operation, RunSnapshot } from "../runtime/api.ts";
import { subtaskIds, taskId } from "./ocp-ids.ts";
import { type OcpSubtaskStatus, type OcpTaskStatus, subtaskState, taskState } from "./ocp-status.ts";

export type { OcpSubtaskStatus, OcpTaskStatus };

/** A node as OCP shows it. */
export interface OcpSubtask {
  /** The node's description; its name when the plan gives none. */
  readonly description: string;
  /** Ids of the subtasks below; the inverse of `upstreams`. A join of m by n members is listed m*n times (R22). */
  readonly downstreams: readonly number[];
  /** Where it ran; absent before the first attempt. */
  readonly executor?: string;
  /** End of the last attempt, ISO-8601 with offset; absent before it and while one runs. */
  readonly finishTime?: string;
  /** See `ocp-ids.ts`. */
  readonly id: number;
  readonly name: string;
  /** As in the plan: "JAVA_TASK" in every published task. */
  readonly nodeType: string;
  /** What was last asked of it. */
  readonly operation: Operation;
  /** Place in the group; of a node that is no member the plan's label, -1 when it has none (R20). */
  readonly parallelIdx: number;
  /** A constant of the plan, unlike the task's flag. */
  readonly prohibitRollback: boolean;
  /** Attempt number from 1 (R25). */
  readonly runTime: number;
  /** A label, never an order (R13). */
  readonly seriesId: number;
  /** First dispatch, ISO-8601 with offset; absent before it. */
  readonly startTime?: string;
  /** See `ocp-status.ts`. */
  readonly status: OcpSubtaskStatus;
  /** Seconds of one attempt; 0 = none. */
  readonly timeout: number;
  /** Ids of the subtasks it waits for. */
  readonly upstreams: readonly number[];
}

/** A run as OCP shows it. */
export interface OcpTask {
  /** Absent when the run is not about a cluster. */
  readonly clusterId?: number;
  /** Who started it. */
  readonly creator: string;
  /** Address of the engine. */
  readonly executor: string;
  /** Time of coming to rest, ISO-8601 with offset; absent while RUNNING. */
  readonly finishTime?: string;
  /** See `ocp-ids.ts`. */
  readonly id: number;
  /** The plan's title. */
  readonly name: string;
  /** What was last asked of the whole. */
  readonly operation: Operation;
  /** Computed: true once a rollback would be refused (R33). */
  readonly prohibitRollback: boolean;
  /** ISO-8601 with offset; never reset. */
  readonly startTime: string;
  /** See `ocp-status.ts`. SUCCESSFUL with operation ROLLBACK is a finished rollback (R36). */
  readonly status: OcpTaskStatus;
  /** In the order of the plan, which means nothing. */
  readonly subtasks: readonly OcpSubtask[];
  /** -1 = started by hand. */
  readonly taskDefinitionId: number;
  /** How it was started. */
  readonly type: "MANUAL" | "SCHEDULED" | "SYS_SCHEDULED";
}

/** OCP's HTTP answer around a task. */
export interface OcpEnvelope {
  /** The task. */
  readonly data: OcpTask;
  /** Milliseconds the server took. */
  readonly duration: number;
  /** Address of the server. */
  readonly server: string;
  /** HTTP status code. */
  readonly status: number;
  /** Whether the request was; the task may still fail. */
  readonly successful: boolean;
  /** When the answer was made, ISO-8601 with offset. */
  readonly timestamp: string;
  /** 16 hexadecimal digits. */
  readonly traceId: string;
}

/** What OCP shows of a task and a run does not know. */
export interface OcpTaskOptions {
  /** Default: the run's id when it is a number, else a number that depends on it alone. */
  readonly id?: number;
  /** By node id; a member's is `group[0]`. Default: see `ocp-ids.ts`. */
  readonly subtaskIds?: Readonly<Record<string, number>>;
  /** Default: absent. */
  readonly clusterId?: number;
  /** Default: who started the run, else "system". */
  readonly creator?: string;
  /** Address of the engine, of the task and of every subtask that has run. Default "127.0.0.1". */
  readonly executor?: string;
  /** Default -1. */
  readonly taskDefinitionId?: number;
  /** Default "MANUAL". */
  readonly type?: OcpTask["type"];
  /** Minutes east of UTC in which times are written, -1439..1439. Default 0. */
  readonly utcOffsetMinutes?: number;
}

/** The task view of a run. Linear in nodes and listed edges. */
export function toOcpTask(run: RunSnapshot, options: OcpTaskOptions = {}): OcpTask {
  const { status, operation } = taskState(run);
  const time = (iso: string): string => withOffset(iso, options.utcOffsetMinutes ?? 0);
  const executor = options.executor ?? "127.0.0.1";
  const numbers = subtaskIds(run, options.subtaskIds);
  const byId = new Map(run.nodes.map((node, place) => [node.id, numbers[place] as number]));
  const numbersOf = (ids: readonly string[]): number[] => ids.map((id) => byId.get(id) as number);
  const toSubtask = (node: NodeSnapshot, place: number): OcpSubtask => {
    const moving = node.status === "RUNNING" || node.status === "CANCELING";
    const state = subtaskState(run, node);
    return {
      description: node.description ?? node.name,
      downstreams: numbersOf(node.downstreams),
      ...(node.started ? { executor } : {}),
      ...(node.finishTime === null || moving ? {} : { finishTime: time(node.finishTime) }),
      id: numbers[place] as number,
      name: node.name,
      nodeType: node.nodeType,
      operation: state.operation,
      parallelIdx: node.parallelIdx,
      prohibitRollback: node.prohibitRollback,
      runTime: node.runTime,
      seriesId: node.seriesId,
      ...(node.startTime === null ? {} : { startTime: time(node.startTime) }),
      status: state.status,
      timeout: node.timeout,
      upstreams: numbersOf(node.upstreams),
    };
  };
  return {
    ...(options.clusterId === undefined ? {} : { clusterId: options.clusterId }),
    creator: options.creator ?? run.startedBy ?? "system",
    executor,
    ...(run.finishTime === null || status === "RUNNING" ? {} : { finishTime: time(run.finishTime) }),
    id: options.id ?? taskId(run.id),
    name: run.title,
    operation,
    prohibitRollback: run.prohibitRollback,
    startTime: time(run.startTime),
    status,
    subtasks: run.nodes.map(toSubtask),
    taskDefinitionId: options.taskDefinitionId ?? -1,
    type: options.type ?? "MANUAL",
  };
}

/** The HTTP answer around a task. `timestamp` is ISO-8601, `duration` milliseconds, `traceId` 16 hexadecimal digits. */
export function toOcpEnvelope(
  task: OcpTask,
  about: Pick<OcpEnvelope, "duration" | "server" | "timestamp" | "traceId">,
): OcpEnvelope {
  return {
    data: task,
    duration: about.duration,
    server: about.server,
    status: 200,
    successful: true,
    timestamp: about.timestamp,
    traceId: about.traceId,
  };
}

/** A time as OCP writes it, minutes east of UTC: 2022-09-05T05:39:18.441Z, 480 -> 2022-09-05T13:39:18.441+08:00 */
export function withOffset(iso: string, minutes: number): string {
  const local = new Date(Date.parse(iso) + minutes * 60_000).toISOString().slice(0, -1);
  const size = Math.abs(minutes);
  const digits = (value: number): string => String(Math.trunc(value)).padStart(2, "0");
  return `${local}${minutes < 0 ? "-" : "+"}${digits(size / 60)}:${digits(size % 60)}`;
}
