/**
 * `belay.plan`: a run inside a run. Owns: which run an attempt stands for, what its end means for the node, and that no
 * unfinished run is left behind when the node is undone. The inner run is a run like any other: its own id, records,
 * events and verbs; its id is the attempt's idempotency key, so that the same attempt finds it again (R43).
 *
 * P1: an attempt succeeds only with a SUCCESSFUL run; any other rest fails it, a pause does not.
 * P2: the next attempt goes on with the run of the last one, unless that has ended for good.
 * P3 (R30): undoing a run that has not ended rolls it back; undoing one that succeeded is the node's compensation.
 */
import { createHash } from "node:crypto";
import { isTerminal } from "../core/index.ts";
import { BelayError, NonRetryable } from "../errors.ts";
import type { ParentAttempt, RunHeader } from "../journal/port.ts";
import type { Json, Plan } from "../plan/document.ts";
import type { ActionContext, ActionDefinition, Run, RunEventName, RunSnapshot, RunStatus } from "./api.ts";
import type { StartOptions } from "./engine-api.ts";
import type { RunFacts } from "./facts.ts";

/** What the engine lends to inner runs. */
export interface SubRunHost {
  plan(name: string): Plan | undefined;
  /** Starts a run for that attempt. */
  start(plan: Plan, options: StartOptions, parent: ParentAttempt): Promise<Run>;
  run(id: string): Run | undefined;
  /** Its values as they are: a snapshot shows no secrets. */
  facts(id: string): RunFacts | undefined;
}

interface SubRunInput {
  readonly plan: string;
  readonly params?: Readonly<Record<string, Json>>;
}

/** A paused run goes on, or ends, with one of these. */
const MOVES: readonly RunEventName[] = ["run:resumed", "run:canceled", "run:abandoned", "run:fault"];

/** Longest run id. */
const LONGEST_ID = 128;

export class SubRuns {
  readonly #host: SubRunHost;
  /** By key of the node, without the attempt: the run of its latest attempt that had one. */
  readonly #latest = new Map<string, { readonly runId: string; readonly attempt: number }>();

  constructor(host: SubRunHost) {
    this.#host = host;
  }

  /** The built-in action. */
  readonly action: ActionDefinition = {
    idempotent: true,
    run: async (ctx) => {
      const run = await this.#takeUp(ctx);
      const snapshot = await rest(run, ctx);
      if (snapshot.status === "SUCCESSFUL") return { runId: run.id, outputs: outputsOf(run.id, this.#host) };
      throw failureOf(snapshot);
    },
  };

  /**
   * The compensation of the node with that key; `declared` undoes a run that succeeded, and its `verify` knows of nothing else.
   * Rolling back one that has not may be asked for again.
   */
  undo(declared: ActionDefinition, node: string): ActionDefinition {
    const run = async (ctx: ActionContext): Promise<unknown> => {
      const inner = this.#latestOf(node, "SUB_RUN_ROLLBACK_FAILED");
      if (inner === undefined || (await stopped(inner, ctx)) === "SUCCESSFUL") return await declared.run(ctx);
      await rollBack(inner, ctx);
      return undefined;
    };
    const latest = this.#latest.get(node);
    const succeeded = latest !== undefined && this.#host.run(latest.runId)?.snapshot().status === "SUCCESSFUL";
    if (latest === undefined || succeeded) return { ...declared, run };
    const { verify: _verify, ...others } = declared;
    return { ...others, idempotent: true, run };
  }

  /** A run was found in the journal: it stands for an attempt again, whether or not it could be taken up. */
  adopt({ runId, parent }: Pick<RunHeader, "runId" | "parent">): void {
    if (parent === null) return;
    const node = `${parent.runId}/${parent.nodeId}`;
    const { attempt } = parent;
    if (attempt >= (this.#latest.get(node)?.attempt ?? 0)) this.#latest.set(node, { runId, attempt });
  }

  /** undefined = there was none. Fails with `code` while there is one that this engine has not taken up: it may have done something. */
  #latestOf(node: string, code: string): Run | undefined {
    const latest = this.#latest.get(node);
    if (latest === undefined) return undefined;
    const { runId } = latest;
    const run = this.#host.run(runId);
    if (run !== undefined) return run;
    const message = `run ${runId} is not taken up by this engine: recover it first`;
    throw new NonRetryable(message, { code, details: { runId } });
  }

  /** The run this attempt stands for: its own, the last one's if that can go on, or a new one. */
  async #takeUp(ctx: ActionContext): Promise<Run> {
    const key = ctx.idempotencyKey;
    const node = key.slice(0, key.lastIndexOf("/"));
    const run = this.#host.run(idOf(key)) ?? (await this.#goOn(node, ctx)) ?? (await this.#start(node, ctx));
    this.#latest.set(node, { runId: run.id, attempt: ctx.attempt });
    return run;
  }

  async #goOn(node: string, ctx: ActionContext): Promise<Run | undefined> {
    const last = this.#latestOf(node, "SUB_RUN_FAILED");
    const status = last?.snapshot().status;
    if (last === undefined || status === undefined || (isTerminal(status) && status !== "SUCCESSFUL")) return undefined;
    const rested = status === "FAILED" || status === "CANCELED" || status === "PARTIALLY_ROLLED_BACK";
    const why = `attempt ${ctx.attempt} of ${ctx.nodeId}`;
    // Asked once by each attempt, however often a crash lets that be called.
    if (rested) await last.retry({ who: `run ${ctx.runId}`, why, requestId: ctx.idempotencyKey });
    return last;
  }

  async #start(node: string, ctx: ActionContext): Promise<Run> {
    const { plan: name, params = {} } = ctx.input as SubRunInput;
    const plan = this.#host.plan(name);
    if (plan === undefined) throw new NonRetryable(`no plan "${name}" is registered`, { code: "UNKNOWN_PLAN" });
    try {
      const parent = { runId: ctx.runId, nodeId: node.slice(ctx.runId.length + 1), attempt: ctx.attempt };
      return await this.#host.start(plan, { params, runId: idOf(ctx.idempotencyKey) }, parent);
    } catch (error) {
      // A lock that is held may be free at the next attempt; wrong parameters stay wrong.
      if (!(error instanceof BelayError) || error.code === "LOCKED") throw error;
      throw new NonRetryable(error.message, { code: error.code, cause: error });
    }
  }
}

