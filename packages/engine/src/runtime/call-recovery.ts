/**
 * The calls of a run that was taken up again (R42). Owns: which deadlines continue and which count anew, the time that a
 * `verify` gets, that each attempt that was cut off is resolved at once. Does not own: what an action allows
 * (`recovery.ts`), making the call (`carrier.ts`).
 *
 * V0: what is overdue, and what operators have asked meanwhile, comes before any call is made again.
 * V1: a `verify` runs without the attempt's own limits; they count from the new dispatch, if there is one.
 * V2: what is built in was not lost with the process: it goes on waiting, under its old deadline. Only its heartbeats were not
 * kept: the next one is due anew.
 */
import { DEADLINES, Deadline, type DeadlineKind, homeOf, type Input, kindOf } from "../core/index.ts";
import type { ActionDefinition } from "./api.ts";
import type { Executor } from "./executor.ts";
import type { RunFacts } from "./facts.ts";
import { type CalledAttempt, isAborting, isInFlight } from "./in-flight.ts";
import type { CallInFlight, DeadlineInFlight, Unfinished } from "./rebuild.ts";
import { recoveryOf, VERIFY_MS } from "./recovery.ts";
import type { Deadline as ArmedDeadline } from "./timers.ts";

/** Which form of an action is called: undefined = none, the call is lost; LATER = none yet. */
export type Take = (action: ActionDefinition) => ActionDefinition | typeof LATER | undefined;

/** The call is made later. */
export const LATER = "later";

/** What the carrier does for it. `key` is the call's: `keyOf`. */
export interface Caller {
  arm(deadline: DeadlineInFlight): void;
  /** Makes the call with the form of the action that `take` answers. */
  call(call: CallInFlight, take: Take): void;
  /** Nobody can tell what came of it. */
  lose(call: CallInFlight, why?: string): void;
  /** Asks it to let go. */
  abort(call: CallInFlight, why: string): void;
}

/** What the record of an outcome says of a recovery (R42); the core decides without it. */
export type Resolution = { readonly recovery?: "VERIFIED" | "AGAIN" };

/** Calls of compensations have keys of their own beside the node's. */
export function keyOf(node: number, undo: boolean): number {
  return undo ? ~node : node;
}

/** Deadlines that limit one call. */
const CALL_LIMITS: ReadonlySet<number> = new Set([Deadline.ATTEMPT, Deadline.HEARTBEAT, Deadline.COMPENSATION]);

/** A call of what is built in (V2). */
function isBuiltIn({ program, state }: RunFacts, { node, undo }: CallInFlight): boolean {
  const declared = program.document.nodes[homeOf(state, node)];
  return (undo ? declared?.compensation?.action : declared?.action)?.startsWith("belay.") === true;
}

/** Deadlines by what becomes of them when the run is taken up. */
interface Sorted {
  /** Limits of calls that may be made again, by key of the call. */
  readonly again: ReadonlyMap<number, DeadlineInFlight[]>;
  /** They count from now on. */
  readonly anew: readonly DeadlineInFlight[];
  /** They go on from where they were. */
  readonly goOn: readonly DeadlineInFlight[];
}

function sorted(run: RunFacts, { calls, deadlines }: Unfinished): Sorted {
  const alive = new Map(calls.filter(({ aborted }) => !aborted).map((call) => [keyOf(call.node, call.undo), call]));
  const again = new Map<number, DeadlineInFlight[]>();
  for (const [key, call] of alive) if (!isBuiltIn(run, call)) again.set(key, []);
  const anew: DeadlineInFlight[] = [];
  const goOn: DeadlineInFlight[] = [];
  for (const deadline of deadlines) {
    const key = keyOf(deadline.node, deadline.kind === Deadline.COMPENSATION);
    const limits = again.get(key);
    if (CALL_LIMITS.has(deadline.kind) && limits !== undefined) limits.push(deadline);
    else if (deadline.kind === Deadline.HEARTBEAT && alive.has(key)) anew.push(deadline);
    else goOn.push(deadline);
  }
  return { again, anew, goOn };
}

/** What would pass first when the run was taken up at `now`, oldest first. */
export function overdue(run: RunFacts, unfinished: Unfinished, now: number): Input[] {
  const passed = sorted(run, unfinished).goOn.filter(({ at }) => at <= now);
  return passed
    .toSorted((a, b) => a.at - b.at)
    .map(({ node, kind, token }) => ({ kind: "due", at: now, deadline: DEADLINES[kind] as DeadlineKind, node, token }));
}

export class CallRecovery {
  readonly #executor: Executor;
  readonly #caller: Caller;
  /** Time limits of `verify`, by key of the call. */
  readonly #verifying = new Map<number, ArmedDeadline>();
  /** How calls that have not answered were resolved, by key. */
  readonly #resolved = new Map<number, { readonly attempt: number; readonly how: "VERIFIED" | "AGAIN" }>();

