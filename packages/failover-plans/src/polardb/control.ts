/**
 * The port through which the PolarDB plan reaches a cluster, whatever that is made of: PostgreSQL servers, Alibaba's endpoint, a model.
 * Owns the contract only.
 *
 * Every method may be called again after a crash and finds its work done. Invariants that the plan relies on: `switchTo` promotes only
 * once the old writer can take no writes any more; `restore` lets the old writer take writes only once it is certain that the candidate
 * has not been promoted and will not be. A doubt is an error, never an answer.
 */
import type { ActionContext } from "@belay/engine";
import type { ClusterStatus, PolarCluster, TargetZoneType } from "./cluster.ts";

/** On whose behalf a call is made: the context of an attempt, without what only its action may read. */
export type PolarCall = Pick<
  ActionContext,
  "runId" | "nodeId" | "idempotencyKey" | "signal" | "fencingTokens" | "log" | "heartbeat"
>;

/** One switch: from one writer to one candidate. */
export interface SwitchOrder {
  readonly clusterId: string;
  /** Node id of the present writer. */
  readonly from: string;
  /** Node id of the candidate. */
  readonly to: string;
  /** Node ids of all other nodes that may hold the writer's data. */
  readonly others: readonly string[];
  /** Generation of the cluster before the switch; after it, a higher one where the system has such a number. */
  readonly generation: number;
  /** Whether the old writer answered when the candidates were chosen: one that did must take writes again when this is undone. */
  readonly writerAnswered: boolean;
  /** Fail back to the old zone once it recovers. Only systems that can do that by themselves do anything with it. */
  readonly rollBackForDisaster?: boolean | undefined;
  readonly targetZoneType?: TargetZoneType | undefined;
}

/** An order to a controller that has emptied the route for it. */
export interface LedOrder extends SwitchOrder {
  /** Epoch under which the route names nobody: a promotion is refused when somebody has published since. */
  readonly epoch: number;
}

/** One finished switch, as DescribeHALogs lists it. */
export interface HaLogEntry {
  /** SwitchId: a lower-case UUID. */
  readonly switchId: string;
  readonly clusterId: string;
  /** SwitchCauseCode. */
  readonly causeCode: string;
  /** SwitchCauseDetail. */
  readonly causeDetail: string;
  /** SwitchStartTime, epoch milliseconds. */
  readonly startedAt: number;
  /** SwitchFinishTime, epoch milliseconds; never before the start. */
  readonly finishedAt: number;
}

/** Power over clusters. Methods reject with a `NonRetryable` whose code is a refusal, or with anything else for trouble on the way. */
export interface PolarControl {
  /** The cluster as it stands. Code: CLUSTER_UNKNOWN. */
  describe(clusterId: string, call: PolarCall): Promise<PolarCluster>;
  /** Shows that status of the cluster, as the call's run. */
  markStatus(clusterId: string, status: ClusterStatus, call: PolarCall): Promise<void>;
  /** Whether the candidate could take over now; reads only. Rejects when not, with UNHEALTHY_REPLICATION or a code of the system. */
  checkCandidate(order: SwitchOrder, call: PolarCall): Promise<void>;
  /** Makes the candidate the writer; when it has resolved, that is certain, and the old writer takes no writes any more. */
  switchTo(order: LedOrder, call: PolarCall): Promise<void>;
  /** Whether the candidate has been made the writer. Rejects when nobody can tell. */
  isSwitched(order: SwitchOrder, call: PolarCall): Promise<boolean>;
  /**
   * Undoes what `switchTo` may have left: the old writer takes writes again (if it answered before), the candidate is its reader.
   * Codes: PROMOTED_ALREADY when the candidate has been promoted, PROMOTION_UNKNOWN when nobody can tell.
   */
  restore(order: SwitchOrder, call: PolarCall): Promise<void>;
  /** Resolves once the new writer really takes writes. */
  awaitWriter(order: SwitchOrder, call: PolarCall): Promise<void>;
  /** Makes a node follow the new writer, the old one included, and resolves once it does. */
  bringReader(order: SwitchOrder, nodeId: string, call: PolarCall): Promise<void>;
  /** Keeps an entry in the log of switches, once per `switchId`; answers the one that is kept. Systems that log by themselves answer theirs. */
  noteSwitch(entry: HaLogEntry, call: PolarCall): Promise<HaLogEntry>;
  /** The log of switches, the youngest first. */
  haLog(clusterId: string, call: Pick<PolarCall, "signal">): Promise<readonly HaLogEntry[]>;
}

/** Code: the candidate was promoted, so that the switch cannot be undone. */
export const PROMOTED_ALREADY = "PROMOTED_ALREADY";
/** Code: whether the candidate was promoted cannot be told. */
export const PROMOTION_UNKNOWN = "PROMOTION_UNKNOWN";
