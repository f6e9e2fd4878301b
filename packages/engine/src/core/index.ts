/**
 * The pure core: a run's decisions as a function of (plan, state, input), without clock, randomness, promises or I/O
 * (R50). Hosts feed inputs and carry out commands; see `runtime/executor.ts` for the in-process one.
 */
export { InvariantError } from "./assert.ts";
export { Cause, Commands, DEADLINES, Deadline, Op } from "./command.ts";
export { demand } from "./dispatch.ts";
export { type DeadlineKind, type Input, OUTCOME_SPAN, OutcomeCode, WHOLE_RUN } from "./input.ts";
export { NODE_STATUSES, NODE_TRANSITIONS, NodeState, type NodeStatus } from "./node-state.ts";
export { isMoving, type Refusal, refusalOf, VERB_ALLOWED_IN, type Verb, type VerbInput } from "./refusal.ts";
export {
  isTerminal,
  RUN_STATUSES,
  RUN_TRANSITIONS,
  type RunStatus,
  TERMINAL_RUN_STATUSES,
} from "./run-state.ts";
export { isAtRest } from "./settle.ts";
export {
  createState,
  type GroupState,
  hasMark,
  homeOf,
  Mark,
  OperationCode,
  parallelIdxOf,
  type RunState,
  type Settings,
  SkipCode,
} from "./state.ts";
export { step } from "./step.ts";
export { isToleratedFailure } from "./tolerance.ts";
