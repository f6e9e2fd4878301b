/**
 * Keeps a run's values in step with the core: after each input, what its commands say about outputs, failures and times.
 * Owns: which payload becomes which value; failures that groups and stopped attempts get. Used live and on replay.
 */
import {
  Cause,
  type Commands,
  expandedGroup,
  type GroupState,
  hasFlag,
  kindOf,
  NODE_STATUSES,
  NodeState,
  Op as OpTable,
  SkipCode,
} from "../core/index.ts";
import { MethodCode, NodeFlag } from "../plan/compiled.ts";
import type { Json } from "../plan/document.ts";
import type { NodeFailure } from "./api.ts";
import { bindAttempt } from "./attempt-input.ts";
import type { RunFacts } from "./facts.ts";
import { engineFailure, stoppedFailure } from "./failure.ts";

// Constants of this module: what is imported is looked up and checked anew at every use.
const Op = OpTable;

const NOBODY: readonly number[] = [];

/** Reads the commands from row `from` on; answers the nodes that wait for an evaluation. */
export function absorb(
  facts: RunFacts,
  commands: Commands,
  from: number,
  payload: Json | undefined,
): readonly number[] {
  let resolve: number[] | undefined;
  for (let row = from; row < commands.length; row++) {
    const op = commands.op[row] as number;
    // Most commands: no value follows from them.
    if (op === Op.READY || op === Op.ARM || op === Op.DISARM) continue;
    if (op !== Op.RESOLVE) absorbRow(facts, commands, row, payload);
    else if (resolve === undefined) resolve = [commands.node[row] as number];
    else resolve.push(commands.node[row] as number);
  }
  return resolve ?? NOBODY;
}

function absorbRow(facts: RunFacts, commands: Commands, row: number, payload: Json | undefined): void {
  const { values } = facts;
  const node = commands.node[row] as number;
  const value = commands.value[row] as number;
  switch (commands.op[row]) {
    case Op.RUN:
      values.startedAt.setFirst(node, commands.now);
      values.finishedAt.delete(node);
      values.forgetApprovals(node);
      bindAttempt(facts, node, commands.now);
      return;
    case Op.APPROVED:
      values.approve(node, field(payload, "who") as string);
      return;
    case Op.SUCCEEDED:
      succeeded(facts, node, payload);
      values.finishedAt.set(node, commands.now);
      if (values.waits.size > 0) values.waits.delete(node);
      return;
    case Op.RETRYING:
    case Op.FAILED:
      values.setFailure(node, failureFor(facts, node, value, payload));
      values.finishedAt.set(node, commands.now);
      if (values.waits.size > 0) values.waits.delete(node);
      return;
    case Op.SKIPPED:
      if (value === SkipCode.OPERATOR) skipped(facts, node, payload);
      values.finishedAt.set(node, commands.now);
      return;
    case Op.EXPANDED:
      expanded(facts, node, value, payload);
      return;
    case Op.COMPENSATE:
      values.undoStartedAt.setFirst(node, commands.now);
      values.undoFinishedAt.delete(node);
      return;
    case Op.COMPENSATED:
      values.setUndoFailure(node, undefined);
      values.undoFinishedAt.set(node, commands.now);
      return;
    case Op.UNDO_RETRYING:
    case Op.UNDO_FAILED:
      values.setUndoFailure(node, (field(payload, "error") as NodeFailure | undefined) ?? undoStopped(facts, node));
      values.undoFinishedAt.set(node, commands.now);
      return;
    case Op.RESET:
      values.reset(node, value === 1);
      return;
  }
}

function field(payload: Json | undefined, name: string): Json | undefined {
  if (typeof payload !== "object" || payload === null || Array.isArray(payload)) return undefined;
  return (payload as Readonly<Record<string, Json>>)[name];
}

