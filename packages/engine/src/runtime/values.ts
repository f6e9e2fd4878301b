/**
 * The values of one run, beside the core's state: outputs, failures, items, times. Owns: which value belongs to which
 * node now. All of it is rebuilt from the journal's payloads.
 */
import type { Json } from "../plan/document.ts";
import type { NodeFailure } from "./api.ts";

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

export class RunValues {
  readonly #outputs = new Map<number, Json>();
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
  /** Epoch milliseconds by node: first dispatch, end of the last attempt. Sparse. */
  readonly startedAt: (number | undefined)[] = [];
  readonly finishedAt: (number | undefined)[] = [];
  readonly undoStartedAt: (number | undefined)[] = [];
  readonly undoFinishedAt: (number | undefined)[] = [];

  /** By node: what an attempt waits for, while it does. */
  readonly waits: Map<number, Wait> = new Map();
  /** By node: who has approved its present attempt, in order. */
  readonly #approvals = new Map<number, readonly string[]>();

  approvals(node: number): readonly string[] {
    return this.#approvals.get(node) ?? [];
  }

  approve(node: number, who: string): void {
    this.#approvals.set(node, [...this.approvals(node), who]);
  }

  /** Another attempt asks anew. */
  forgetApprovals(node: number): void {
    this.#approvals.delete(node);
  }

  output(node: number): Json | undefined {
    return this.#outputs.get(node);
  }

  /** `shown`: how it is shown, when not as it is. */
  setOutput(node: number, output: Json | undefined, shown?: Json): void {
    if (output === undefined) this.#outputs.delete(node);
    else this.#outputs.set(node, output);
    if (shown === undefined) this.#shown.delete(node);
    else this.#shown.set(node, shown);
    this.#failures.delete(node);
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
    const copy = new RunValues();
    fill(copy.#outputs, this.#outputs);
    fill(copy.#shown, this.#shown);
    fill(copy.#failures, this.#failures);
    fill(copy.#undoFailures, this.#undoFailures);
    fill(copy.#approvals, this.#approvals);
    fill(copy.inputs, this.inputs);
    fill(copy.inputFaults, this.inputFaults);
    fill(copy.items, this.items);
    fill(copy.memberSeries, this.memberSeries);
    fill(copy.waits, this.waits);
    const times = ["startedAt", "finishedAt", "undoStartedAt", "undoFinishedAt"] as const;
    for (const name of times) for (const node in this[name]) copy[name][node] = this[name][node];
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
      this.startedAt[node] = undefined;
    }
    this.#undoFailures.delete(node);
    this.finishedAt[node] = undefined;
    this.undoStartedAt[node] = undefined;
    this.undoFinishedAt[node] = undefined;
  }
}

function fill<T>(to: Map<number, T>, from: ReadonlyMap<number, T>): void {
  for (const [node, value] of from) to.set(node, value);
}
