/** Waiting between two looks at a state. Owns: the shape, so that tests need no real time. */
import { setTimeout as delay } from "node:timers/promises";

/** Resolves after `delayMs`; rejects with the signal's reason when that is aborted first. */
export type Sleep = (delayMs: number, signal: AbortSignal) => Promise<void>;

export const systemSleep: Sleep = async (delayMs, signal) => {
  try {
    await delay(delayMs, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
};
