/**
 * A stage for engine tests: an engine on a manual clock, a rig of scripted actions, and short ways to write plans.
 * Owns: the one place where engine tests make an engine. Nothing here sleeps.
 */

import type { ActionRegistry, NodeDocument, PlanDocument, StartOptions } from "@belay/engine";
import {
  BelayError,
  createEngine,
  definePlan,
  type Engine,
  type EngineOptions,
  type Run,
  type RunSnapshot,
} from "@belay/engine";
import {
  type ActionRig,
  actionRig,
  assertTrace,
  ManualClock,
  type RigOptions,
  type Scripts,
  settleTurns,
} from "@belay/engine/testing";
import { expect } from "vitest";

export interface Stage {
  readonly engine: Engine;
  readonly clock: ManualClock;
  readonly rig: ActionRig;
  /** Starts a run that the rig watches from its first event on. */
  start(document: PlanDocument, options?: StartOptions): Promise<Run>;
  /** Lets everything settle and answers the snapshot of a run that must be at rest by then. */
  rest(run: Run): Promise<RunSnapshot>;
  /** Like `rest`, and judges the whole trace of the only run of this stage by the contract. */
  finish(run: Run): Promise<RunSnapshot>;
}

export interface StageOptions extends RigOptions {
  /** Registered beside the rig's actions. */
  readonly extra?: ActionRegistry;
  readonly engine?: Omit<EngineOptions, "actions" | "clock">;
  readonly serial?: boolean;
  /** Default: a new one. */
  readonly clock?: ManualClock;
}

export async function stage(scripts: Scripts = {}, options: StageOptions = {}): Promise<Stage> {
  const clock = options.clock ?? new ManualClock();
  const rig = actionRig(scripts, options);
  const engine = await createEngine({ ...options.engine, clock, actions: { ...rig.actions, ...options.extra } });
  const documents = new Map<string, PlanDocument>();
  const rest = async (run: Run): Promise<RunSnapshot> => {
    let snapshot: RunSnapshot | undefined;
    void run.settled().then((settled) => {
      snapshot = settled;
    });
    await settleTurns();
    if (snapshot === undefined) throw new Error(`the run is not at rest: ${JSON.stringify(statuses(run.snapshot()))}`);
    return snapshot;
  };
  return {
    engine,
    clock,
    rig,
    async start(document, startOptions) {
      const run = await engine.start(definePlan(document), { seed: 1, ...startOptions });
      rig.watch(run);
      documents.set(run.id, document);
      return run;
    },
    rest,
    async finish(run) {
      const snapshot = await rest(run);
      const document = documents.get(run.id) as PlanDocument;
      assertTrace({ document, trace: rig.trace, snapshot, serial: options.serial === true });
      return snapshot;
    },
  };
}

/** A plan of `nodes`, with `rest` of the document's fields. */
export function plan(nodes: readonly NodeDocument[], rest: Partial<PlanDocument> = {}): PlanDocument {
  return { belay: 1, name: "test", ...rest, nodes };
}

/** A node with action "do". */
export function node(id: string, upstreams: readonly string[] = [], rest: Partial<NodeDocument> = {}): NodeDocument {
  return { id, action: "do", upstreams, ...rest };
}

/** A node with action "do" and compensation "undo". */
export function undoable(
  id: string,
  upstreams: readonly string[] = [],
  rest: Partial<NodeDocument> = {},
): NodeDocument {
  return node(id, upstreams, { compensation: { action: "undo" }, ...rest });
}

/** a above b and c, both above d; all can be undone. */
export const diamond: readonly NodeDocument[] = [
  undoable("a"),
  undoable("b", ["a"]),
  undoable("c", ["a"]),
  undoable("d", ["b", "c"]),
];

/** `{a: "SUCCESSFUL", ...}`, in the order of the snapshot. */
export function statuses(snapshot: RunSnapshot): Record<string, string> {
  return Object.fromEntries(snapshot.nodes.map((entry) => [entry.id, entry.status]));
}

export function nodeOf(snapshot: RunSnapshot, id: string): RunSnapshot["nodes"][number] {
  const found = snapshot.nodes.find((entry) => entry.id === id);
  if (found === undefined) throw new Error(`no node ${id} in ${JSON.stringify(statuses(snapshot))}`);
  return found;
}

/** Expects the call to be refused with that code, and answers the error for its details. */
export async function refused(call: Promise<unknown>, code: BelayError["code"]): Promise<BelayError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(BelayError);
  expect((error as BelayError).code).toBe(code);
  return error as BelayError;
}

/** Events of one type that the rig was told of, in order. */
export function told(s: Stage, type: string): Record<string, unknown>[] {
  return s.rig.trace.flatMap((entry) =>
    entry.kind === "event" && entry.event.type === type ? [{ ...entry.event }] : [],
  );
}
