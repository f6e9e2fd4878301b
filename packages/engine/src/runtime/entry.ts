/** What waits in the inbox of a run's loop. Owns: the shape; `executor.ts` feeds it to the core in order. */
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

/** The time of an input that gets that of its batch. */
export const BATCH_TIME = -1;

/** An answer of an action that succeeded, or of its compensation. */
export class AnswerEntry implements Entry {
  readonly input: { kind: "succeeded" | "undone"; at: number; node: number; attempt: number };
  readonly payload: Json | undefined;
  readonly done: undefined;
  readonly release: undefined;

  constructor(input: AnswerEntry["input"], payload: Json | undefined) {
    this.input = input;
    this.payload = payload;
    this.done = undefined;
    this.release = undefined;
  }
}
