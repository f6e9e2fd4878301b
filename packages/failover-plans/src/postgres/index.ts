/**
 * @belay/failover-plans/postgres: the actions of the PostgreSQL plans, the ports they need, and the words for what a run left behind.
 */

export { type CommandFenceOptions, commandFence } from "../fencing/command-fence.ts";
export { type Fence, type FenceState, type FenceTarget, fencedControl } from "../fencing/fence.ts";
export { type HttpFenceOptions, httpFence } from "../fencing/http-fence.ts";
export { openRecoveryLog } from "../recovery/recovery-file.ts";
export type { Acknowledgement, KnownRecovery, Recovery, RecoveryLog } from "../recovery/recovery-log.ts";
export type { Route, RouteEntry } from "../route/route.ts";
export type { PostgresActionsOptions } from "./access.ts";
export { postgresActions } from "./actions.ts";
export { explainPostgresRun } from "./explain.ts";
export { postgresFromInventory } from "./from-inventory.ts";
export type { ControlState, NodeControl, PostgresNode } from "./ports.ts";
