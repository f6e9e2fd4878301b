/**
 * Signatures that have been used, so that nobody who overheard a request can send it again. Owns: for how long one is remembered.
 * Of this process only: after a restart, or with another server of the same journal, the window in which a request is young is
 * all there is.
 */

/** More than that are not remembered: the oldest are forgotten. */
const MOST = 100_000;

/** See the head of this file. */
export class SeenSignatures {
  readonly #now: () => number;
  readonly #keptMs: number;
  /** When each may be forgotten; in the order of use. */
  readonly #until = new Map<string, number>();

  /** `now` in milliseconds; `keptMs`: as long as a request counts as young, both ways. */
  constructor(now: () => number, keptMs: number) {
    this.#now = now;
    this.#keptMs = keptMs;
  }

  /** Remembers the signature of that key; false when it was used already. */
  use(accessKeyId: string, signature: string): boolean {
    const now = this.#now();
    for (const [old, until] of this.#until) {
      if (until > now && this.#until.size < MOST) break;
      this.#until.delete(old);
    }
    const key = `${accessKeyId}:${signature}`;
    if (this.#until.has(key)) return false;
    this.#until.set(key, now + this.#keptMs);
    return true;
  }
}