function idOf(key: string): string {
  return key.length <= LONGEST_ID ? key : createHash("sha256").update(key).digest("hex");
}

/** The run once it rests in anything but PAUSED. Aborted, it is canceled first: the attempt lets go when it has let go. */
async function rest(run: Run, { signal, runId }: ActionContext): Promise<RunSnapshot> {
  let lost = false;
  let wake = (): void => undefined;
  let leave = (): void => undefined;
  const left = new Promise<never>((_, reject) => {
    leave = () => reject(signal.reason);
  });
  left.catch(() => undefined);
  const stop = async (): Promise<void> => {
    if ((signal.reason as { code?: unknown } | undefined)?.code === "CLOSED") {
      // The engine closes, or the run around this one has stopped: nobody wants it canceled, it is taken up again.
      leave();
      return;
    }
    const why = String((signal.reason as Error | undefined)?.message ?? "aborted");
    try {
      await run.cancel({ who: `run ${runId}`, why });
    } catch (error) {
      // One that cannot be canceled now comes to rest by itself, unless the engine is closing.
      lost = error instanceof BelayError && error.code === "CLOSED";
    }
    wake();
  };
  const aborted = (): void => void stop();
  signal.addEventListener("abort", aborted, { once: true });
  if (signal.aborted) aborted();
  try {
    for (;;) {
      const snapshot = await Promise.race([run.settled(), left]);
      if (snapshot.status !== "PAUSED") return snapshot;
      if (lost) throw signal.reason;
      const moved = new Promise<void>((resolve) => {
        wake = resolve;
        for (const type of MOVES) run.once(type, () => resolve());
      });
      await Promise.race([moved, left]);
    }
  } finally {
    signal.removeEventListener("abort", aborted);
  }
}

/** By declared node; a group's output as a whole. */
function outputsOf(runId: string, host: SubRunHost): Readonly<Record<string, Json>> {
  const facts = host.facts(runId);
  if (facts === undefined || (facts.secrets?.missing.length ?? 0) > 0)
    throw new NonRetryable(`outputs of run ${runId} are sealed with a key that is not here`, {
      code: "SECRET_MISSING",
    });
  const outputs: Record<string, Json> = {};
  for (const [node, id] of facts.program.ids.entries()) {
    const output = facts.values.output(node);
    if (output !== undefined) outputs[id] = output;
  }
  return outputs;
}

/** Failed nodes that a failure lists. */
const LISTED = 100;

function failureOf(snapshot: RunSnapshot): Error {
  const { id, status, planName } = snapshot;
  const failed = snapshot.nodes.flatMap(({ id: node, error, tolerated }) =>
    error === null || tolerated ? [] : [{ node, code: error.code, message: error.message }],
  );
  const code = status === "ROLLED_BACK" ? "SUB_RUN_ROLLED_BACK" : "SUB_RUN_FAILED";
  const why = failed.map(({ node, message }) => `: ${node}: ${message}`)[0] ?? "";
  const message = `run ${id} of plan "${planName}" is ${status}${why}`;
  const details = { runId: id, status, failed: failed.slice(0, LISTED) };
  // Only an operator can mend these: another attempt would change nothing.
  const stuck = status === "ROLLBACK_FAILED" || status === "ABANDONED" || snapshot.fault !== null;
  return stuck ? new NonRetryable(message, { code, details }) : Object.assign(new Error(message), { code, details });
}

/** Where the run rests once nothing of it goes forward any more. One that rolls back already is waited for. */
async function stopped(run: Run, ctx: ActionContext): Promise<RunStatus> {
  const { status } = run.snapshot();
  if (status !== "RUNNING" && status !== "PAUSED") return (await rest(run, ctx)).status;
  try {
    await run.cancel(rollbackBy(ctx));
  } catch (error) {
    // It is being canceled already, or has come to its end just now.
    if (!(error instanceof BelayError && error.code === "STATE_INVALID")) throw stuckRollback(run, error);
  }
  return (await rest(run, ctx)).status;
}

/** Undoes everything that a run at rest has done; fails for good where that is not possible. Asked once by each attempt. */
async function rollBack(run: Run, ctx: ActionContext): Promise<void> {
  if (run.snapshot().status === "ROLLED_BACK") return;
  try {
    await run.rollback({ ...rollbackBy(ctx), requestId: ctx.idempotencyKey });
  } catch (error) {
    throw stuckRollback(run, error);
  }
  const { status } = await rest(run, ctx);
  if (status !== "ROLLED_BACK") throw stuckRollback(run, `it is ${status}`);
}

function rollbackBy({ runId, nodeId }: ActionContext): { readonly who: string; readonly why: string } {
  return { who: `run ${runId}`, why: `rollback of ${nodeId}` };
}

function stuckRollback(run: Run, why: unknown): NonRetryable {
  const message = `run ${run.id} could not be rolled back: ${why instanceof Error ? why.message : String(why)}`;
  return new NonRetryable(message, { code: "SUB_RUN_ROLLBACK_FAILED", details: { runId: run.id } });
}