  /** Calls that are to be made again, with the limits that then count anew. */
  readonly #postponed: { readonly call: CallInFlight; readonly limits: readonly DeadlineInFlight[] }[] = [];

  constructor(executor: Executor, caller: Caller) {
    this.#executor = executor;
    this.#caller = caller;
  }

  /** Deadlines go on, waits too, and what nobody can tell of is lost. What is to be called again is not, yet. */
  recover(unfinished: Unfinished): void {
    const { again, anew, goOn } = sorted(this.#executor, unfinished);
    for (const deadline of goOn) this.#caller.arm(deadline);
    this.#armAnew(anew);
    for (const call of unfinished.calls) {
      // What was asked to let go has.
      if (call.aborted) this.#caller.lose(call);
      else
        this.#caller.call(call, (action) => this.#postpone(call, action, again.get(keyOf(call.node, call.undo)) ?? []));
    }
  }

  /** Calls what was cut off again, unless a deadline that was overdue, or somebody who asked meanwhile, has stopped it. */
  callAgain(): void {
    const { state } = this.#executor;
    for (const { call, limits } of this.#postponed.splice(0)) {
      if (!isInFlight(state, call)) continue;
      if (isAborting(state, call)) this.#caller.lose(call);
      else this.#caller.call(call, (action) => this.#take(call, action, limits));
    }
  }

  /** The call has answered: its `verify` is over. What is to be recorded of its recovery, for people; mostly nothing. */
  answered({ node, attempt, undo }: CalledAttempt, succeeded: boolean): Resolution | undefined {
    if (this.#verifying.size === 0 && this.#resolved.size === 0) return undefined;
    const key = keyOf(node, undo);
    this.#endVerify(key);
    const resolved = this.#resolved.get(key);
    if (resolved?.attempt !== attempt) return undefined;
    this.#resolved.delete(key);
    // Stopped between a `verify` that said "not done" and the action: nothing was decided.
    return resolved.how === "AGAIN" || succeeded ? { recovery: resolved.how } : undefined;
  }

  clear(): void {
    for (const key of [...this.#verifying.keys()]) this.#endVerify(key);
  }

  #endVerify(key: number): void {
    const limit = this.#verifying.get(key);
    if (limit === undefined) return;
    this.#executor.host.timers.disarm(limit);
    this.#verifying.delete(key);
  }

  #postpone(call: CallInFlight, action: ActionDefinition, limits: readonly DeadlineInFlight[]): ReturnType<Take> {
    if (recoveryOf(action, () => undefined).kind === "lost") return undefined;
    this.#postponed.push({ call, limits });
    return LATER;
  }

  #take(
    call: CallInFlight,
    action: ActionDefinition,
    limits: readonly DeadlineInFlight[],
  ): ActionDefinition | undefined {
    const key = keyOf(call.node, call.undo);
    const resolve = (how: "VERIFIED" | "AGAIN"): void => {
      this.#resolved.set(key, { attempt: call.attempt, how });
    };
    const recovery = recoveryOf(action, () => {
      resolve("AGAIN");
      this.#endVerify(key);
      this.#armAnew(limits);
    });
    if (recovery.kind === "again") {
      resolve("AGAIN");
      this.#armAnew(limits);
    }
    if (recovery.kind === "verify") {
      resolve("VERIFIED");
      this.#limitVerify(call, key);
    }
    return recovery.kind === "lost" ? undefined : recovery.action;
  }

  #armAnew(limits: readonly DeadlineInFlight[]): void {
    const { program, state } = this.#executor;
    const { timeoutMs, heartbeatTimeoutMs, compensationTimeoutMs } = program.compiled.kinds;
    const now = this.#executor.now();
    for (const limit of limits) {
      const { kind, node } = limit;
      const table =
        kind === Deadline.ATTEMPT
          ? timeoutMs
          : kind === Deadline.HEARTBEAT
            ? heartbeatTimeoutMs
            : compensationTimeoutMs;
      this.#caller.arm({ ...limit, at: now + (table[kindOf(state, node)] as number) });
    }
  }

  /** A `verify` that does not answer in the attempt's own time says nothing. */
  #limitVerify(call: CallInFlight, key: number): void {
    const { program, state, host } = this.#executor;
    const { timeoutMs, compensationTimeoutMs } = program.compiled.kinds;
    const ms = ((call.undo ? compensationTimeoutMs : timeoutMs)[kindOf(state, call.node)] as number) || VERIFY_MS;
    const passed = (): void => {
      this.#verifying.delete(key);
      this.#resolved.delete(key);
      const why = `its verify did not answer within ${ms / 1000} s`;
      this.#caller.abort(call, why);
      this.#caller.lose(call, why);
    };
    this.#verifying.set(key, host.timers.arm(this.#executor.now() + ms, passed));
  }
}
