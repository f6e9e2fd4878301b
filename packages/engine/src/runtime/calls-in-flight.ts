/**
 * The calls of one run that have not let go. Owns: which there are, the newest of a node, which nodes have one that was asked
 * to let go and has not. Cost: a place in an array per call; an index by node is made with the first abort and kept from then on.
 */
import { Call } from "./call.ts";
import { keyOf } from "./call-recovery.ts";

export class CallsInFlight {
  /** The first `count` of them; the others were, and are forgotten. */
  readonly #calls: (Call | undefined)[] = [];
  #count = 0;
  /** The newest call by key, once somebody asked. */
  #newest: Map<number, Call> | undefined;
  /** By id, for a group that expands again keeps its members' ids: aborted calls that have not let go, compensations included. */
  readonly #aborted: Map<string, number>;

  /** `aborted` outlasts the run's executor: what an earlier one called may not have let go. */
  constructor(aborted: Map<string, number>) {
    this.#aborted = aborted;
  }

  get count(): number {
    return this.#count;
  }

  /** Whether any call was aborted and has not let go: mostly none. */
  get anyAborted(): boolean {
    return this.#aborted.size > 0;
  }

  /** An earlier call of the node with that id was aborted and has not let go. */
  isStillRunning(id: string): boolean {
    return this.#aborted.has(id);
  }

  add(call: Call): void {
    const place = this.#count++;
    this.#calls[place] = call;
    Call.putAt(call, place);
    this.#newest?.set(callKey(call), call);
  }

  /** The call has let go. */
  remove(call: Call): void {
    const last = this.#calls[--this.#count] as Call;
    this.#calls[this.#count] = undefined;
    if (last !== call) {
      const place = Call.placeOf(call);
      this.#calls[place] = last;
      Call.putAt(last, place);
    }
    if (this.#newest === undefined) return;
    const key = callKey(call);
    if (this.#newest.get(key) === call) this.#newest.delete(key);
  }

  /** The newest call of that key, if it has not let go. */
  newest(key: number): Call | undefined {
    this.#newest ??= this.#index();
    return this.#newest.get(key);
  }

  /** Every call; the list is a copy. */
  all(): readonly Call[] {
    return this.#calls.slice(0, this.#count) as Call[];
  }

  /** A call of the node with that id is asked to let go. */
  noteAborted(id: string): void {
    this.#aborted.set(id, (this.#aborted.get(id) ?? 0) + 1);
  }

  /** It has. */
  forgetAborted(id: string): void {
    const left = (this.#aborted.get(id) as number) - 1;
    if (left === 0) this.#aborted.delete(id);
    else this.#aborted.set(id, left);
  }

  #index(): Map<number, Call> {
    const newest = new Map<number, Call>();
    for (const call of this.all()) {
      const known = newest.get(callKey(call));
      if (known === undefined || known.attempt < call.attempt) newest.set(callKey(call), call);
    }
    return newest;
  }
}

function callKey(call: Call): number {
  const { node, undo } = Call.attemptOf(call);
  return keyOf(node, undo);
}
