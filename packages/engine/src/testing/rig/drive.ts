/**
 * A driver for runs whose calls are held: it chooses what happens next, one thing at a time, from a list of numbers, so
 * that a property can explore interleavings and shrink them. Owns: the choice. Invariant I11 (liveness): a run that is
 * not at rest always has something that can happen next.
 */
import type { Run, RunSnapshot } from "../../runtime/api.ts";
import type { ActionRig } from "./action-rig.ts";
import type { ManualClock } from "./manual-clock.ts";
import { settleTurns } from "./turns.ts";

/** What a driver needs: a rig made with `held: true`, and the engine's clock. */
export interface Driven {
  readonly rig: ActionRig;
  readonly clock: ManualClock;
}

/** Steps after which a run that does not rest is taken for one that never will. */
const MAX_STEPS = 100_000;

/**
 * Drives `run` until it rests, and answers its snapshot. `choices` are used in turn, from the start again when used up:
 * each picks one waiting call to finish, or the next deadline. Empty: the oldest call first, time only when none waits.
 * Rejects with "I11: ..." when nothing can happen and the run does not rest.
 */
export async function driveRun(run: Run, driven: Driven, choices: readonly number[] = []): Promise<RunSnapshot> {
  const rest = await driveSteps(run, driven, choices, MAX_STEPS);
  if (rest === undefined) throw new Error(`I11: run ${run.id} did not come to rest in ${MAX_STEPS} steps`);
  return rest;
}

/** Like `driveRun`, for at most `steps` choices: undefined when the run still moves after them. */
export async function driveSteps(
  run: Run,
  { rig, clock }: Driven,
  choices: readonly number[],
  steps: number,
): Promise<RunSnapshot | undefined> {
  let rest: RunSnapshot | undefined;
  void run.settled().then((snapshot) => {
    rest = snapshot;
  });
  for (let step = 0; ; step++) {
    await settleTurns();
    if (rest !== undefined || step === steps) return rest;
    // A call that hangs never ends by itself: only time can go on without it.
    const calls = rig.pending.filter((call) => call.behaviour !== "hang" && call.behaviour !== "obey");
    const options = calls.length + (clock.pending > 0 ? 1 : 0);
    if (options === 0) throw new Error(`I11: run ${run.id} is ${run.snapshot().status} and nothing can happen next`);
    const choice = choices.length === 0 ? 0 : (choices[step % choices.length] as number) % options;
    const call = calls[choice];
    if (call === undefined) clock.next();
    else call.finish();
  }
}

/** Ends every call that still waits, hanging ones too: late answers, which must change nothing (R25). */
export async function finishLeftovers({ rig }: Driven): Promise<void> {
  while (rig.pending.length > 0) {
    for (const call of [...rig.pending]) call.finish();
    await settleTurns();
  }
}
