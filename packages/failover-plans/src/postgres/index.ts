/**
 * @belay/failover-plans/postgres: the actions of the PostgreSQL plans, the ports they need, and the words for what a run left behind.
 */

export { openRecoveryLog } from "../recovery/recovery-file.ts";
export type { Acknowledgement, KnownRecovery, Recovery, RecoveryLog } from "../recovery/recovery-log.ts";
export type { Route, RouteEntry } from "../route/route.ts";
export type { PostgresActionsOptions } from "./access.ts";
export { postgresActions } from "./actions.ts";
export { explainPostgresRun } from "./explain.ts";
export type { ControlState, NodeControl, PostgresNode } from "./ports.ts";
