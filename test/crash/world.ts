/**
 * The outside world of a crash test: what actions do to it, and what it is asked. It outlives every process. Owns: the
 * effects by idempotency key, the calls of each life, the faults.
 */
import type { ActionContext, ActionDefinition, ActionRegistry, Json, PlanDocument } from "@belay/engine";

/** What goes wrong with the first call of one node. */
export type WorldFault =
  /** It fails before it does anything. */
  | "error"
  /** It does something, and its answer is lost. */
  | "reply-lost"
  /** It never answers, and lets go when it is aborted, having done nothing. */
  | "timeout"
  /** The same, having done something. */
  | "timeout-after-effect"
  /** It ignores its abort, does something all the same and answers once nobody waits for it any more. */
  | "late"
  /** It never answers, and never lets go. */
  | "deaf";

export const WORLD_FAULTS: readonly WorldFault[] = [
  "error",
  "reply-lost",
  "timeout",
  "timeout-after-effect",
  "late",
  "deaf",
];

/** What recovery may ask of the actions. */
export type Nature = "verify" | "idempotent" | "neither";

export class World {
  /** How often each attempt took effect, by key. */
  readonly effects: Map<string, number>;
  /** Keys of all calls of this life, in order. */
  readonly calls: string[] = [];
  /** Keys of all attempts that were asked about. */
  readonly asked: string[] = [];
  readonly #nature: Nature;
  readonly #outputs: Readonly<Record<string, Json>>;
  readonly #fault: { readonly node: string; readonly kind: WorldFault } | undefined;
  /** Answers of "late" calls, given by `answerLate`. */
  readonly #late: (() => void)[] = [];

  constructor(
    outputs: Readonly<Record<string, Json>>,
    nature: Nature,
    more: {
      readonly effects?: readonly string[];
      readonly fault?: { readonly node: string; readonly kind: WorldFault };
    } = {},
  ) {
    this.#outputs = outputs;
    this.#nature = nature;
    this.#fault = more.fault;
    this.effects = new Map((more.effects ?? []).map((key) => [key, 1]));
  }

  /** Everything that the plan calls. */
  actions(document: PlanDocument): ActionRegistry {
    const names = document.nodes.flatMap(({ action, compensation }) => [action, compensation?.action ?? action]);
    const own = names.filter((name) => !name.startsWith("belay."));
    return Object.fromEntries(own.map((name) => [name, this.#action()]));
  }

  /** What was late answers now. */
  answerLate(): void {
    for (const answer of this.#late.splice(0)) answer();
  }

  #action(): ActionDefinition {
    const run = (ctx: ActionContext): unknown => this.#call(ctx);
    if (this.#nature === "idempotent") return { run, idempotent: true };
    if (this.#nature === "neither") return { run };
    return {
      run,
      verify: (ctx) => {
        this.asked.push(ctx.idempotencyKey);
        return this.effects.has(ctx.idempotencyKey) ? { done: true, output: this.#outputOf(ctx) } : { done: false };
      },
    };
  }

  #outputOf(ctx: ActionContext): Json {
    return this.#outputs[ctx.nodeId] ?? { node: ctx.nodeId };
  }

  #take(ctx: ActionContext): void {
    this.effects.set(ctx.idempotencyKey, (this.effects.get(ctx.idempotencyKey) ?? 0) + 1);
  }

  #call(ctx: ActionContext): unknown {
    this.calls.push(ctx.idempotencyKey);
    const forward = !ctx.idempotencyKey.includes("/undo/");
    const fault = this.#fault;
    const faulty = forward && fault?.node === ctx.nodeId && ctx.attempt === 1 && ctx.parallelIdx <= 0;
    if (!faulty) {
      this.#take(ctx);
      return this.#outputOf(ctx);
    }
    switch (fault.kind) {
      case "error":
        throw new Error("it did not work");
      case "reply-lost":
        this.#take(ctx);
        throw new Error("the answer was lost");
      case "timeout-after-effect":
        this.#take(ctx);
        return untilAborted(ctx);
      case "timeout":
        return untilAborted(ctx);
      case "late":
        return new Promise((resolve) => {
          this.#late.push(() => {
            this.#take(ctx);
            resolve(this.#outputOf(ctx));
          });
        });
      case "deaf":
        return new Promise(() => undefined);
    }
  }
}

function untilAborted({ signal }: ActionContext): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}
