/**
 * Waiting: every wait has a limit, a reason that people understand, and ends promptly when its attempt is aborted (R26).
 * Owns: polling and refusing. Does not own retries, which are the plan's.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { NonRetryable } from "@belay/engine";

/** How long and how often to ask. */
export interface WaitOptions {
  /** Milliseconds after which the wait fails. */
  readonly timeoutMs: number;
  /** Milliseconds between two questions. */
  readonly intervalMs: number;
  /** Aborts the wait between two questions; the promise rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

/** A wait that ran out of time. Retryable: the plan's `retry` may ask again. */
export class WaitTimeout extends Error {
  override readonly name = "WaitTimeout";
  /** Stable code for `retry.nonRetryable` and for people. */
  readonly code = "WAIT_TIMEOUT";
}

/**
 * Asks until the answer is neither undefined nor false, and returns it. An error of `ask` counts as "not yet", unless it is
 * `NonRetryable`. `what` completes the sentence "gave up waiting for ...".
 */
export async function until<T>(
  what: string,
  options: WaitOptions,
  ask: () => Promise<T | undefined | false>,
): Promise<T> {
  const startedAt = performance.now();
  for (;;) {
    options.signal.throwIfAborted();
    let lastError: unknown;
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      if (error instanceof NonRetryable || options.signal.aborted) throw error;
      lastError = error;
    }
    const waitedMs = performance.now() - startedAt;
    if (waitedMs >= options.timeoutMs) {
      const last = lastError === undefined ? "" : `; last error: ${messageOf(lastError)}`;
      throw new WaitTimeout(`gave up waiting for ${what} after ${(waitedMs / 1000).toFixed(1)} s${last}`, {
        cause: lastError,
      });
    }
    await pause(options.intervalMs, options.signal);
  }
}

/** A way to wait between two looks; tests have one that needs no real time. */
export type Sleep = (delayMs: number, signal: AbortSignal) => Promise<void>;

/** Waits in real time; rejects with the signal's reason when aborted. */
export const pause: Sleep = async (delayMs, signal) => {
  try {
    await sleep(delayMs, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
};

/** Ends the attempts of a node with a code and a sentence that says what to do instead. */
export function refuse(code: string, message: string, details?: unknown): never {
  throw new NonRetryable(message, details === undefined ? { code } : { code, details });
}

/** The text of any thrown value; socket errors of several addresses have an empty message and say it in their code. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || String((error as { code?: unknown }).code ?? error.name);
}
