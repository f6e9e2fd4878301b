/**
 * What every journal is held against: the promises J1 to J6 of the port and each of its methods, as named cases that any
 * test runner can loop over. Owns: the list. Does not own: what an adapter gives (`harness.ts`), the cases
 * (`*-cases.ts`) and what they stand on (`stage.ts`).
 *
 * A case gets a fresh medium, uses it through the port alone, and rejects with what was promised and what came instead.
 * No case waits for a time: what must be told (`asked`) is awaited, and the runner's limit ends a wait without an end.
 */
import { ANSWER_CASES } from "./answer-cases.ts";
import { CRASH_CASES } from "./crash-cases.ts";
import type { JournalHarness } from "./harness.ts";
import { LOCK_CASES } from "./lock-cases.ts";
import { OWNER_CASES } from "./owner-cases.ts";
import { RECORD_CASES } from "./record-cases.ts";
import { SLOT_CASES } from "./slot-cases.ts";
import { type CaseScript, playCase } from "./stage.ts";

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
  ...SLOT_CASES,
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
    if (need === "slots") return harness.sharesSlots === true;
    return harness.engines === (need === "one engine" ? "one" : "many");
  });
}
