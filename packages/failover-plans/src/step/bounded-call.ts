/** Calls to a server that end in bounded time: their limits, and how one is given up. What every client of this package shares. */

/** Limits of one call. */
export interface CallOptions {
  /** Milliseconds until a connection attempt is given up. Default 1000. */
  readonly connectTimeoutMs?: number;
  /** Milliseconds until one statement is given up by the client; the server may still carry it out. Default 5000. */
  readonly queryTimeoutMs?: number;
  /** Ends the call early; the promise rejects with the signal's reason, and the connection is cut. */
  readonly signal?: AbortSignal;
}

/** Default of `connectTimeoutMs`. */
export const CONNECT_TIMEOUT_MS = 1000;
/** Default of `queryTimeoutMs`. */
export const QUERY_TIMEOUT_MS = 5000;
/** Milliseconds in which a server may answer a goodbye; a frozen one never does. */
export const GOODBYE_TIMEOUT_MS = 500;

/** `work`, or the signal's reason as soon as it is aborted; `cut` is called then. */
export function bounded<T>(work: Promise<T>, signal: AbortSignal | undefined, cut: () => void): Promise<T> {
  if (signal === undefined) return work;
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal.reason);
      cut();
    };
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}
