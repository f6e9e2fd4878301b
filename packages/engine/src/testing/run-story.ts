/**
 * The state of every node as a listener can know it: the trace, told entry by entry. Owns: the bookkeeping shared by the
 * checkers. Does not judge: a checker looks at the story before an entry is applied to it.
 */
import type { NodeDocument } from "../plan/document.ts";
import type { AnyRunEvent } from "../runtime/api.ts";
import { type PlanModel, splitId, toleratedFailures } from "./plan-model.ts";
import type { TraceEntry } from "./trace.ts";

export type StoryStatus =
  | "pending"
  | "ready"
  | "running"
  | "backoff"
  | "succeeded"
  | "failed"
  | "skipped"
  | "compensating"
  | "compensated"
  | "compensation-failed";

/** One node, or one member of a group. */
export interface NodeStory {
  readonly id: string;
  readonly declared: string;
  /** -1 for a node without `split`. */
  readonly index: number;
  readonly document: NodeDocument;
  status: StoryStatus;
  /** An attempt was dispatched since the node was last undone: there may be something to undo. */
  dirty: boolean;
  /** An attempt was dispatched, ever: what makes a prohibiting node a point of no return (R33). */
  started: boolean;
  /** It failed, and an operator lets it go again: its trigger was decided before (R12). */
  retried: boolean;
  /** Undone by a rollback, not between two candidates or attempts: it runs again when the run goes forward. */
  rolledBack: boolean;
  /** How the last attempt ended: decides whether `compensation.when: succeeded` applies. */
  lastSucceeded: boolean;
  /** Attempts since the start, or since the run last went forward again. */
  attemptsInRound: number;
  /** Attempts whose call has not let go. Any but the latest was given up (R26). */
  readonly open: Set<number>;
  /** The latest attempt that was called; 0 before the first. */
  lastAttempt: number;
  /** An abort was asked of the attempt that runs. */
  aborted: boolean;
}

export type Phase = "forward" | "resting" | "rolling-back" | "terminal";

export class RunStory {
  readonly model: PlanModel;
  readonly nodes: Map<string, NodeStory> = new Map();
  /** Members of a group, once it is expanded. */
  readonly members: Map<string, NodeStory[]> = new Map();
  phase: Phase = "forward";
  /** An untolerated failure stands, and nothing went forward again since. */
  failed = false;

  constructor(model: PlanModel) {
    this.model = model;
    for (const id of model.nodes.keys()) this.#add(id);
  }

  /** Node or member by its snapshot id; members come into being when first named. */
  node(id: string): NodeStory {
    return this.nodes.get(id) ?? this.#add(id);
  }

  /** The declared node as its members: itself without `split`, or before it is expanded. */
  units(declared: string): readonly NodeStory[] {
    return this.members.get(declared) ?? [this.node(declared)];
  }

  apply(entry: TraceEntry): void {
    if (entry.kind === "event") {
      this.#applyEvent(entry.event);
      return;
    }
    const node = this.node(entry.node);
    if (entry.kind === "start") {
      node.open.add(entry.attempt);
      node.lastAttempt = entry.attempt;
      node.dirty = true;
      node.aborted = false;
    }
    if (entry.kind === "end") node.open.delete(entry.attempt);
  }

  #add(id: string): NodeStory {
    const { declared, index } = splitId(id);
    const document = this.model.nodes.get(declared);
    if (document === undefined) throw new Error(`the trace names ${id}, which the plan does not know`);
    const node: NodeStory = {
      id,
      declared,
      index,
      document,
      status: "pending",
      dirty: false,
      started: false,
      retried: false,
      rolledBack: false,
      lastSucceeded: false,
      attemptsInRound: 0,
      open: new Set(),
      lastAttempt: 0,
      aborted: false,
    };
    this.nodes.set(id, node);
    if (index >= 0) {
      const members = this.members.get(declared) ?? [];
      members.push(node);
      members.sort((a, b) => a.index - b.index);
      this.members.set(declared, members);
    }
    return node;
  }

  #applyEvent(event: AnyRunEvent): void {
    if (!("nodeId" in event)) {
      this.#applyRunEvent(event);
      return;
    }
    if (event.type === "node:expanded") {
      for (let index = 0; index < event.members; index++) this.node(`${event.nodeId}[${index}]`);
      return;
    }
    // What is said of a group as a whole follows from its members, but for a group that never got any, and for the
    // failure of a FIRST_SUCCESS group: it has failed once its last candidate is undone (R21).
    if (this.members.has(event.nodeId)) {
      const { split, onFailure } = this.model.nodes.get(event.nodeId) ?? {};
      if (event.type === "node:failed" && split?.method === "FIRST_SUCCESS" && onFailure !== "continue")
        this.failed = true;
      return;
    }
    this.#applyNodeEvent(this.node(event.nodeId), event);
  }

  #applyNodeEvent(node: NodeStory, event: AnyRunEvent): void {
    if (event.type === "node:reset" || event.type === "node:ready") node.retried ||= node.status === "failed";
    if (event.type === "node:succeeded" || event.type === "node:failed") node.retried = false;
    const status = STATUS_AFTER[event.type];
    if (status !== undefined) node.status = status;
    switch (event.type) {
      case "node:started":
        node.attemptsInRound += 1;
        node.dirty = true;
        node.started = true;
        node.lastSucceeded = false;
        break;
      case "node:succeeded":
        node.lastSucceeded = true;
        break;
      case "node:canceling":
        node.aborted = true;
        break;
      case "node:compensated":
        node.dirty = false;
        node.rolledBack = this.phase === "rolling-back";
        break;
      case "node:failed":
      case "node:canceled":
        if (!this.#tolerates(node)) this.failed = true;
        break;
      default:
    }
  }

  /** Whether the failure of this node leaves the run unharmed, as far as is known now (R14). */
  #tolerates(node: NodeStory): boolean {
    if (node.document.onFailure === "continue") return true;
    if (node.index < 0) return false;
    const members = this.units(node.declared);
    if (node.document.split?.method === "FIRST_SUCCESS") return true;
    return (
      members.filter((member) => member.status === "failed").length <= toleratedFailures(node.document, members.length)
    );
  }

  #applyRunEvent(event: AnyRunEvent): void {
    const phase = PHASE_AFTER[event.type];
    if (phase !== undefined) this.phase = phase;
    if (event.type !== "run:retrying") return;
    this.failed = false;
    for (const node of this.nodes.values()) {
      node.attemptsInRound = 0;
    }
  }
}

const STATUS_AFTER: { readonly [K in AnyRunEvent["type"]]?: StoryStatus } = {
  "node:ready": "ready",
  "node:held": "pending",
  "node:reset": "pending",
  "node:started": "running",
  "node:succeeded": "succeeded",
  "node:failed": "failed",
  "node:canceled": "failed",
  "node:retrying": "backoff",
  "node:skipped": "skipped",
  "node:compensating": "compensating",
  "node:compensated": "compensated",
  "node:compensation-failed": "compensation-failed",
};

const PHASE_AFTER: { readonly [K in AnyRunEvent["type"]]?: Phase } = {
  "run:started": "forward",
  "run:resumed": "forward",
  "run:retrying": "forward",
  "run:failed": "resting",
  "run:canceled": "resting",
  "run:rolling-back": "rolling-back",
  "run:partially-rolled-back": "resting",
  "run:rollback-failed": "resting",
  "run:succeeded": "terminal",
  "run:rolled-back": "terminal",
  "run:abandoned": "terminal",
};
