/**
 * What waits to be fed to a run's core, in order. Owns: its memory, which is kept: an answer takes no object beside its call's.
 */
import type { Input } from "../core/index.ts";
import type { Json } from "../plan/document.ts";
import type { CalledAttempt } from "./in-flight.ts";

/** One input on its way, with what the core does not read. */
export interface Entry {
  readonly input: Input;
  readonly payload?: Json | undefined;
  /** Verbs: told once the verb is durable, or refused. */
  readonly done?: ((error?: unknown) => void) | undefined;
  /** A slot of a named pool that came with this grant. */
  readonly release?: (() => void) | undefined;
}

/** More memory than that is given back once it is not needed. */
const MOST_KEPT = 1024;

export class Inbox {
  length = 0;
  /** Of the answers: the attempts that succeeded, or were undone. */
  #answers: (CalledAttempt | undefined)[] = [];
  #payloads: (Json | undefined)[] = [];
  /** Of the entries that are no answers. */
  #entries: (Entry | undefined)[] = [];

  push(entry: Entry): void {
    this.#put(undefined, entry.payload, entry);
  }

  /** An attempt succeeded, or the node was undone; the input gets the time of its batch. */
  pushAnswer(of: CalledAttempt, payload: Json | undefined): void {
    this.#put(of, payload, undefined);
  }

  #put(answer: CalledAttempt | undefined, payload: Json | undefined, entry: Entry | undefined): void {
    const place = this.length++;
    this.#answers[place] = answer;
    this.#payloads[place] = payload;
    this.#entries[place] = entry;
  }

  /** undefined for an entry. */
  answerAt(place: number): CalledAttempt | undefined {
    return this.#answers[place];
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
      this.#answers = [];
      this.#payloads = [];
      this.#entries = [];
    }
    // What was read is let go of.
    for (let place = 0; place < this.length && place < this.#entries.length; place++) {
      this.#answers[place] = undefined;
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
