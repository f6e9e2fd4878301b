/** What an adapter gives so that it can be held against the cases. Owns: the shape. */
import type { Journal, MaybePromise } from "../../journal/port.ts";

/** What somebody outside of the engines may do with a journal: look, ask, and hear what became of it. */
export type JournalOutsider = Pick<Journal, "read" | "list" | "logs" | "ask" | "answerTo">;

/** An adapter under test. `Medium` is whatever the harness needs to reach one file, schema, map, ... */
export interface JournalHarness<Medium = unknown> {
  /** How many engines one medium serves at once; with "one" a second is refused with JOURNAL_IN_USE. */
  readonly engines: "one" | "many";
  /** A new, empty medium. Nothing is shared between two of them. */
  fresh(): MaybePromise<Medium>;
  /**
   * A journal on the medium as one process would make it, not opened yet. Called once per engine of a case, and again
   * after `crash`. Where one object serves all engines of a process, answer the same one.
   */
  connect(medium: Medium): MaybePromise<Journal>;
  /**
   * Everything that uses the medium ends as if its processes were killed now: nothing is flushed, released or told. What
   * `connect` answers afterwards sees what is left. null for a journal that is not meant to outlive its process: the cases
   * of J1 that need it are left out.
   */
  readonly crash: ((medium: Medium) => MaybePromise<void>) | null;
  /**
   * The medium as a process sees it that owns no run of it, while others may. It may be the journal itself. null for a
   * journal that has no such form: its cases are left out.
   */
  readonly outsider: ((medium: Medium) => MaybePromise<JournalOutsider>) | null;
  /** Whether the journal counts slots of pools over its engines (`takeSlots`). Default false: their cases are left out. */
  readonly sharesSlots?: boolean;
  /** The case is over, well or badly: free everything, whether it was closed or not. */
  dispose?(medium: Medium): MaybePromise<void>;
}
