/**
 * `@belay/engine/testing`: what the engine's own tests are made of, for those who test their plans and actions.
 * `scenario` takes fast-check as an argument: nothing here imports it.
 */
export {
  type ActionRig,
  actionRig,
  type Behaviour,
  callId,
  type NodeScript,
  type PendingCall,
  type RigOptions,
  type Scripts,
} from "./action-rig.ts";
export { EVERY_FEATURE, type FastCheckApi, type ScenarioOptions, scenario } from "./arbitraries.ts";
export { describeScenario, planYaml } from "./describe.ts";
export { type Driven, driveRun, driveSteps, finishLeftovers } from "./drive.ts";
export { failureReport, type PlayedPlan } from "./failure-report.ts";
export type { CutOff, CutOffShares, Fault, FaultShares } from "./faults.ts";
export { type HeldAction, type HeldAttempt, heldAction } from "./held-action.ts";
export { type JournalCase, journalConformance } from "./journal/conformance.ts";
export type { JournalHarness, JournalOutsider } from "./journal/harness.ts";
export { ManualClock } from "./manual-clock.ts";
export { askRun, everyVerb, type OperatorCommand, operatorCommand, verbOf } from "./operator-command.ts";
export type { Rule, Violation } from "./plan-model.ts";
export type { Armed } from "./reference-attempt.ts";
export {
  type Answer,
  type Call,
  type ModelOptions,
  ReferenceModel,
  type Standing,
} from "./reference-model.ts";
export type { Refused, Verb as ReferenceVerb } from "./reference-operator.ts";
export type { RollbackTo } from "./reference-state.ts";
export type { OperatorVerb, RollbackScope } from "./run-story.ts";
export { SCENARIO_POOLS, type Scenario, type Shape } from "./scenario.ts";
export { type ShrinkOptions, shrinkFailure } from "./shrink.ts";
export { type SimulationOptions, simulate } from "./simulate.ts";
export type { SimulationResult } from "./simulated-life.ts";
export type { SimulatedEffect, SimulatedMoment, SimulatedWorld } from "./simulated-world.ts";
export { type TraceEntry, traceLines, watchRun } from "./trace.ts";
export { assertTrace, checkTrace, type TraceToCheck } from "./trace-check.ts";
export { settleTurns } from "./turns.ts";
export { type Schedule, type ScheduledStart, type ScheduleOptions, scheduleOf } from "./virtual-schedule.ts";
