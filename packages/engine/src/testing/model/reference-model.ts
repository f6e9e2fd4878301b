/**
 * The reference model: a second, naive statement of rules R10 to R37, for model-based tests. It is told what happens to a
 * run and answers what is true of it then. Owns: inputs and observations; the rules are in the other `reference-` files.
 *
 * To review it, read in this order, docs/semantics.md beside it; each function names its rule:
 * 1. `reference-state.ts`: what is remembered of a node and a run, and what one node tells by itself.
 * 2. `reference-trigger.ts`: what upstreams allow (R12). 3. `reference-attempt.ts`: one attempt, one compensation, their
 *    deadlines (R25 to R28, R31). 4. `reference-group.ts`: members (R20 to R24). 5. `reference-rollback.ts` (R30 to R35).
 * 6. `reference-flow.ts`: `settle`, which asks all of these over and over until nothing follows any more (R10, R14, R15).
 * 7. `reference-operator.ts`: verbs and refusals (R37). 8. This file: how it is asked.
 *
 * M1: it shares no code with the core (types only), keeps no counters, and derives everything from how the nodes stand.
 * M2: it knows no expressions: who drives it answers what `asking()` lists. It models no jitter.
 */
import type { NodeStatus } from "../../core/node-state.ts";
import type { RunStatus } from "../../core/run-state.ts";
import type { PlanDocument } from "../../plan/document.ts";
import {
  type Answer,
  type Armed,
  answered,
  begin,
  beginUndo,
  deadlinesOf,
  pass,
  seconds,
  undoAnswered,
} from "./reference-attempt.ts";
import { resolved, runTimesOut, settle } from "./reference-flow.ts";
import { apply, type Refused, refusal, type Verb } from "./reference-operator.ts";
import { barriers } from "./reference-rollback.ts";
import { type Entry, everything, isInFlight, type RollbackTo, type Skip, World, workers } from "./reference-state.ts";

export type { Answer };

/** One attempt, or one compensation. */
export interface Call {
  readonly node: string;
  readonly attempt: number;
  readonly undo: boolean;
}

/** What is true of one node, group or member. */
export interface Standing {
  readonly status: NodeStatus;
  readonly skip: Skip | undefined;
  readonly attempt: number;
  readonly undoAttempt: number;
}

export interface ModelOptions {
  /** Lengths of the lists that are known at the start, by id of the group (R23). */
  readonly lists?: ReadonlyMap<string, number>;
  /** Milliseconds an aborted attempt is given to let go (R26); default 5000. */
  readonly graceMs?: number;
}

export class ReferenceModel {
  readonly #world: World;

  /** A run of a checked plan that has not begun. */
  constructor(document: PlanDocument, { lists = new Map(), graceMs = 5000 }: ModelOptions = {}) {
    this.#world = new World(document, lists, graceMs);
  }

