/**
 * Who sends wrong credentials, by address. Owns: after how many of them an address has to wait, and how long. Bounded: with too many
 * addresses the ones that guessed longest ago are forgotten.
 */

/** Wrong credentials of one address within the window that are only refused. */
const FREE = 20;
const WINDOW_MS = 60_000;
const MOST_ADDRESSES = 10_000;

/** See the head of this file. */
export class Guesses {
  readonly #now: () => number;
  readonly #byAddress = new Map<string, { count: number; since: number }>();

  /** `now` in milliseconds, from any clock that does not jump. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Milliseconds until credentials of that address are looked at again; 0 = now. */
  wait(address: string): number {
    const seen = this.#byAddress.get(address);
    if (seen === undefined || seen.count < FREE) return 0;
    const left = seen.since + WINDOW_MS - this.#now();
    if (left > 0) return left;
    this.#byAddress.delete(address);
    return 0;
  }

  /** Credentials of that address were wrong. */
  failed(address: string): void {
    const now = this.#now();
    const seen = this.#byAddress.get(address);
    this.#byAddress.delete(address);
    const goesOn = seen !== undefined && now - seen.since < WINDOW_MS;
    this.#byAddress.set(address, goesOn ? { ...seen, count: seen.count + 1 } : { count: 1, since: now });
    if (this.#byAddress.size <= MOST_ADDRESSES) return;
    const [oldest] = this.#byAddress.keys();
    if (oldest !== undefined) this.#byAddress.delete(oldest);
  }
}
