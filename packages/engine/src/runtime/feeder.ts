/**
 * Feeds inputs to a run's core, in the order in which they are recorded (R50). Owns: the records and the commands of the batch
 * that is being made, the numbers of records. Does not own: when a batch is made durable and carried out (`executor.ts`).
 * Cost of an input: its decision, and a record if the journal keeps them.
 */
import { Commands, type Input, isAtRest, step } from "../core/index.ts";
import type { JournalRecord } from "../journal/port.ts";
import type { Json } from "../plan/document.ts";
import { absorb } from "./absorb.ts";
import type { CalledAttempt } from "./in-flight.ts";
import type { RebuiltRun } from "./rebuild.ts";
import type { RunSecrets } from "./run-secrets.ts";
import { evaluateNode } from "./scope.ts";

/** An answer of an action that succeeded, or of its compensation. */
interface AnswerInput {
  kind: "succeeded" | "undone";
  at: number;
  node: number;
  attempt: number;
}

/** What the core is told of an attempt that succeeded, or of one that was undone. */
export function answerInput({ node, attempt, undo }: CalledAttempt, at: number): AnswerInput {
  return { kind: undo ? "undone" : "succeeded", at, node, attempt };
}

const NO_RECORDS: readonly JournalRecord[] = Object.freeze([]);

export class Feeder {
  /** What the batch asks for and tells. */
  readonly commands: Commands = new Commands();
  /** How many inputs there were: the number of the next record. */
  seq: number;
  readonly #run: RebuiltRun;
  readonly #secrets: RunSecrets;
  /** Of the batch; none is made for a journal that keeps none. */
  #records: JournalRecord[] | undefined;
  /** The last answer, where no record keeps it: used again for the next one. */
  readonly #answer: AnswerInput = { kind: "succeeded", at: 0, node: 0, attempt: 0 };

  /** `seq`: how many inputs the run has had; `keeps`: the journal keeps records. */
  constructor(run: RebuiltRun, secrets: RunSecrets, { seq, keeps }: { readonly seq: number; readonly keeps: boolean }) {
    this.#run = run;
    this.#secrets = secrets;
    this.seq = seq;
    this.#records = keeps ? [] : undefined;
  }

  /** The records since the last call. */
  takeRecords(): readonly JournalRecord[] {
    const records = this.#records;
    if (records === undefined || records.length === 0) return NO_RECORDS;
    this.#records = [];
    return records;
  }

  /** One input and the evaluations that it asks for, of conditions and lists. */
  feed(input: Input, payload: Json | undefined): void {
    const asked = this.#feedOne(input, payload);
    if (asked.length > 0) this.#resolve(asked, input.at);
  }

  /** The same for an attempt that succeeded, or was undone. */
  feedAnswer(of: CalledAttempt, at: number, payload: Json | undefined): void {
    if (this.#records !== undefined) {
      this.feed(answerInput(of, at), payload);
      return;
    }
    const answer = this.#answer;
    answer.kind = of.undo ? "undone" : "succeeded";
    answer.at = at;
    answer.node = of.node;
    answer.attempt = of.attempt;
    this.feed(answer, payload);
  }

  /** The nodes whose evaluation the records asked for, but do not hold. */
  resolve(node: number, at: number): void {
    const { resolved, payload } = evaluateNode(this.#run, node, at);
    this.feed(resolved, payload);
  }

  /** Depth first: what an answer asks for comes before what is left. */
  #resolve(asked: readonly number[], at: number): void {
    const left = asked.toReversed();
    for (let node = left.pop(); node !== undefined; node = left.pop()) {
      const { resolved, payload } = evaluateNode(this.#run, node, at);
      const more = this.#feedOne(resolved, payload);
      for (let i = more.length - 1; i >= 0; i--) left.push(more[i] as number);
    }
  }

  /** Answers the nodes that wait for an evaluation. */
  #feedOne(input: Input, payload: Json | undefined): readonly number[] {
    const run = this.#run;
    const from = this.commands.length;
    const { any } = this.#secrets;
    const kept = any ? this.#secrets.scrubbed(payload) : payload;
    if (this.#records !== undefined) {
      const recorded = any ? this.#secrets.sealed(kept, this.seq) : kept;
      const { seq } = this;
      this.#records.push(recorded === undefined ? { seq, input } : { seq, input, payload: recorded });
    }
    this.seq++;
    run.lastAt = input.at;
    step(run.state, input, this.commands);
    if (isAtRest(run.state)) run.restedAt ??= input.at;
    else run.restedAt = null;
    return absorb(run, this.commands, from, kept);
  }
}
