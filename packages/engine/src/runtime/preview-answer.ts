/**
 * The answer to "what if" (R38): reads the request as the verb does, asks the run as the verb does, lets a copy of the run
 * go on, and puts what happened to it into words. Owns: the words. Does not own: what follows from what, which is the
 * core's, nor how the copy goes on (`preview-run.ts`). Cost: linear in the plan and in what is left to do of it.
 */
import {
  expandedGroup,
  hasFlag,
  hasMark,
  homeOf,
  isAtRest,
  isTerminal,
  Mark,
  type RunState,
  type RunStatus,
} from "../core/index.ts";
import { BelayError } from "../errors.ts";
import { NodeFlag } from "../plan/compiled.ts";
import type { NodeDocument } from "../plan/document.ts";
import type { Outcome, SkipReason } from "./api.ts";
import type { Executor } from "./executor.ts";
import { leftBehind } from "./left-behind.ts";
import { nodeId } from "./node-id.ts";
import type { Preview, PreviewLeave, PreviewStep, PreviewUndecided, PreviewUndo, VerbRequest } from "./preview.ts";
import { type PreviewCall, PreviewRun, type UnknownReads } from "./preview-run.ts";
import { isVerbName, judgeVerb, requestOf, takesNode, VERB_NAMES, type VerbCall } from "./request.ts";
import { verbPayload } from "./verbs.ts";
import { OUTCOMES, SKIP_REASONS } from "./words.ts";

/** What the verb would do. Fails with INVALID_ARGUMENT for what is no request; what the verb would say is data. */
export function previewOf(executor: Executor, request: VerbRequest): Preview {
  checkRequest(request);
  const call = refusable(() => readRequest(executor, request));
  if (call instanceof BelayError) return refusal(executor, call);
  const { input, more } = call;
  if (executor.stopped) return refusal(executor, executor.host.closedError());
  const payload = verbPayload(request, more);
  const judged = judgeVerb(executor, input, payload);
  if (judged instanceof BelayError) return refusal(executor, judged);
  const run = new PreviewRun(executor, input.at);
  run.ask(judged, payload);
  const { status } = run.state;
  const inFlight = run.before.filter((one) => run.isInFlight(one) && !run.isAborting(one));
  run.goOn();
  return tell(executor, run, { status, inFlight });
}

function checkRequest(request: unknown): asserts request is VerbRequest {
  const verb = typeof request === "object" && request !== null ? (request as { verb?: unknown }).verb : undefined;
  if (isVerbName(verb)) return;
  const names = VERB_NAMES.join(", ");
  throw new BelayError("INVALID_ARGUMENT", `preview takes a verb and its arguments: { verb }, one of ${names}`);
}

function refusable<T>(read: () => T): T | BelayError {
  try {
    return read();
  } catch (error) {
    if (error instanceof BelayError) return error;
    throw error;
  }
}

function readRequest(executor: Executor, request: VerbRequest): VerbCall {
  const { verb, ...options } = request;
  if (!takesNode(verb)) return requestOf(executor, verb, options);
  const { node, ...others } = options as { node: string };
  return requestOf(executor, verb, others, node);
}

function refusal({ state, secrets }: Executor, error: BelayError): Preview {
  const { code, message, details } = secrets.error(error);
  const nothing = { run: [], compensate: [], abort: [], finish: [], fail: [], skip: [], leave: [], locksReleased: [] };
  const nodes = { pointsOfNoReturn: [], crosses: [], awaits: [], afterResume: [], undecided: [] };
  return { refused: { code, message, details }, status: state.status, finalStatus: null, ...nothing, ...nodes };
}

/** What stood right after the verb. */
interface AtOnce {
  readonly status: RunStatus;
  /** Calls in flight that nobody had asked to let go. */
  readonly inFlight: readonly PreviewCall[];
}

