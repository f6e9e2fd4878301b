/**
 * @belay/engine: the public surface. Plans in, runs out; see README.md. Other entry points: `./views` (drawings, analysis,
 * OCP's task view), `./core` (the pure core), `./journal` (the port of journals), `./testing` (manual clock, held actions, trace checks).
 */
export { BelayError, type ErrorCode, NonRetryable } from "./errors.ts";
export { MemoryJournal } from "./journal/memory.ts";
export type { Journal } from "./journal/port.ts";
export type { Diagnostic } from "./plan/diagnostic.ts";
export type { Json, NodeDocument, Plan, PlanDocument } from "./plan/document.ts";
export { importOcpTask } from "./plan/import-ocp.ts";
export type { Limits } from "./plan/limits.ts";
export { checkPlan, formatDiagnostic, type PlanCheck, parsePlan, readDocument } from "./plan/parse.ts";
export { defineAction } from "./runtime/actions.ts";
export type {
  ActionContext,
  ActionDefinition,
  ActionRegistry,
  AnyAction,
  AnyRunEvent,
  NodeFailure,
  NodeSnapshot,
  NodeStatus,
  Operation,
  Run,
  RunEventMap,
  RunEventName,
  RunSnapshot,
  RunStatus,
  VerbOptions,
} from "./runtime/api.ts";
export { attemptHistory } from "./runtime/attempt-history.ts";
export { type AuditEntry, auditTrail } from "./runtime/audit.ts";
export { systemClock } from "./runtime/clock.ts";
export { definePlan } from "./runtime/define-plan.ts";
export { createEngine } from "./runtime/engine.ts";
export type { Clock, Engine, PoolOptions, StartOptions } from "./runtime/engine-api.ts";
export type { EngineOptions } from "./runtime/engine-options.ts";
export { RUN_EVENT_NAMES } from "./runtime/event.ts";
export type { Preview, VerbRequest } from "./runtime/preview.ts";
export { readStoredRun, type StoredRun } from "./runtime/stored-run.ts";
export { toOcpTask } from "./views/ocp-task.ts";
