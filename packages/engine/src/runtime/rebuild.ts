/**
 * A run rebuilt from its records (R42, R50): the same core, the same values, and what was under way when the records
 * end. Owns: what of the commands is still to be carried out. Changes nothing outside of the run. Cost: that of the
 * decisions, once more.
 */
import { Commands, DEADLINES, isAtRest, isVerb, Op, step, type VerbInput } from "../core/index.ts";
import type { JournalRecord } from "../journal/port.ts";
import type { Json } from "../plan/document.ts";
import { deepFreeze } from "../plan/json.ts";
import { absorb } from "./absorb.ts";
import type { RunFacts } from "./facts.ts";
import { recordedRequest } from "./verbs.ts";

/** An attempt, or a compensation's, that was dispatched and has not ended. */
export interface CallInFlight {
  readonly node: number;
  readonly attempt: number;
  readonly undo: boolean;
  /** It was asked to let go. */
  aborted: boolean;
}

/** A deadline that was armed and has not passed. `kind` is an index into DEADLINES. */
export interface DeadlineInFlight {
  readonly node: number;
  readonly kind: number;
  readonly token: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** What the records leave to be done, each in the order in which it came up. */
export interface Unfinished {
  readonly calls: readonly CallInFlight[];
  readonly deadlines: readonly DeadlineInFlight[];
  /** Nodes whose condition or list is asked for. */
  readonly undecided: readonly number[];
  /** Requests of operators that were carried out, by request id, see `recordedRequest` (R37). */
  readonly requests: ReadonlyMap<string, readonly string[]>;
}

/** A run whose facts can still be written: nothing moves yet. */
export interface RebuiltRun extends RunFacts {
  restedAt: number | null;
  /** Time of the last input. */
  lastAt: number;
}

const KINDS = DEADLINES.length;

/** Feeds the records to a run that has had none. Fails with InvariantError for records that its plan cannot have made. */
export function rebuild(run: RebuiltRun, records: readonly JournalRecord[]): Unfinished {
  const commands = new Commands();
  const calls = new Map<number, CallInFlight>();
  const deadlines = new Map<number, DeadlineInFlight>();
  const undecided = new Set<number>();
  const requests = new Map<string, readonly string[]>();
  for (const { input, payload } of records) {
    run.lastAt = input.at;
    const requestId = isVerb(input) ? requestIdOf(payload) : undefined;
    if (requestId !== undefined) requests.set(requestId, recordedRequest(run, input as VerbInput, payload));
    step(run.state, input, commands);
    run.restedAt = isAtRest(run.state) ? (run.restedAt ?? input.at) : null;
    if (input.kind === "resolved") undecided.delete(input.node);
    for (const node of absorb(run, commands, 0, deepFreeze(payload))) undecided.add(node);
    if (input.kind === "due")
      forgetPassed(deadlines, input.node * KINDS + DEADLINES.indexOf(input.deadline), input.token);
    note(commands, calls, deadlines);
    commands.clear();
  }
  return { calls: [...calls.values()], deadlines: [...deadlines.values()], undecided: [...undecided], requests };
}

function note(commands: Commands, calls: Map<number, CallInFlight>, deadlines: Map<number, DeadlineInFlight>): void {
  for (let row = 0; row < commands.length; row++) {
    const node = commands.node[row] as number;
    const value = commands.value[row] as number;
    const extra = commands.extra[row] as number;
    switch (commands.op[row]) {
      case Op.RUN:
        calls.set(node, { node, attempt: value, undo: false, aborted: false });
        break;
      case Op.COMPENSATE:
        calls.set(~node, { node, attempt: value, undo: true, aborted: false });
        break;
      case Op.SUCCEEDED:
      case Op.FAILED:
      case Op.RETRYING:
        calls.delete(node);
        break;
      case Op.COMPENSATED:
      case Op.UNDO_RETRYING:
      case Op.UNDO_FAILED:
        calls.delete(~node);
        break;
      case Op.ABORT: {
        const call = calls.get(extra === 1 ? ~node : node);
        if (call !== undefined) call.aborted = true;
        break;
      }
      case Op.ARM:
        // Armed anew, it counts from now in the order of arming, too.
        deadlines.delete(node * KINDS + extra);
        deadlines.set(node * KINDS + extra, { node, kind: extra, token: value, at: commands.at[row] as number });
        break;
      case Op.DISARM:
        deadlines.delete(node * KINDS + extra);
        break;
    }
  }
}

/** The one that passed, not one that was armed since. */
function forgetPassed(deadlines: Map<number, DeadlineInFlight>, key: number, token: number): void {
  if (deadlines.get(key)?.token === token) deadlines.delete(key);
}

function requestIdOf(payload: Json | undefined): string | undefined {
  if (typeof payload !== "object" || payload === null || Array.isArray(payload)) return undefined;
  const { requestId } = payload as Readonly<Record<string, Json>>;
  return typeof requestId === "string" ? requestId : undefined;
}
