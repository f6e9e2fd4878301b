/**
 * Signatures that have been used, so that nobody who overheard a request can send it again. Owns: for how long one is remembered. Of each
 * access key so many are kept; more are refused, none is forgotten early: else whoever has a key could make room for an old request.
 * Of this process only: after a restart, or with another server of the same journal, the window in which a request is young is
 * all there is.
 */

/** Per access key. A client that changes something 50 times a second, for as long as a signature is remembered, has 90,000. */
const MOST = 100_000;

/** What became of a signature: `full`: too many are remembered, ask again later. */
export type SignatureVerdict = "fresh" | "used" | "full";

/** See the head of this file. */
export class SeenSignatures {
  readonly #now: () => number;
  readonly #keptMs: number;
  readonly #most: number;
  /** By access key: when each may be forgotten, in the order of use. */
  readonly #byKey = new Map<string, Map<string, number>>();

  /** `now` in milliseconds; `keptMs`: as long as a request counts as young, both ways. */
  constructor(now: () => number, keptMs: number, most: number = MOST) {
    this.#now = now;
    this.#keptMs = keptMs;
    this.#most = most;
  }

  /** Remembers the signature of that key, whose signature was right. */
  use(accessKeyId: string, signature: string): SignatureVerdict {
    const now = this.#now();
    const seen = this.#byKey.get(accessKeyId) ?? new Map<string, number>();
    this.#byKey.set(accessKeyId, seen);
    for (const [old, until] of seen) {
      if (until > now) break;
      seen.delete(old);
    }
    if (seen.has(signature)) return "used";
    if (seen.size >= this.#most) return "full";
    seen.set(signature, now + this.#keptMs);
    return "fresh";
  }
}
