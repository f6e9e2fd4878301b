/**
 * An action whose attempts the test holds in its hand: it starts, waits, and ends when and how the test says (R26, R28).
 * Owns: the attempts it was called for. It ignores its abort signal unless told otherwise: an action that lets go on
 * abort is the easy case, one that does not is the case worth testing.
 */
import type { ActionContext } from "../../runtime/api.ts";

/** One attempt that was called and waits for the test. */
export interface HeldAttempt {
  /** What the engine gave to this attempt. */
  readonly ctx: ActionContext<unknown>;
  /** true once `succeed` or `fail` was called, or it let go on abort. */
  readonly ended: boolean;
  /** The attempt returns `output`. A second ending changes nothing. */
  succeed(output?: unknown): void;
  /** The attempt throws `error`; default an `Error` with code "E_HELD". */
  fail(error?: unknown): void;
  /** From now on an abort ends the attempt: it throws the signal's reason (at once when already aborted). */
  letGoOnAbort(): void;
}

export interface HeldAction {
  /** Register this under the action's name. */
  readonly action: (ctx: ActionContext<unknown>) => Promise<unknown>;
  /** Every attempt so far, in the order of calls. */
  readonly attempts: readonly HeldAttempt[];
  /** The next attempt nobody took yet; waits until the engine calls one. */
  next(): Promise<HeldAttempt>;
}

/** A held action; `letGoOnAbort` makes every attempt let go when its signal is aborted (default: it ignores it). */
export function heldAction(options: { letGoOnAbort?: boolean } = {}): HeldAction {
  const attempts: HeldAttempt[] = [];
  const takers: ((attempt: HeldAttempt) => void)[] = [];
  let taken = 0;
  return {
    attempts,
    action(ctx) {
      const { attempt, result } = holdAttempt(ctx);
      if (options.letGoOnAbort === true) attempt.letGoOnAbort();
      attempts.push(attempt);
      const taker = takers.shift();
      if (taker !== undefined) {
        taken += 1;
        taker(attempt);
      }
      return result;
    },
    next() {
      const waiting = attempts[taken];
      if (waiting === undefined) return new Promise((resolve) => takers.push(resolve));
      taken += 1;
      return Promise.resolve(waiting);
    },
  };
}

/** An attempt in the test's hand, and the promise the action answers with. */
export function holdAttempt(ctx: ActionContext<unknown>): { attempt: HeldAttempt; result: Promise<unknown> } {
  const { promise, resolve, reject } = withResolvers();
  let ended = false;
  const end = (settle: () => void): void => {
    if (ended) return;
    ended = true;
    settle();
  };
  const attempt: HeldAttempt = {
    ctx,
    get ended() {
      return ended;
    },
    succeed: (output) => end(() => resolve(output)),
    fail: (error = Object.assign(new Error(`${ctx.nodeId} failed`), { code: "E_HELD" })) => end(() => reject(error)),
    letGoOnAbort() {
      const letGo = (): void => end(() => reject(ctx.signal.reason));
      if (ctx.signal.aborted) letGo();
      else ctx.signal.addEventListener("abort", letGo, { once: true });
    },
  };
  return { attempt, result: promise };
}

function withResolvers(): {
  promise: Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
} {
  let resolve: (value: unknown) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<unknown>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  return { promise, resolve, reject };
}
