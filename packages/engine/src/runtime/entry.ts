/** What waits in the inbox of a run's loop. Owns: the shape; `executor.ts` feeds it to the core in order. */
import type { Input } from "../core/index.ts";
import type { Json } from "../plan/document.ts";

/** One input on its way, with what the core does not read. */
export interface Entry {
  readonly input: Input;
  readonly payload?: Json;
  /** Verbs: told once the verb is durable, or refused. */
  readonly done?: (error?: unknown) => void;
  /** A slot of a named pool that came with this grant. */
  readonly release?: () => void;
}
