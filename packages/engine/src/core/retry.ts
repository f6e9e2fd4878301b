/**
 * Backoff (R25): how long to wait before the next attempt. Pure: jitter is drawn from the run's seed, the node and the
 * attempt, so the same run waits the same time on every replay (R50).
 */
import type { CompiledRetry } from "../plan/compiled.ts";

/** Milliseconds after `used` attempts of this round; whole numbers. */
export function retryDelayMs(
  policy: CompiledRetry,
  used: number,
  draw: readonly [seed: number, node: number, attempt: number],
): number {
  const grown =
    policy.initialIntervalMs === 0 ? 0 : policy.initialIntervalMs * policy.backoffCoefficient ** Math.max(0, used - 1);
  const delayMs = Math.min(policy.maxIntervalMs, grown);
  return Math.round(policy.fullJitter ? delayMs * fraction(draw) : delayMs);
}

/** A number in [0, 1) that looks random and depends on `words` only. */
function fraction(words: readonly number[]): number {
  let h = 0x2545f491;
  for (const word of words) {
    h = Math.imul(h ^ word, 0x9e3779b1);
    h ^= h >>> 15;
    h = Math.imul(h, 0x85ebca77);
    h ^= h >>> 13;
  }
  return (h >>> 0) / 2 ** 32;
}