function tell(executor: Executor, run: PreviewRun, { status, inFlight }: AtOnce): Preview {
  const { state } = run;
  const idOf = (node: number): string => nodeId(run, node);
  const finalStatus = isAtRest(state) ? state.status : null;
  const finish = inFlight.filter(({ node, undo }) => undo || !run.aborted.has(node));
  const forward = run.calls.filter(({ undo }) => !undo);
  const words = [...finish, ...forward].filter((call) => isWord(run, call));
  return {
    refused: null,
    status,
    finalStatus,
    run: forward.map((call) => stepOf(run, call)),
    compensate: run.calls.filter(({ undo }) => undo).map((call) => undoOf(run, call)),
    abort: [...run.aborted].map(idOf),
    finish: finish.map(({ node }) => idOf(node)),
    fail: run.failed.filter((node) => isShownAsFailed(state, node)).map(idOf),
    skip: run.skipped.filter(({ node }) => isShown(state, node)).map((skipped) => skipOf(run, skipped)),
    leave: leaves(run),
    pointsOfNoReturn: barriersOf(executor.state).map(idOf),
    crosses: barriersOf(state, executor.state).map(idOf),
    awaits: words.map(({ node }) => idOf(node)),
    afterResume: state.status === "PAUSED" ? queuedOf(state).map(idOf) : [],
    undecided: [...run.undecided].map(([node, unknown]) => undecidedOf(idOf(node), unknown)),
    locksReleased: finalStatus !== null && isTerminal(finalStatus) ? Object.keys(executor.lease.tokens) : [],
  };
}

function stepOf(run: PreviewRun, { node, attempt, undo, wave }: PreviewCall): PreviewStep {
  const { action, compensation } = documentOf(run, node);
  return { node: nodeId(run, node), action: undo ? (compensation?.action as string) : action, attempt, wave };
}

function undoOf(run: PreviewRun, call: PreviewCall): PreviewUndo {
  return { ...stepOf(run, call), outcome: OUTCOMES[call.outcome] as Outcome };
}

function skipOf(run: PreviewRun, { node, reason }: { node: number; reason: number }): Preview["skip"][number] {
  return { node: nodeId(run, node), reason: SKIP_REASONS[reason] as SkipReason };
}

function leaves(run: PreviewRun): PreviewLeave[] {
  const { state, program } = run;
  const abandoned = state.status === "ABANDONED";
  if (!run.rolledBack && !abandoned) return [];
  return leftBehind(state, program.document, abandoned).map(({ node, reason }) => ({
    node: nodeId(run, node),
    reason,
    outcome: OUTCOMES[state.outcome[node] as number] as Outcome,
  }));
}

function undecidedOf(node: string, { of, reads }: UnknownReads): PreviewUndecided {
  const names = reads.map((id) => `"${id}"`).join(", ");
  const outputs = reads.length === 1 ? "the output" : "the outputs";
  return { node, reads, reason: `its ${of} reads ${outputs} of ${names}, not known before that has run` };
}

function documentOf({ state, program }: PreviewRun, node: number): NodeDocument {
  return program.document.nodes[homeOf(state, node)] as NodeDocument;
}

/** It waits for an approval or a signal: somebody has to say something. */
function isWord(run: PreviewRun, { node, undo }: PreviewCall): boolean {
  return !undo && hasFlag(run.state, node, NodeFlag.APPROVAL | NodeFlag.SIGNAL);
}

/** A group with members is shown as these. */
function isShown(state: RunState, node: number): boolean {
  return (expandedGroup(state, node)?.count ?? 0) === 0;
}

/** A group that failed although none of its members did is named itself. */
function isShownAsFailed(state: RunState, node: number): boolean {
  return isShown(state, node) || expandedGroup(state, node)?.failed === 0;
}

/** Prohibiting nodes that have started (R33), and had not in `before`. */
function barriersOf(state: RunState, before?: RunState): number[] {
  const found: number[] = [];
  for (let node = 0; node < state.size; node++) {
    const old = before !== undefined && node < before.size && hasMark(before, node, Mark.BARRIER);
    if (!old && hasMark(state, node, Mark.BARRIER)) found.push(node);
  }
  return found;
}

/** What waits for a slot. */
function queuedOf(state: RunState): number[] {
  const found: number[] = [];
  for (let node = 0; node < state.size; node++) {
    if (hasMark(state, node, Mark.QUEUED | Mark.UNDO_QUEUED)) found.push(node);
  }
  return found;
}
