/**
 * What every journal is held against: the promises J1 to J5 of the port and each of its methods, as named cases that any
 * test runner can loop over. Owns: the harness an adapter gives, and the list. Does not own: the cases
 * (`journal-*-cases.ts`) and what they stand on (`journal-stage.ts`).
 *
 * A case gets a fresh medium, uses it through the port alone, and rejects with what was promised and what came instead.
 * No case waits for a time: what must be told (`asked`) is awaited, and the runner's limit ends a wait without an end.
 */
import type { Journal, MaybePromise } from "../journal/port.ts";
import { ANSWER_CASES } from "./journal-answer-cases.ts";
import { CRASH_CASES } from "./journal-crash-cases.ts";
import { LOCK_CASES } from "./journal-lock-cases.ts";
import { OWNER_CASES } from "./journal-owner-cases.ts";
import { RECORD_CASES } from "./journal-record-cases.ts";
import { type CaseScript, playCase } from "./journal-stage.ts";

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
  /** The case is over, well or badly: free everything, whether it was closed or not. */
  dispose?(medium: Medium): MaybePromise<void>;
}

/** One promise, tried on a fresh medium. */
export interface JournalCase {
  /** A sentence that starts with the promise: "J3 (R44): ...". */
  readonly name: string;
  /** Resolves when the promise was kept; rejects with an error that says what was promised and what came instead. */
  run(): Promise<void>;
}

const SCRIPTS: readonly CaseScript[] = [
  ...RECORD_CASES,
  ...OWNER_CASES,
  ...LOCK_CASES,
  ...ANSWER_CASES,
  ...CRASH_CASES,
];

/**
 * The cases for an adapter, to loop over in any test runner:
 *
 * `for (const { name, run } of journalConformance(harness)) test(name, run);`
 */
export function journalConformance<Medium>(harness: JournalHarness<Medium>): readonly JournalCase[] {
  return SCRIPTS.filter((script) => makesSense(script, harness as JournalHarness<unknown>)).map((script) => ({
    name: script.name,
    run: () => playCase(harness as JournalHarness<unknown>, script),
  }));
}

function makesSense({ needs = [] }: CaseScript, harness: JournalHarness): boolean {
  return needs.every((need) => {
    if (need === "crash") return harness.crash !== null;
    if (need === "outsider") return harness.outsider !== null;
    return harness.engines === (need === "one engine" ? "one" : "many");
  });
}
