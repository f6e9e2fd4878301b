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
  /** It is being undone between two attempts (retry.mode: compensate-first), not for good. */
  betweenAttempts: boolean;
  /** Skipped by an operator. */
  passed: boolean;
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
  /** An untolerated failure stands. */
  failed = false;
  /** Groups that were skipped as a whole. */
  readonly passedGroups: Set<string> = new Set();
  /** Groups that an operator canceled as a whole: they have failed, however few of their members did. */
  readonly canceledGroups: Set<string> = new Set();
  /** Declared nodes that an operator lets go again, whatever else has failed; a new failure ends that (R14, R37). */
  readonly allowed: Set<string> = new Set();

  constructor(model: PlanModel) {
    this.model = model;
    for (const id of model.nodes.keys()) this.#add(id);
  }

  /** Node or member by its snapshot id; members come into being when first named. */
  node(id: string): NodeStory {
    const known = this.nodes.get(id) ?? this.#add(id);
    if (known.index >= 0) this.#enlist(known);
    return known;
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

  /** A member belongs to its group once it is named, again after the group was taken apart. */
  #enlist(member: NodeStory): void {
    const members = this.members.get(member.declared) ?? [];
    if (members.includes(member)) return;
    members.push(member);
    members.sort((a, b) => a.index - b.index);
    this.members.set(member.declared, members);
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
      betweenAttempts: false,
      passed: false,
      lastSucceeded: false,
      attemptsInRound: 0,
      open: new Set(),
      lastAttempt: 0,
      aborted: false,
    };
    this.nodes.set(id, node);
    return node;
  }

  #applyEvent(event: AnyRunEvent): void {
    if (!("nodeId" in event)) {
      this.#applyRunEvent(event);
      return;
    }
    if (event.type === "node:expanded") {
      for (let index = 0; index < event.members; index++) this.node(`${event.nodeId}[${index}]`);
      // A group that expands again may have fewer members than before.
      if (event.members === 0) this.members.delete(event.nodeId);
      else this.members.set(event.nodeId, (this.members.get(event.nodeId) ?? []).slice(0, event.members));
      return;
    }
    // What is said of a group as a whole follows from its members, but for a group that never got any, and for the
    // failure of a FIRST_SUCCESS group: it has failed once its last candidate is undone (R21).
    if (this.members.has(event.nodeId)) {
      const { split, onFailure } = this.model.nodes.get(event.nodeId) ?? {};
      if (event.type === "node:failed" && split?.method === "FIRST_SUCCESS" && onFailure !== "continue") this.#fail();
      this.canceledGroups.delete(event.nodeId);
      if (event.type === "node:reset") {
        this.allowed.add(event.nodeId);
        // All of it waits again: it may expand anew, or be skipped as a whole.
        if (this.units(event.nodeId).every(({ status }) => status === "pending")) this.members.delete(event.nodeId);
        this.#recountFailures();
      }
      if (event.type === "node:canceled" && onFailure !== "continue") {
        this.canceledGroups.add(event.nodeId);
        this.#fail();
      }
      if (event.type === "node:skipped") {
        this.passedGroups.add(event.nodeId);
        this.#recountFailures();
      }
      return;
    }
    this.#applyNodeEvent(this.node(event.nodeId), event);
  }

  #applyNodeEvent(node: NodeStory, event: AnyRunEvent): void {
    if (event.type === "node:reset" || event.type === "node:ready") node.retried ||= node.status === "failed";
    if (event.type === "node:succeeded" || event.type === "node:failed") node.retried = false;
    const before = node.status;
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
      case "node:compensating":
        if (before === "compensation-failed" && this.phase === "forward") this.#goAgain(node);
        if (before !== "compensating") node.betweenAttempts = before === "backoff";
        break;
      case "node:compensated":
        if (node.betweenAttempts && this.phase === "forward") node.status = "backoff";
        node.dirty = false;
        node.rolledBack = this.phase === "rolling-back";
        break;
      case "node:failed":
      case "node:canceled":
        if (!this.#tolerates(node)) this.#fail();
        break;
      case "node:reset":
        this.#goAgain(node);
        break;
      case "node:skipped":
        node.passed = event.reason === "operator";
        if (node.passed) this.#recountFailures();
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
    for (const node of this.nodes.values()) node.attemptsInRound = 0;
    this.#recountFailures();
  }

  /** An operator lets the node go again. */
  #goAgain(node: NodeStory): void {
    node.attemptsInRound = 0;
    this.allowed.add(node.declared);
    this.canceledGroups.delete(node.declared);
    this.#recountFailures();
  }

  #fail(): void {
    this.failed = true;
    this.allowed.clear();
  }

  /** After an operator's verb: which failures still stand. */
  #recountFailures(): void {
    this.failed = [...this.model.nodes.values()].some(
      (document) => document.onFailure !== "continue" && this.#hasFailed(document),
    );
  }

  #hasFailed(document: NodeDocument): boolean {
    if (this.passedGroups.has(document.id)) return false;
    if (this.canceledGroups.has(document.id)) return true;
    const units = this.units(document.id);
    const failed = units.filter(({ status }) => status === "failed" || status === "compensation-failed").length;
    if (document.split?.method !== "FIRST_SUCCESS" || !this.members.has(document.id)) {
      return failed > (this.members.has(document.id) ? toleratedFailures(document, units.length) : 0);
    }
    const ended = units.filter(({ status, rolledBack }) => status === "compensated" && !rolledBack).length + failed;
    const skipped = units.filter(({ status }) => status === "skipped").length;
    return ended > 0 && ended + skipped === units.length;
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
