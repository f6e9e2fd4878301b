/** What two engines hand to each other: a chain under a lock, slow enough to be cut anywhere. */
import type { PlanDocument } from "@belay/engine";

/** Milliseconds of one step. */
export const STEP_MS = 100;

export const CHAIN: PlanDocument = {
  belay: 1,
  name: "chain",
  locks: ["cluster"],
  nodes: Array.from({ length: 30 }, (_, v) => ({
    id: `n${v}`,
    action: "step",
    upstreams: v === 0 ? [] : [`n${v - 1}`],
  })),
};
