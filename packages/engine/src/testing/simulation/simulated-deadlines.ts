/**
 * The armed deadlines of a simulated run, in the order in which they were armed. Owns: arming, disarming, which is next,
 * and whether a replay armed the same ones (R50). A run has a handful at a time: lists, no heap.
 */
import type { DeadlineKind } from "../../core/index.ts";

/** What the core is to hear of at `at`, epoch milliseconds. */
export interface ArmedDeadline {
  readonly at: number;
  readonly kind: DeadlineKind;
  readonly node: number;
  readonly token: number;
}

export class SimulatedDeadlines {
  readonly #armed: ArmedDeadline[] = [];

  /** A deadline of a kind replaces the one the node had. */
  arm(deadline: ArmedDeadline): void {
    this.disarm(deadline.node, deadline.kind);
    this.#armed.push(deadline);
  }

  /** With a token: only that very deadline, not one that was armed since. */
  disarm(node: number, kind: DeadlineKind, token?: number): void {
    const armed = this.#armed;
    for (let place = 0; place < armed.length; place++) {
      const deadline = armed[place] as ArmedDeadline;
      if (deadline.node !== node || deadline.kind !== kind) continue;
      if (token === undefined || token === deadline.token) armed.splice(place, 1);
      return;
    }
  }

  /** The earliest, the one armed first among equals; undefined when none is armed. */
  next(): ArmedDeadline | undefined {
    let first: ArmedDeadline | undefined;
    for (const deadline of this.#armed) if (first === undefined || deadline.at < first.at) first = deadline;
    return first;
  }

  has(node: number, kind: DeadlineKind): boolean {
    return this.#armed.some((deadline) => deadline.node === node && deadline.kind === kind);
  }

  /** Forgets all of them, and answers what was armed. */
  clear(): readonly ArmedDeadline[] {
    return this.#armed.splice(0);
  }

  /** What differs from `others`, in words; undefined = nothing. */
  unlike(others: readonly ArmedDeadline[]): string | undefined {
    for (let place = 0; place < Math.max(others.length, this.#armed.length); place++) {
      const [mine, other] = [this.#armed[place], others[place]];
      const same =
        mine?.node === other?.node &&
        mine?.kind === other?.kind &&
        mine?.token === other?.token &&
        mine?.at === other?.at;
      if (!same) return `${told(mine)} instead of ${told(other)}`;
    }
    return undefined;
  }
}

function told(deadline: ArmedDeadline | undefined): string {
  return deadline === undefined ? "nothing" : `${deadline.kind} of node ${deadline.node} at ${deadline.at}`;
}
