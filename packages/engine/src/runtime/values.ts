/**
 * The values of one run, beside the core's state: outputs, failures, items, times. Owns: which value belongs to which
 * node now. All of it is rebuilt from the journal's payloads.
 */
import type { Json } from "../plan/document.ts";
import type { NodeFailure } from "./api.ts";
import { TimeColumn } from "./time-column.ts";
import { ValueColumn } from "./value-column.ts";

/** What an attempt of a waiting node waits for. */
export interface Wait {
  readonly for: "time" | "approval" | "signal";
  /** Epoch milliseconds; null unless it waits for time. */
  readonly until: number | null;
  /** Who may approve; null = anyone. */
  readonly approvers: readonly string[] | null;
  /** How many people have to approve. */
  readonly required: number;
}

const NOBODY: readonly string[] = Object.freeze([]);

export class RunValues {
  readonly #origin: number;
  readonly #room: number;
  #outputs: ValueColumn<Json>;
  /** Outputs as they are shown, by node, where secret places of them are hidden (R46). */
  readonly #shown = new Map<number, Json>();
  readonly #failures = new Map<number, NodeFailure>();
  readonly #undoFailures = new Map<number, NodeFailure>();
  /** Inputs by node, as evaluated for its first attempt, deeply frozen: every attempt gets a copy (R28, R31). */
  readonly inputs: Map<number, Json> = new Map();
  /** By node: why its input could not be evaluated for its present attempt. */
  readonly inputFaults: Map<number, string> = new Map();
  /** Items by group, deeply frozen. */
  readonly items: Map<number, readonly Json[]> = new Map();
  /** First seriesId of a group that expanded at run time (R24). */
  readonly memberSeries: Map<number, number> = new Map();
  /** First dispatch, end of the last attempt. */
  startedAt: TimeColumn;
  finishedAt: TimeColumn;
  undoStartedAt: TimeColumn;
  undoFinishedAt: TimeColumn;

  /** `origin`: about when the run began, epoch milliseconds; `room`: how many nodes it has. */
  constructor(origin: number = 0, room: number = 0) {
    this.#origin = origin;
    this.#room = room;
    this.#outputs = new ValueColumn(room);
    this.startedAt = new TimeColumn(origin, room);
    this.finishedAt = new TimeColumn(origin, room);
    this.undoStartedAt = new TimeColumn(origin, room);
    this.undoFinishedAt = new TimeColumn(origin, room);
  }

  /** By node: what an attempt waits for, while it does. */
  readonly waits: Map<number, Wait> = new Map();
  /** By node: who has approved its present attempt, in order. */
  readonly #approvals = new Map<number, readonly string[]>();

  approvals(node: number): readonly string[] {
    return this.#approvals.size === 0 ? NOBODY : (this.#approvals.get(node) ?? NOBODY);
  }

  approve(node: number, who: string): void {
    this.#approvals.set(node, [...this.approvals(node), who]);
  }

  /** Another attempt asks anew. */
  forgetApprovals(node: number): void {
    if (this.#approvals.size > 0) this.#approvals.delete(node);
  }

  /** Why the input of the node's present attempt could not be evaluated. */
  inputFault(node: number): string | undefined {
    return this.inputFaults.size === 0 ? undefined : this.inputFaults.get(node);
  }

  output(node: number): Json | undefined {
    return this.#outputs.get(node);
  }

  /** `shown`: how it is shown, when not as it is. */
  setOutput(node: number, output: Json | undefined, shown?: Json): void {
    if (output === undefined) this.#outputs.delete(node);
    else this.#outputs.set(node, output);
    if (shown !== undefined) this.#shown.set(node, shown);
    else if (this.#shown.size > 0) this.#shown.delete(node);
    if (this.#failures.size > 0) this.#failures.delete(node);
  }

  /** The output as it is shown; secrets that it shows by themselves are still to be hidden. */
  shown(node: number): Json | undefined {
    return this.#shown.get(node) ?? this.#outputs.get(node);
  }

  failure(node: number): NodeFailure | undefined {
    return this.#failures.get(node);
  }

  setFailure(node: number, failure: NodeFailure): void {
    this.#failures.set(node, failure);
  }

  undoFailure(node: number): NodeFailure | undefined {
    return this.#undoFailures.get(node);
  }

  setUndoFailure(node: number, failure: NodeFailure | undefined): void {
    if (failure === undefined) this.#undoFailures.delete(node);
    else this.#undoFailures.set(node, failure);
  }

  /** The same values, which change on their own. */
  copy(): RunValues {
    const copy = new RunValues(this.#origin, this.#room);
    copy.#outputs = this.#outputs.copy();
    copy.startedAt = this.startedAt.copy();
    copy.finishedAt = this.finishedAt.copy();
    copy.undoStartedAt = this.undoStartedAt.copy();
    copy.undoFinishedAt = this.undoFinishedAt.copy();
    fill(copy.#shown, this.#shown);
    fill(copy.#failures, this.#failures);
    fill(copy.#undoFailures, this.#undoFailures);
    fill(copy.#approvals, this.#approvals);
    fill(copy.inputs, this.inputs);
    fill(copy.inputFaults, this.inputFaults);
    fill(copy.items, this.items);
    fill(copy.memberSeries, this.memberSeries);
    fill(copy.waits, this.waits);
    return copy;
  }

  /** The node runs again; unless its earlier attempts still count, as if for the first time. */
  reset(node: number, keepsStart: boolean): void {
    // What an earlier attempt left may still have to be undone: its failure goes to the compensation (R31).
    if (!keepsStart) {
      this.#outputs.delete(node);
      this.#shown.delete(node);
      this.#failures.delete(node);
      this.inputs.delete(node);
      this.startedAt.delete(node);
    }
    this.#undoFailures.delete(node);
    this.finishedAt.delete(node);
    this.undoStartedAt.delete(node);
    this.undoFinishedAt.delete(node);
  }
}

function fill<T>(to: Map<number, T>, from: ReadonlyMap<number, T>): void {
  for (const [node, value] of from) to.set(node, value);
}
