/**
 * `belay.poll`: asks another action again and again until it answers that it is done. Owns: the interval, on the engine's
 * clock. One poll is one attempt of its node: a failure of the asked action is a failure of the attempt, `timeout` bounds
 * the whole, every answer counts as a heartbeat.
 */
import { NonRetryable } from "../errors.ts";
import type { Json } from "../plan/document.ts";
import type { ActionContext, ActionDefinition, Verification } from "./api.ts";
import { validated } from "./call.ts";
import type { Clock } from "./engine-api.ts";

interface PollInput {
  readonly action: string;
  readonly with?: Json;
  readonly interval: number;
}

/** The built-in action; `find` looks a registered action up. */
export function pollAction(find: (name: string) => ActionDefinition | undefined, clock: Clock): ActionDefinition {
  return {
    idempotent: true,
    async run(ctx) {
      const { action, with: input, interval } = ctx.input as PollInput;
      const asked = find(action);
      if (asked === undefined)
        throw new NonRetryable(`no action "${action}" is registered`, { code: "UNKNOWN_ACTION" });
      for (;;) {
        const answer = readAnswer(action, await ask(asked, ctx, input));
        ctx.signal.throwIfAborted();
        ctx.heartbeat();
        if (answer.done) return answer.output;
        await pause(clock, interval * 1000, ctx.signal);
      }
    },
  };
}

async function ask(action: ActionDefinition, ctx: ActionContext, given: Json | undefined): Promise<unknown> {
  const input = action.input === undefined ? given : await validated(action.input, given, "INPUT_INVALID", "with.with");
  const { signal, log, heartbeat, idempotencyKey } = ctx;
  return await action.run({ ...ctx, signal, log, heartbeat, idempotencyKey, input });
}

function readAnswer(name: string, answer: unknown): Verification {
  if (typeof answer === "object" && answer !== null && "done" in answer && typeof answer.done === "boolean") {
    return answer as Verification;
  }
  const message = `"${name}" must answer { done: true, output? } or { done: false } when it is polled`;
  throw new NonRetryable(message, { code: "OUTPUT_INVALID" });
}

/** Resolves after `ms`; rejects with the signal's reason as soon as it is aborted. */
function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.schedule(ms, () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    signal.addEventListener("abort", stop, { once: true });
  });
}
