/**
 * The pure core: a run's decisions as a function of (plan, state, input), without clock, randomness, promises or I/O
 * (R50). Hosts feed inputs and carry out commands; see `runtime/executor.ts` for the in-process one.
 */
export { hasUndo } from "./admit.ts";
export { Cause, Commands, DEADLINES, Deadline, type DeadlineKind, Op } from "./command.ts";
export { copyState } from "./copy.ts";
export { demand } from "./dispatch.ts";
export { type Input, OUTCOME_SPAN, OutcomeCode, WHOLE_RUN } from "./input.ts";
export { createState } from "./layout.ts";
export { NODE_STATUSES, NodeState, type NodeStatus } from "./node-state.ts";
export { isVerb, type Refusal, refusalOf, type VerbInput } from "./refusal.ts";
export { isTerminal, RUN_STATUSES, type RunStatus } from "./run-state.ts";
export { isAtRest } from "./settle.ts";
export {
  expandedGroup,
  type GroupState,
  groupOf,
  hasFlag,
  hasMark,
  homeOf,
  isGroup,
  kindOf,
  Mark,
  OperationCode,
  parallelIdxOf,
  poolOf,
  type RunState,
  type Settings,
  SkipCode,
  undoAttemptOf,
} from "./state.ts";
export { step } from "./step.ts";
export { isToleratedFailure } from "./tolerance.ts";
