/**
 * A PolarDB cluster in memory, for tests that need thousands of switches and every fault at its place. Owns the rules of such a cluster
 * (a reader takes no writes, a fenced writer neither, a promotion raises the generation), what was done to it, and how many nodes ever
 * took writes at once. Can be saved as JSON and restored, as a cluster outlives its controller.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { refuse } from "../step/wait.ts";
import type { ClusterStatus, PolarCluster, PolarEngine, PolarNode } from "./cluster.ts";
import {
  type HaLogEntry,
  type LedOrder,
  type PolarCall,
  type PolarControl,
  PROMOTED_ALREADY,
  PROMOTION_UNKNOWN,
  type SwitchOrder,
} from "./control.ts";

/** What goes wrong at a node: see `PolarModel.fault`. */
export type ModelFault =
  /** Its check refuses it. */
  | "unhealthy"
  /** It refuses to be promoted, once the old writer is fenced. */
  | "refuses-promotion"
  /** It is never promoted, and says nothing, until the attempt is given up. */
  | "hangs"
  /** It is promoted, and the answer is lost. */
  | "answer-lost"
  /** As `answer-lost`, and it answers no question afterwards. */
  | "silent";

/** One node as the model is given it. */
export type ModelNode = Pick<PolarNode, "nodeId"> & Partial<PolarNode>;

/** What a model is made of. */
export interface PolarModelSpec {
  readonly clusterId: string;
  /** Default MySQL. */
  readonly engine?: PolarEngine;
  /** Default "Unlock". */
  readonly lockMode?: string;
  /** The first one takes writes unless another one says that it is the Writer. */
  readonly nodes: readonly ModelNode[];
}

interface NodeState extends PolarNode {
  readonly fenced: boolean;
  readonly alive: boolean;
}

/** A saved model. */
export interface PolarModelState {
  readonly cluster: Omit<PolarCluster, "nodes">;
  readonly nodes: readonly NodeState[];
  readonly haLog: readonly HaLogEntry[];
  readonly deeds: readonly string[];
  readonly mostWriters: number;
  readonly faults: readonly (readonly [string, ModelFault])[];
}

/** See the head of this file. */
export class PolarModel implements PolarControl {
  #state: PolarModelState;
  readonly #changed: (() => void) | undefined;

  private constructor(state: PolarModelState, changed: (() => void) | undefined) {
    this.#state = state;
    this.#changed = changed;
  }

  /** A cluster whose nodes all answer. */
  static create({ clusterId, engine = "MySQL", lockMode = "Unlock", nodes: specs }: PolarModelSpec): PolarModel {
    const writer = specs.find(({ role }) => role === "Writer") ?? specs[0];
    const nodes = specs.map(
      (spec): NodeState => ({
        status: "Running",
        failoverPriority: 1,
        hotReplicaMode: "OFF",
        imciSwitch: "OFF",
        zoneId: "zone-a",
        problem: null,
        ...spec,
        role: spec === writer ? "Writer" : "Reader",
        fenced: false,
        alive: true,
      }),
    );
    const cluster = { clusterId, engine, lockMode, status: "Running", generation: 1 };
    return new PolarModel({ cluster, nodes, haLog: [], deeds: [], mostWriters: 1, faults: [] }, undefined);
  }

  /** The model that was saved. `changed` is called after every change of it, within a step too. */
  static restore(state: PolarModelState, changed?: () => void): PolarModel {
    return new PolarModel(state, changed);
  }

  /** All of it, as JSON. */
  save(): PolarModelState {
    return this.#state;
  }

  /** What was done to the cluster, in order: `fence pi-1`, `promote pi-2`, `restore pi-1`, `follow pi-3`, `status Running`. */
  get deeds(): readonly string[] {
    return this.#state.deeds;
  }

  /** How many nodes took writes at once, at most, at any time. */
  get mostWriters(): number {
    return this.#state.mostWriters;
  }

  /** Node ids of those that take writes now. */
  writers(): readonly string[] {
    return this.#state.nodes.filter(takesWrites).map(({ nodeId }) => nodeId);
  }

  /** From now on something is wrong at a node; `null`: nothing is. */
  fault(nodeId: string, kind: ModelFault | null): void {
    const others = this.#state.faults.filter(([id]) => id !== nodeId);
    this.#change({ faults: kind === null ? others : [...others, [nodeId, kind]] });
  }

  /** The node dies, or comes back as what it was. */
  setAlive(nodeId: string, alive: boolean): void {
    this.#change({ nodes: this.#but(nodeId, { alive }) });
  }

  async describe(clusterId: string): Promise<PolarCluster> {
    const { cluster, nodes } = this.#state;
    if (clusterId !== cluster.clusterId) refuse("CLUSTER_UNKNOWN", `there is no cluster ${clusterId}`);
    return {
      ...cluster,
      nodes: nodes.map(({ fenced: _, alive, ...node }) => (alive ? node : { ...node, problem: "does not answer" })),
    };
  }

