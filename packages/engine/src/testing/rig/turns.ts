/**
 * Waiting without sleeping. Owns: the one function that lets everything that is already able to run, run.
 * It watches Node's own count of pending immediates, so it takes as many turns as the work needs and no more.
 */

/** Far above what any test needs; reached only by work that feeds itself for ever. */
const MAX_TURNS = 5_000_000;

/** Turns without a pending immediate that count as dry: one may hide a promise that schedules the next. */
const QUIET_TURNS = 2;

/**
 * Resolves when microtasks and the queue of immediates have run dry. Timers and I/O are not waited for.
 * Rejects when the queue is still busy after five million turns.
 */
export async function settleTurns(): Promise<void> {
  let quiet = 0;
  for (let turn = 0; turn < MAX_TURNS; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    quiet = immediatesPending() ? 0 : quiet + 1;
    if (quiet === QUIET_TURNS) return;
  }
  throw new Error("settleTurns: the queue of immediates never ran dry");
}

function immediatesPending(): boolean {
  return process.getActiveResourcesInfo().includes("Immediate");
}
