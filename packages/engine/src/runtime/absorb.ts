/**
 * Keeps a run's values in step with the core: after each input, what its commands say about outputs, failures and times.
 * Owns: which payload becomes which value; failures that groups and stopped attempts get. Used live and on replay.
 */
import { Cause, type Commands, homeOf, NODE_STATUSES, NodeState, Op, SkipCode } from "../core/index.ts";
import type { Json } from "../plan/document.ts";
import type { NodeFailure } from "./api.ts";
import type { Executor } from "./executor.ts";
import { engineFailure, stoppedFailure } from "./failure.ts";

/** Reads the commands from row `from` on; answers the nodes that wait for an evaluation. */
export function absorb(executor: Executor, commands: Commands, from: number, payload: Json | undefined): number[] {
  const resolve: number[] = [];
  for (let row = from; row < commands.length; row++) {
    const op = commands.op[row] as number;
    if (op === Op.RESOLVE) resolve.push(commands.node[row] as number);
    else absorbRow(executor, commands, row, payload);
  }
  return resolve;
}

function absorbRow(executor: Executor, commands: Commands, row: number, payload: Json | undefined): void {
  const { values } = executor;
  const node = commands.node[row] as number;
  const value = commands.value[row] as number;
  switch (commands.op[row]) {
    case Op.RUN:
      values.startedAt[node] ??= commands.now;
      values.finishedAt[node] = undefined;
      return;
    case Op.SUCCEEDED:
      values.setOutput(node, isGroup(executor, node) ? groupOutput(executor, node) : field(payload, "output"));
      values.finishedAt[node] = commands.now;
      return;
    case Op.RETRYING:
    case Op.FAILED:
      values.setFailure(node, failureFor(executor, node, value, payload));
      values.finishedAt[node] = commands.now;
      return;
    case Op.SKIPPED:
      if (value === SkipCode.OPERATOR) skipped(executor, node, payload);
      values.finishedAt[node] = commands.now;
      return;
    case Op.EXPANDED:
      expanded(executor, node, value, payload);
      return;
    case Op.COMPENSATE:
      values.undoStartedAt[node] ??= commands.now;
      values.undoFinishedAt[node] = undefined;
      return;
    case Op.COMPENSATED:
      values.setUndoFailure(node, undefined);
      values.undoFinishedAt[node] = commands.now;
      return;
    case Op.UNDO_RETRYING:
    case Op.UNDO_FAILED:
      values.setUndoFailure(node, (field(payload, "error") as NodeFailure | undefined) ?? undoStopped(executor, node));
      values.undoFinishedAt[node] = commands.now;
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

function skipped(executor: Executor, node: number, payload: Json | undefined): void {
  const output = field(payload, "output");
  if (output !== undefined) executor.values.setOutput(node, output);
}

function isGroup(executor: Executor, node: number): boolean {
  return node < executor.program.compiled.size && executor.program.compiled.split[node] !== -1;
}

/** The winner's output, or the list of all outputs in order, null where there is none. */
function groupOutput(executor: Executor, node: number): Json | undefined {
  const { state, values } = executor;
  const group = state.groups[state.plan.split[node] as number];
  if (group === undefined) return undefined;
  const outputs: Json[] = [];
  for (let member = group.base; member < group.base + group.count; member++) {
    const output = values.output(member);
    if (group.split.method === 2 && state.node[member] === NodeState.SUCCESSFUL) return output;
    outputs.push(output ?? null);
  }
  return outputs;
}

function failureFor(executor: Executor, node: number, cause: number, payload: Json | undefined): NodeFailure {
  if (cause !== Cause.NONE) return stoppedFailure(cause, secondsOf(executor, node, cause));
  const given = field(payload, "error") as NodeFailure | undefined;
  const expandedGroup = isGroup(executor, node)
    ? executor.state.groups[executor.state.plan.split[node] as number]
    : undefined;
  if (expandedGroup === undefined) return given ?? engineFailure("ERROR", "failed without saying why");
  const failed: Json[] = [];
  for (let member = expandedGroup.base; member < expandedGroup.base + expandedGroup.count; member++) {
    const failure = executor.values.failure(member);
    const status = NODE_STATUSES[executor.state.node[member] as number] as string;
    if (failure !== undefined && failed.length < 100) {
      failed.push({ parallelIdx: member - expandedGroup.base, status, code: failure.code, message: failure.message });
    }
  }
  const of = `${expandedGroup.failed} of ${expandedGroup.count}`;
  return expandedGroup.split.method === 2
    ? engineFailure("ALL_CANDIDATES_FAILED", `${of} candidates failed`, failed)
    : engineFailure("MEMBERS_FAILED", `${of} members failed`, failed);
}

function secondsOf(executor: Executor, node: number, cause: number): number {
  const { compiled } = executor.program;
  const home = homeOf(executor.state, node);
  if (cause === Cause.TIMEOUT) return (compiled.timeoutMs[home] as number) / 1000;
  if (cause === Cause.HEARTBEAT) return (compiled.heartbeatTimeoutMs[home] as number) / 1000;
  if (cause === Cause.TOTAL) return (compiled.totalTimeoutMs[home] as number) / 1000;
  return compiled.runTimeoutMs / 1000;
}

function undoStopped(executor: Executor, node: number): NodeFailure {
  const home = homeOf(executor.state, node);
  return stoppedFailure(Cause.TIMEOUT, (executor.program.compiled.compensationTimeoutMs[home] as number) / 1000);
}

/** A group got its members: their items and their labels (R24). */
function expanded(executor: Executor, node: number, members: number, payload: Json | undefined): void {
  const { values, program } = executor;
  const items = field(payload, "items");
  if (Array.isArray(items)) {
    values.items.set(node, items as readonly Json[]);
    values.memberSeries.set(node, executor.nextSeries);
    executor.nextSeries += members;
  } else {
    values.memberSeries.set(node, program.series[node] as number);
  }
}