  /** The run begins (R10). */
  start(): void {
    if (this.#world.document.timeout) this.#world.runSince = this.#world.now;
    settle(this.#world);
  }

  /** Nodes whose condition or list must be answered with `resolve`. */
  asking(): string[] {
    return everything(this.#world).flatMap(({ asking, id }) => (asking ? [id] : []));
  }

  /** What the node's condition and list came to; `members` counts for a group that has none yet. */
  resolve(node: string, answer: "run" | "skip" | "fail", members: number): void {
    resolved(this.#world, this.#entry(node), answer, members);
    settle(this.#world);
  }

  /** R11, R41: what waits for a slot of a pool ("" = of none), in the order in which it leaves; none while PAUSED. */
  waiting(pool = ""): string[] {
    const { status } = this.#world;
    if (status !== "RUNNING" && status !== "ROLLING_BACK") return [];
    const line = workers(this.#world).filter((entry) => poolOf(entry) === pool);
    const undos = line.filter(({ undo }) => undo === "slot").sort((a, b) => -this.#order(a, b));
    const forward = line.filter(({ waits }) => waits === "slot").sort((a, b) => this.#order(a, b));
    return [...undos, ...forward].map(({ id }) => id);
  }

  /** So many slots of a pool are free: the first in line leave. */
  dispatch(pool: string, slots: number): Call[] {
    const calls = this.waiting(pool)
      .slice(0, slots)
      .map((id) => this.#start(this.#entry(id)));
    settle(this.#world);
    return calls;
  }

  /** Attempts and compensations that have not let go. */
  inFlight(): (Call & { readonly aborted: boolean })[] {
    return workers(this.#world)
      .filter(isInFlight)
      .map((entry) => ({ ...callOf(entry), aborted: entry.status === "CANCELING" || entry.undo === "aborting" }));
  }

  /** A call let go. R25: what is not in flight any more is late, and changes nothing. */
  answer({ node, attempt, undo }: Call, answer: Answer): void {
    const entry = this.#entry(node);
    if (!isInFlight(entry)) return;
    const live = callOf(entry);
    if (live.undo !== undo || live.attempt !== attempt) return;
    if (undo) undoAnswered(this.#world, entry, answer);
    else answered(this.#world, entry, answer);
    settle(this.#world);
  }

  /** Every deadline that counts, the earliest first. */
  deadlines(): Armed[] {
    const { runSince, document, status } = this.#world;
    // R51: nothing comes after the end.
    if (status === "SUCCESSFUL" || status === "ROLLED_BACK" || status === "ABANDONED") return [];
    const all = workers(this.#world).flatMap((entry) => deadlinesOf(this.#world, entry));
    if (runSince !== undefined) all.push({ node: "", kind: "run", at: runSince + seconds(document.timeout) });
    return all.sort((a, b) => a.at - b.at);
  }

  /** Time goes on to `at`, milliseconds since the run began; nothing passes by itself. Without effect when it is past. */
  elapse(at: number): void {
    this.#world.now = Math.max(this.#world.now, at);
  }

  /** Time goes on to this deadline, which passes. */
  due({ node, kind, at }: Armed): void {
    const world = this.#world;
    this.elapse(at);
    if (kind === "run") runTimesOut(world);
    else pass(world, this.#entry(node), kind);
    settle(world);
  }

  /** R37: why a verb would be refused; undefined = it would be done. Changes nothing. */
  refuses(verb: Verb): Refused | undefined {
    return refusal(this.#world, verb, (id) => this.#entry(id));
  }

  /** R37: why a verb is refused; undefined = it has been done. */
  ask(verb: Verb): Refused | undefined {
    const find = (id: string): Entry => this.#entry(id);
    const refused = refusal(this.#world, verb, find);
    if (refused !== undefined) return refused;
    apply(this.#world, verb, find);
    settle(this.#world);
    return undefined;
  }

  /** Status of the run. */
  get status(): RunStatus {
    return this.#world.status;
  }

  /** Where the rollback that failed was going; undefined when none has (R32). */
  get rollingTo(): RollbackTo | undefined {
    return this.#world.status === "ROLLBACK_FAILED" ? this.#world.rollback?.to : undefined;
  }

  /** R33: true once a plain rollback would be refused. */
  get prohibitRollback(): boolean {
    return this.#world.document.prohibitRollback === true || barriers(this.#world).length > 0;
  }

  /** Ids of all nodes, groups and members, in the order of the plan. */
  ids(): string[] {
    return everything(this.#world).map(({ id }) => id);
  }

  /** One node, group or member; throws when the run has no such id (any more). */
  standing(id: string): Standing {
    const { status, skip, attempt, undoAttempt } = this.#entry(id);
    return { status, skip: status === "SKIPPED" ? skip : undefined, attempt, undoAttempt };
  }

  #entry(id: string): Entry {
    const [home = "", index] = id.split(/[[\]]/);
    const declared = this.#world.declared.get(home);
    const found = index === undefined ? declared : declared?.members?.[Number(index)];
    if (found === undefined) throw new Error(`the model has no node ${id}`);
    return found;
  }

  #start(entry: Entry): Call {
    if (entry.undo === "slot") beginUndo(this.#world, entry);
    else begin(this.#world, entry);
    return callOf(entry);
  }

  /** R11: higher priority, lower seriesId of the declared node, lower parallelIdx. */
  #order(a: Entry, b: Entry): number {
    const series = ({ node }: Entry): number => this.#world.seriesId.get(node.id) ?? 0;
    return (b.node.priority ?? 0) - (a.node.priority ?? 0) || series(a) - series(b) || a.index - b.index;
  }
}

function callOf(entry: Entry): Call {
  const undo = entry.undo !== undefined;
  return { node: entry.id, attempt: undo ? entry.undoAttempt : entry.attempt, undo };
}

/** R41: the pool whose slots a node takes; one that only waits takes none of any. */
function poolOf({ node }: Entry): string {
  return /^belay\.(wait|approval|signal)$/.test(node.action) ? "belay.waiting" : (node.pool ?? "");
}
