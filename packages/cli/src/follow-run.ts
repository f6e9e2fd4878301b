/**
 * Follows one run until it rests: passes its events to a renderer and turns Ctrl-C into a cancel. Owns: that nothing is
 * missed between start and rest, and that an interrupted run is waited for, never left behind.
 */
import {
  type AnyRunEvent,
  BelayError,
  RUN_EVENT_NAMES,
  type Run,
  type RunEventMap,
  type RunEventName,
  type RunSnapshot,
} from "@belay/engine";
import type { Renderer } from "./render/renderer.ts";

/**
 * Resolves with the snapshot at rest. Call it in the tick in which the engine answers, so that no event is missed.
 * `interrupted`: once aborted, the run is canceled; a rollback under way is not interrupted by that (R32), it is waited for.
 * `moved`: the run may rest until that resolves, and counts as at rest only after it.
 */
export async function followRun(
  run: Run,
  renderer: Renderer,
  interrupted: AbortSignal,
  moved?: Promise<unknown>,
): Promise<RunSnapshot> {
  const stop = listen(run, (event) => renderer.event(event));
  renderer.start(run);
  const cancel = (): void => {
    renderer.say("canceling: what runs is told to stop (Ctrl-C again forces)");
    run.cancel({ who: "operator", why: "interrupted" }).catch((error: unknown) => renderer.say(refusal(error)));
  };
  if (interrupted.aborted) cancel();
  else interrupted.addEventListener("abort", cancel, { once: true });
  try {
    await moved;
    return await run.settled();
  } finally {
    interrupted.removeEventListener("abort", cancel);
    stop();
  }
}

function listen(run: Run, listener: (event: AnyRunEvent) => void): () => void {
  const detach: (() => void)[] = [];
  const add = <K extends RunEventName>(type: K): void => {
    const one = (event: RunEventMap[K]): void => listener({ type, ...event } as unknown as AnyRunEvent);
    run.on(type, one);
    detach.push(() => run.off(type, one));
  };
  for (const type of RUN_EVENT_NAMES) add(type);
  return () => {
    for (const one of detach) one();
  };
}

function refusal(error: unknown): string {
  if (error instanceof BelayError && error.code === "STATE_INVALID")
    return `cannot cancel now: ${error.message}; waiting`;
  return `cannot cancel: ${error instanceof Error ? error.message : String(error)}`;
}
