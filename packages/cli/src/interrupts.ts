/**
 * Ctrl-C. The first one asks: `signal` is aborted, whoever runs something cancels it and comes to rest. The second one
 * forces: children are killed and the process ends. Owns: telling the two apart.
 */

/**
 * Signals closer than this count as one: a terminal sends Ctrl-C to the whole process group, and the wrappers in front of us
 * (npm, our own re-execution under another Node) pass on the one they got.
 */
const ONE_PRESS_MS = 400;

export class Interrupts {
  readonly #controller = new AbortController();
  readonly #force: () => void;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** `force` is called at the second press, and at every further one. */
  constructor(force: () => void) {
    this.#force = force;
  }

  /** Aborted at the first press. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** A signal arrived; `atMs` from any clock that does not jump. */
  press(atMs: number): void {
    const again = atMs - this.#lastMs >= ONE_PRESS_MS;
    this.#lastMs = atMs;
    if (!this.signal.aborted) this.#controller.abort();
    else if (again) this.#force();
  }
}