function succeeded(facts: RunFacts, node: number, payload: Json | undefined): void {
  const group = expandedGroup(facts.state, node);
  if (group !== undefined) {
    const { values, secrets } = facts;
    const shown = secrets?.any === true ? groupOutput(facts, group, (member) => values.shown(member)) : undefined;
    values.setOutput(
      node,
      groupOutput(facts, group, (member) => values.output(member)),
      shown,
    );
    return;
  }
  const approvedBy = facts.values.approvals(node);
  if (approvedBy.length > 0) facts.values.setOutput(node, { approvedBy });
  else facts.values.setOutput(node, field(payload, "output"), facts.secrets?.shown(payload));
}

function skipped(facts: RunFacts, node: number, payload: Json | undefined): void {
  const output = field(payload, "output");
  if (output !== undefined) facts.values.setOutput(node, output, facts.secrets?.shown(payload));
}

/** The winner's output, or the list of all outputs in order, null where there is none. */
function groupOutput(
  { state }: RunFacts,
  group: GroupState,
  outputOf: (member: number) => Json | undefined,
): Json | undefined {
  const outputs: Json[] = [];
  for (let member = group.base; member < group.base + group.count; member++) {
    const output = outputOf(member);
    if (group.split.method === MethodCode.FIRST_SUCCESS && state.node[member] === NodeState.SUCCESSFUL) return output;
    outputs.push(output ?? null);
  }
  return outputs;
}

function failureFor(facts: RunFacts, node: number, cause: number, payload: Json | undefined): NodeFailure {
  if (cause !== Cause.NONE) return stoppedFailure(cause, secondsOf(facts, node, cause), isWait(facts, node));
  const given = field(payload, "error") as NodeFailure | undefined;
  const group = expandedGroup(facts.state, node);
  // A group that failed without a failed member says itself why: its condition could not be evaluated.
  if (group === undefined || group.failed === 0) return given ?? engineFailure("ERROR", "failed without saying why");
  const failed: Json[] = [];
  for (let member = group.base; member < group.base + group.count; member++) {
    const failure = facts.values.failure(member);
    const status = NODE_STATUSES[facts.state.node[member] as number] as string;
    if (failure !== undefined && failed.length < 100) {
      failed.push({ parallelIdx: member - group.base, status, code: failure.code, message: failure.message });
    }
  }
  const of = `${group.failed} of ${group.count}`;
  return group.split.method === MethodCode.FIRST_SUCCESS
    ? engineFailure("ALL_CANDIDATES_FAILED", `${of} candidates failed`, failed)
    : engineFailure("MEMBERS_FAILED", `${of} members failed`, failed);
}

/** It waits for people, a message or a time: there is no call that could have done something. */
function isWait({ state }: RunFacts, node: number): boolean {
  return hasFlag(state, node, NodeFlag.WAITING);
}

function secondsOf(facts: RunFacts, node: number, cause: number): number {
  const { compiled } = facts.program;
  const { kinds } = compiled;
  const kind = kindOf(facts.state, node);
  if (cause === Cause.TIMEOUT) return (kinds.timeoutMs[kind] as number) / 1000;
  if (cause === Cause.HEARTBEAT) return (kinds.heartbeatTimeoutMs[kind] as number) / 1000;
  if (cause === Cause.TOTAL) return (kinds.totalTimeoutMs[kind] as number) / 1000;
  return compiled.runTimeoutMs / 1000;
}

function undoStopped(facts: RunFacts, node: number): NodeFailure {
  const { compensationTimeoutMs } = facts.program.compiled.kinds;
  return stoppedFailure(Cause.TIMEOUT, (compensationTimeoutMs[kindOf(facts.state, node)] as number) / 1000);
}

/** A group got its members: their items and their labels (R24). */
function expanded(facts: RunFacts, node: number, members: number, payload: Json | undefined): void {
  const { values, program } = facts;
  const items = field(payload, "items");
  if (Array.isArray(items)) {
    values.items.set(node, items as readonly Json[]);
    values.memberSeries.set(node, facts.nextSeries);
    facts.nextSeries += members;
  } else {
    values.memberSeries.set(node, program.series[node] as number);
  }
}
