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
  /** Some have a payload: mostly none. */
  #hasPayloads = false;
  /** Some are no answers. */
  #hasEntries = false;

  push(entry: Entry): void {
    const place = this.length++;
    this.#answers[place] = undefined;
    this.#entries[place] = entry;
    this.#hasEntries = true;
    if (entry.payload !== undefined) this.#putPayload(place, entry.payload);
  }

  /** An attempt succeeded, or the node was undone; the input gets the time of its batch. */
  pushAnswer(of: CalledAttempt, payload: Json | undefined): void {
    const place = this.length++;
    this.#answers[place] = of;
    if (payload !== undefined) this.#putPayload(place, payload);
  }

  #putPayload(place: number, payload: Json): void {
    this.#payloads[place] = payload;
    this.#hasPayloads = true;
  }

  /** undefined for an entry. */
  answerAt(place: number): CalledAttempt | undefined {
    return this.#answers[place];
  }

  payloadAt(place: number): Json | undefined {
    return this.#hasPayloads ? this.#payloads[place] : undefined;
  }

  /** undefined for an answer. */
  entryAt(place: number): Entry | undefined {
    return this.#entries[place];
  }

  /** How many grants of a named pool wait. */
  grantsOf(pool: number): number {
    let count = 0;
    for (let place = 0; place < this.length && this.#hasEntries; place++) {
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
    for (let place = 0; place < this.length && place < this.#answers.length; place++) this.#answers[place] = undefined;
    if (this.#hasPayloads) this.#payloads.fill(undefined);
    if (this.#hasEntries) this.#entries.fill(undefined);
    this.#hasPayloads = false;
    this.#hasEntries = false;
    this.length = 0;
  }

  /** Everything but answers, which nobody waits for; the inbox is empty then. */
  takeEntries(): Entry[] {
    const entries = this.#entries.filter((entry) => entry !== undefined);
    this.clear();
    return entries;
  }
}
