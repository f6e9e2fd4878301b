/**
 * Actions that follow a script, one line per node, and a trace of what really happened. Owns: the registry, the scripts,
 * the attempts that wait for the test, the trace. Does not own: time and order, which the test (or `drive.ts`) decides.
 *
 * A script is a comma-separated list, one behaviour per call; the last one repeats:
 * `ok` answers with the node's output · `fail` throws, worth a further attempt · `fatal` throws `NonRetryable` ·
 * `hang` never ends by itself and ignores its abort · `obey` never ends by itself but lets go when aborted.
 */
import { NonRetryable } from "../../errors.ts";
import type { Json } from "../../plan/document.ts";
import type { ActionContext, ActionRegistry, Run } from "../../runtime/api.ts";
import { type TraceEntry, watchRun } from "../judge/trace.ts";
import { type HeldAttempt, holdAttempt } from "./held-action.ts";

export type Behaviour = "ok" | "fail" | "fatal" | "hang" | "obey";

/** What one node's action and compensation do. */
export interface NodeScript {
  /** Behaviours of the action's calls: "fail,fail,ok". Default "ok". */
  readonly run?: string;
  /** Behaviours of the compensation's calls. Default "ok". */
  readonly undo?: string;
  /** Output of a success; default `{ node, attempt }`. */
  readonly output?: Json;
}

/** By node id: a member's own (`group[1]`) wins over its group's (`group`). A string stands for `{run}`. */
export type Scripts = Readonly<Record<string, string | NodeScript>>;

export interface RigOptions {
  /** Names registered as forward actions; default `["do"]`. */
  readonly actions?: readonly string[];
  /** Names registered as compensations; default `["undo"]`. */
  readonly compensations?: readonly string[];
  /** true: every call waits in `pending` until `finish`; default: `ok`, `fail` and `fatal` end at once. */
  readonly held?: boolean;
}

/** A call that waits: `finish` ends it as its script says. */
export interface PendingCall {
  readonly node: string;
  readonly attempt: number;
  readonly compensation: boolean;
  readonly behaviour: Behaviour;
  readonly held: HeldAttempt;
  /** Ends the call as scripted; a `hang` or `obey` ends as a success that nobody waits for. */
  finish(): void;
}

export interface ActionRig {
  readonly actions: ActionRegistry;
  readonly trace: TraceEntry[];
  /** Contexts of all calls, in order. */
  readonly contexts: readonly ActionContext<unknown>[];
  /** Calls that wait for the test, oldest first. */
  readonly pending: readonly PendingCall[];
  /** Writes the run's events into the trace. */
  watch(run: Run): void;
  /** Forward starts so far, "a", "g[0]", in order. */
  started(): string[];
  /** Compensation calls so far, in order. */
  undone(): string[];
  /** Replaces the script of one node, from its next call on. */
  rescript(node: string, script: string | NodeScript): void;
}

/** Id of the node in snapshots and events: a member's is `group[idx]`. */
export function callId(ctx: ActionContext<unknown>): string {
  // Only a member has an item; a label 0 alone is no membership (R20).
  return ctx.item === undefined ? ctx.nodeId : `${ctx.nodeId}[${ctx.parallelIdx}]`;
}

/** A registry of scripted actions; nodes without a script succeed. */
export function actionRig(scripts: Scripts = {}, options: RigOptions = {}): ActionRig {
  const state = new RigState(scripts, options.held === true);
  const actions: Record<string, (ctx: ActionContext<unknown>) => Promise<unknown>> = {};
  for (const name of options.actions ?? ["do"]) actions[name] = (ctx) => state.call(ctx, false);
  for (const name of options.compensations ?? ["undo"]) actions[name] = (ctx) => state.call(ctx, true);
  return {
    actions,
    trace: state.trace,
    contexts: state.contexts,
    pending: state.pending,
    watch: (run) => watchRun(run, state.trace),
    started: () => state.calls("start"),
    undone: () => state.calls("undo"),
    rescript: (node, script) => state.rescript(node, script),
  };
}

class RigState {
  readonly trace: TraceEntry[] = [];
  readonly contexts: ActionContext<unknown>[] = [];
  readonly pending: PendingCall[] = [];
  readonly #scripts: Map<string, NodeScript>;
  readonly #calls = new Map<string, number>();
  readonly #held: boolean;

  constructor(scripts: Scripts, held: boolean) {
    this.#scripts = new Map(Object.entries(scripts).map(([node, script]) => [node, normalize(script)]));
    this.#held = held;
  }

  calls(kind: "start" | "undo"): string[] {
    return this.trace.flatMap((entry) => (entry.kind === kind ? [entry.node] : []));
  }

  rescript(node: string, script: string | NodeScript): void {
    this.#scripts.set(node, normalize(script));
    this.#calls.delete(`run ${node}`);
    this.#calls.delete(`undo ${node}`);
  }

  async call(ctx: ActionContext<unknown>, compensation: boolean): Promise<unknown> {
    const node = callId(ctx);
    const { attempt, idempotencyKey: key, previousStillRunning } = ctx;
    const behaviour = this.#behaviour(ctx, compensation);
    this.contexts.push(ctx);
    this.trace.push({ kind: compensation ? "undo" : "start", node, attempt, key, previousStillRunning });
    let ok = false;
    try {
      const output = await this.#perform(ctx, behaviour, compensation);
      ok = true;
      return output;
    } finally {
      this.trace.push({ kind: compensation ? "undo-end" : "end", node, attempt, ok });
    }
  }

  #perform(ctx: ActionContext<unknown>, behaviour: Behaviour, compensation: boolean): unknown {
    const waits = behaviour === "hang" || behaviour === "obey";
    if (!waits && !this.#held) return this.#answer(ctx, behaviour);
    const { attempt: held, result } = holdAttempt(ctx);
    if (behaviour === "obey") held.letGoOnAbort();
    const forget = (): void => {
      const at = this.pending.indexOf(call);
      if (at >= 0) this.pending.splice(at, 1);
    };
    const call: PendingCall = {
      node: callId(ctx),
      attempt: ctx.attempt,
      compensation,
      behaviour,
      held,
      finish: () => {
        forget();
        held.succeed();
      },
    };
    this.pending.push(call);
    return result.finally(forget).then(() => this.#answer(ctx, behaviour));
  }

  /** Called when the call ends: what it returns or throws. */
  #answer(ctx: ActionContext<unknown>, behaviour: Behaviour): Json {
    const node = callId(ctx);
    if (behaviour === "fail") throw Object.assign(new Error(`${node} failed`), { code: "E_SCRIPT" });
    if (behaviour === "fatal") throw new NonRetryable(`${node} failed for good`, { code: "E_FATAL" });
    return this.#scriptOf(ctx).output ?? { node, attempt: ctx.attempt };
  }

  #scriptOf(ctx: ActionContext<unknown>): NodeScript {
    return this.#scripts.get(callId(ctx)) ?? this.#scripts.get(ctx.nodeId) ?? {};
  }

  #behaviour(ctx: ActionContext<unknown>, compensation: boolean): Behaviour {
    const script = this.#scriptOf(ctx);
    const behaviours = (compensation ? script.undo : script.run)?.split(",") ?? ["ok"];
    const counter = `${compensation ? "undo" : "run"} ${callId(ctx)}`;
    const count = this.#calls.get(counter) ?? 0;
    this.#calls.set(counter, count + 1);
    return behaviours[Math.min(count, behaviours.length - 1)]?.trim() as Behaviour;
  }
}

function normalize(script: string | NodeScript): NodeScript {
  return typeof script === "string" ? { run: script } : script;
}
