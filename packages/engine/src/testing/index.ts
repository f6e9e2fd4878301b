/**
 * `@belay/engine/testing`: what the engine's own tests are made of, for those who test their plans and actions.
 * `scenario` takes fast-check as an argument: nothing here imports it.
 */

export { type JournalCase, journalConformance } from "./journal/conformance.ts";
export type { JournalHarness, JournalOutsider } from "./journal/harness.ts";
export type { Rule, Violation } from "./judge/plan-model.ts";
export type { OperatorVerb, RollbackScope } from "./judge/run-story.ts";
export { type TraceEntry, traceLines, watchRun } from "./judge/trace.ts";
export { assertTrace, checkTrace, type TraceToCheck } from "./judge/trace-check.ts";
export type { Armed } from "./model/reference-attempt.ts";
export {
  type Answer,
  type Call,
  type ModelOptions,
  ReferenceModel,
  type Standing,
} from "./model/reference-model.ts";
export type { Refused, Verb as ReferenceVerb } from "./model/reference-operator.ts";
export type { RollbackTo } from "./model/reference-state.ts";
export {
  type ActionRig,
  actionRig,
  type Behaviour,
  callId,
  type NodeScript,
  type PendingCall,
  type RigOptions,
  type Scripts,
} from "./rig/action-rig.ts";
export { type Driven, driveRun, driveSteps, finishLeftovers } from "./rig/drive.ts";
export { type HeldAction, type HeldAttempt, heldAction } from "./rig/held-action.ts";
export { ManualClock } from "./rig/manual-clock.ts";
export { settleTurns } from "./rig/turns.ts";
export { type Schedule, type ScheduledStart, type ScheduleOptions, scheduleOf } from "./rig/virtual-schedule.ts";
export { EVERY_FEATURE, type FastCheckApi, type ScenarioOptions, scenario } from "./scenario/arbitraries.ts";
export { describeScenario, planYaml } from "./scenario/describe.ts";
export { askRun, everyVerb, type OperatorCommand, operatorCommand, verbOf } from "./scenario/operator-command.ts";
export { SCENARIO_POOLS, type Scenario, type Shape } from "./scenario/scenario.ts";
export { failureReport, type PlayedPlan } from "./simulation/failure-report.ts";
export type { CutOff, CutOffShares, Fault, FaultShares } from "./simulation/faults.ts";
export { type ShrinkOptions, shrinkFailure } from "./simulation/shrink.ts";
export { type SimulationOptions, simulate } from "./simulation/simulate.ts";
export type { SimulationResult } from "./simulation/simulated-life.ts";
export type { SimulatedEffect, SimulatedMoment, SimulatedWorld } from "./simulation/simulated-world.ts";
