/**
 * Time (the port is `Clock` in `api.ts`). Owns: the system's clock, with delays of any length (R26): Node's timers fire
 * at once beyond 2^31 - 1 ms, so longer ones are chained.
 */
import type { Clock } from "./engine-api.ts";

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's clock and Node's timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  schedule(delayMs, callback) {
    let left = Math.max(0, delayMs);
    let timer: NodeJS.Timeout;
    const next = (): void => {
      const slice = Math.min(left, LONGEST_TIMER_MS);
      left -= slice;
      timer = setTimeout(left > 0 ? next : callback, slice);
    };
    next();
    return () => clearTimeout(timer);
  },
  keepAlive() {
    const timer = setInterval(() => undefined, LONGEST_TIMER_MS);
    return () => clearInterval(timer);
  },
};
