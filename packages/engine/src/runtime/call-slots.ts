/**
 * Waiting for the promises of calls. Owns: slots whose two callbacks are made once and used for one call after the other, so
 * that a call which answers later costs no closure. A promise calls one of them, once: whatever a thenable does, it is a
 * native promise that is waited for (R25).
 */
import { Call } from "./call.ts";

/** A slot kept for later holds no call. */
class Slot {
  call: Call | undefined;
  readonly ok: (output: unknown) => void;
  readonly fail: (thrown: unknown) => void;

  constructor(free: Slot[]) {
    const release = (): Call => {
      const call = this.call as Call;
      this.call = undefined;
      free.push(this);
      return call;
    };
    this.ok = (output) => Call.settle(release(), output);
    this.fail = (thrown) => Call.fail(release(), thrown);
  }
}

/** The promise's own `then` may be anybody's. */
const { then } = Promise.prototype;

export class CallSlots {
  readonly #free: Slot[] = [];

  /** The call answers once the promise has. */
  wait(call: Call, pending: PromiseLike<unknown>): void {
    // What is no promise of ours may throw here: then no slot is taken.
    const promise = Promise.resolve(pending);
    const slot = this.#free.pop() ?? new Slot(this.#free);
    slot.call = call;
    then.call(promise, slot.ok, slot.fail);
  }
}
