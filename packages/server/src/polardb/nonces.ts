/**
 * Nonces that were used, so that a signed request is carried out once. Owns: for how long they are remembered, and how many.
 *
 * A nonce is remembered until its time stamp is too old to be accepted anyway. In memory: after a restart a request that was seen less than
 * that before can be replayed once; a failover with a client token has no second effect even then. Of each access key so many nonces are
 * kept; more are refused, none is forgotten early. They are kept as digests: clients choose their length.
 */
import { createHash } from "node:crypto";

/** How far a time stamp may be from the server's clock, in both directions: milliseconds. */
export const SKEW_MS: number = 15 * 60_000;
/** Per access key. A client that sends 100 requests a second for the whole time has 90,000. */
const MOST = 200_000;
const SWEEP_MS = 60_000;

/** What became of a nonce: `full`: too many are remembered, ask again later. */
export type NonceVerdict = "fresh" | "used" | "full";

/** See the head of this file. */
export class Nonces {
  readonly #most: number;
  readonly #byKey = new Map<string, { readonly until: Map<string, number>; sweptAt: number }>();

  constructor(most: number = MOST) {
    this.#most = most;
  }

  /** Takes a nonce of a request whose signature was right. `at`: its time stamp; `now`: both epoch milliseconds. */
  take(accessKeyId: string, nonce: string, times: { readonly at: number; readonly now: number }): NonceVerdict {
    const { at, now } = times;
    const known = this.#byKey.get(accessKeyId) ?? { until: new Map<string, number>(), sweptAt: now };
    this.#byKey.set(accessKeyId, known);
    if (now - known.sweptAt >= SWEEP_MS) {
      for (const [digest, until] of known.until) if (until < now) known.until.delete(digest);
      known.sweptAt = now;
    }
    const digest = createHash("sha256").update(nonce).digest("base64").slice(0, 22);
    if ((known.until.get(digest) ?? Number.NEGATIVE_INFINITY) >= now) return "used";
    if (known.until.size >= this.#most) return "full";
    known.until.set(digest, at + SKEW_MS);
    return "fresh";
  }
}
