/** A question to a cluster that is asked on nobody's behalf: by an API that shows it, not by a run that acts on it. */
import type { PolarCall } from "@belay/failover-plans/polardb";

/** Given up with the signal; what the cluster logs goes nowhere. */
export function callOf(signal: AbortSignal): PolarCall {
  const nothing = (): void => undefined;
  return { runId: "", nodeId: "", idempotencyKey: "", signal, fencingTokens: {}, log: nothing, heartbeat: nothing };
}
