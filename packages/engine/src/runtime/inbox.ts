/**
 * What waits to be fed to a run's core, in order. Owns: its memory, which is kept: an answer takes no object beside its input.
 */
import type { Input } from "../core/index.ts";
import type { Json } from "../plan/document.ts";

/** One input on its way, with what the core does not read. */
export interface Entry {
  readonly input: Input;
  readonly payload?: Json | undefined;
  /** Verbs: told once the verb is durable, or refused. */
  readonly done?: ((error?: unknown) => void) | undefined;
  /** A slot of a named pool that came with this grant. */
  readonly release?: (() => void) | undefined;
}

/** An answer of an action that succeeded, or of its compensation; its time may be that of its batch. */
export interface AnswerInput {
  readonly kind: "succeeded" | "undone";
  at: number;
  readonly node: number;
  readonly attempt: number;
}

/** The time of an input that gets that of its batch. */
export const BATCH_TIME = -1;

/** More memory than that is given back once it is not needed. */
const MOST_KEPT = 1024;

export class Inbox {
  length = 0;
  #inputs: (Input | AnswerInput)[] = [];
  #payloads: (Json | undefined)[] = [];
  /** Of the entries that are no answers. */
  #entries: (Entry | undefined)[] = [];

  push(entry: Entry): void {
    this.#put(entry.input, entry.payload, entry);
  }

  pushAnswer(answer: AnswerInput, payload: Json | undefined): void {
    this.#put(answer, payload, undefined);
  }

  #put(input: Input | AnswerInput, payload: Json | undefined, entry: Entry | undefined): void {
    const place = this.length++;
    this.#inputs[place] = input;
    this.#payloads[place] = payload;
    this.#entries[place] = entry;
  }

  inputAt(place: number): Input | AnswerInput {
    return this.#inputs[place] as Input | AnswerInput;
  }

  payloadAt(place: number): Json | undefined {
    return this.#payloads[place];
  }

  /** undefined for an answer. */
  entryAt(place: number): Entry | undefined {
    return this.#entries[place];
  }

  /** How many grants of a named pool wait. */
  grantsOf(pool: number): number {
    let count = 0;
    for (let place = 0; place < this.length; place++) {
      const { input, release } = this.#entries[place] ?? {};
      if (release !== undefined && input?.kind === "grant" && input.pool === pool) count++;
    }
    return count;
  }

  clear(): void {
    if (this.length > MOST_KEPT) {
      this.#inputs = [];
      this.#payloads = [];
      this.#entries = [];
    }
    // What was read is let go of; the inputs are small.
    for (let place = 0; place < this.length && place < this.#entries.length; place++) {
      this.#payloads[place] = undefined;
      this.#entries[place] = undefined;
    }
    this.length = 0;
  }

  /** Everything but answers, which nobody waits for; the inbox is empty then. */
  takeEntries(): Entry[] {
    const entries = this.#entries.slice(0, this.length).filter((entry) => entry !== undefined);
    this.clear();
    return entries;
  }
}