  async markStatus(_: string, status: ClusterStatus, call?: PolarCall): Promise<void> {
    const markedBy = status === "Running" ? null : (call?.runId ?? null);
    this.#change({ cluster: { ...this.#state.cluster, status, markedBy }, deeds: this.#with(`status ${status}`) });
  }

  async checkCandidate({ to }: SwitchOrder): Promise<void> {
    if (this.#has(to, "unhealthy") || !this.#find(to).alive)
      refuse("UNHEALTHY_REPLICATION", `${to} does not replicate`);
  }

  async switchTo({ from, to }: LedOrder, { signal }: PolarCall): Promise<void> {
    this.#change({ nodes: this.#but(from, { fenced: true }), deeds: this.#with(`fence ${from}`) });
    if (this.#has(to, "refuses-promotion") || !this.#find(to).alive) {
      refuse("PROMOTION_FAILED", `${to} refuses to be promoted`);
    }
    if (this.#has(to, "hangs")) await sleep(2 ** 30, undefined, { signal, ref: false });
    const nodes = this.#state.nodes.map((node) => {
      if (node.nodeId === from) return { ...node, role: "Reader" as const };
      return node.nodeId === to ? { ...node, role: "Writer" as const } : node;
    });
    const cluster = { ...this.#state.cluster, generation: this.#state.cluster.generation + 1 };
    this.#change({ cluster, nodes, deeds: this.#with(`promote ${to}`) });
    if (this.#has(to, "answer-lost") || this.#has(to, "silent")) throw new Error(`the answer of ${to} is lost`);
  }

  async isSwitched({ to }: SwitchOrder): Promise<boolean> {
    if (this.#isSilent(to)) throw new Error(`${to} does not answer`);
    return takesWrites(this.#find(to));
  }

  async restore({ from, to, writerAnswered }: SwitchOrder): Promise<void> {
    if (this.#isSilent(to)) refuse(PROMOTION_UNKNOWN, `${to} does not answer`);
    if (takesWrites(this.#find(to))) refuse(PROMOTED_ALREADY, `${to} was promoted`);
    if (!this.#find(from).fenced) return;
    const back = writerAnswered ? { fenced: false, alive: true } : { fenced: false };
    this.#change({ nodes: this.#but(from, back), deeds: this.#with(`restore ${from}`) });
  }

  async awaitWriter({ to }: SwitchOrder): Promise<void> {
    if (!takesWrites(this.#find(to))) throw new Error(`${to} does not take writes`);
  }

  async bringReader({ to }: SwitchOrder, nodeId: string): Promise<void> {
    const node = this.#find(nodeId);
    if (takesWrites(node)) refuse("TWO_WRITERS", `${nodeId} takes writes beside ${to}`);
    if (!node.alive) throw new Error(`${nodeId} does not answer`);
    this.#change({ nodes: this.#but(nodeId, { fenced: false }), deeds: this.#with(`follow ${nodeId}`) });
  }

  async noteSwitch(entry: HaLogEntry): Promise<HaLogEntry> {
    const kept = this.#state.haLog.find(({ switchId }) => switchId === entry.switchId);
    if (kept === undefined) this.#change({ haLog: [...this.#state.haLog, entry] });
    return kept ?? entry;
  }

  async haLog(): Promise<readonly HaLogEntry[]> {
    return this.#state.haLog.toReversed();
  }

  #has(nodeId: string, kind: ModelFault): boolean {
    return this.#state.faults.some(([id, fault]) => id === nodeId && fault === kind);
  }

  /** Before its promotion it answers. */
  #isSilent(nodeId: string): boolean {
    return this.#has(nodeId, "silent") && this.#find(nodeId).role === "Writer";
  }

  #find(nodeId: string): NodeState {
    const node = this.#state.nodes.find((one) => one.nodeId === nodeId);
    return node ?? refuse("NODE_UNKNOWN", `there is no node ${nodeId}`);
  }

  /** All nodes, one of them changed. */
  #but(nodeId: string, change: Partial<NodeState>): readonly NodeState[] {
    this.#find(nodeId);
    return this.#state.nodes.map((node) => (node.nodeId === nodeId ? { ...node, ...change } : node));
  }

  #with(deed: string): readonly string[] {
    return [...this.#state.deeds, deed];
  }

  #change(change: Partial<PolarModelState>): void {
    const next = { ...this.#state, ...change };
    this.#state = { ...next, mostWriters: Math.max(next.mostWriters, next.nodes.filter(takesWrites).length) };
    this.#changed?.();
  }
}

function takesWrites({ role, fenced, alive }: NodeState): boolean {
  return role === "Writer" && !fenced && alive;
}
