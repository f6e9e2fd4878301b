/**
 * The deadlines of one run that are armed now, by node and kind: one of a kind per node (R26). Owns: which there are. They are
 * told to the run's core as inputs. Cost: a place in an array per deadline; the array of a kind is made with the first one.
 */
import { DEADLINES, type DeadlineKind, type Input } from "../core/index.ts";
import type { Due, DueTarget, Timers } from "./timers.ts";

/** What is told when a deadline passes, but for its time. */
export type DueInput = Omit<Extract<Input, { kind: "due" }>, "at">;

export class ArmedDeadlines implements DueTarget {
  readonly #timers: Timers;
  readonly #passed: (due: DueInput) => void;
  /** By kind, then by node + 1, for the run itself is node -1: handle + 1; 0 = none. */
  readonly #handles: (Int32Array | undefined)[] = DEADLINES.map(() => undefined);
  #armed = 0;

  /** `passed` is called outside of any call of these methods. */
  constructor(timers: Timers, passed: (due: DueInput) => void) {
    this.#timers = timers;
    this.#passed = passed;
  }

  /** Replaces one of the same node and kind. `nodes`: how many the run has. */
  arm(what: Due, at: number, nodes: number): void {
    const { node, kind } = what;
    this.disarm(node, kind);
    let handles = this.#handles[kind];
    if (handles === undefined || handles.length < node + 2) {
      const larger = new Int32Array(Math.max(nodes + 1, node + 2));
      if (handles !== undefined) larger.set(handles);
      handles = larger;
      this.#handles[kind] = handles;
    }
    handles[node + 1] = this.#timers.armFor(this, at, what) + 1;
    this.#armed++;
  }

  has(node: number, kind: number): boolean {
    return (this.#handles[kind]?.[node + 1] ?? 0) > 0;
  }

  /** One that is not armed is left alone. */
  disarm(node: number, kind: number): void {
    const handles = this.#handles[kind];
    const handle = handles?.[node + 1] ?? 0;
    if (handles === undefined || handle === 0) return;
    handles[node + 1] = 0;
    this.#armed--;
    this.#timers.take(handle - 1);
  }

  due(node: number, kind: number, token: number): void {
    (this.#handles[kind] as Int32Array)[node + 1] = 0;
    this.#armed--;
    this.#passed({ kind: "due", deadline: DEADLINES[kind] as DeadlineKind, node, token });
  }

  /** No deadline is armed or disarmed for now: the engine's timer goes when it has nothing left to wait for. */
  trim(): void {
    this.#timers.trim();
  }

  /** Takes all back. */
  clear(): void {
    for (let kind = 0; kind < this.#handles.length && this.#armed > 0; kind++) {
      const handles = this.#handles[kind];
      for (let place = 0; handles !== undefined && place < handles.length; place++) this.disarm(place - 1, kind);
    }
    this.#timers.trim();
  }
}
