/**
 * An engine that dies right after a step took effect, before its answer is known: each step of a run once. Owns: where the
 * engine dies, and the next one on what was durable then (R42). What the actions do to the world stays.
 */
import {
  type ActionRegistry,
  createEngine,
  type EngineOptions,
  type Json,
  MemoryJournal,
  type Plan,
  type RunSnapshot,
} from "@belay/engine";

/** A run whose engines died. */
export interface CutOff {
  /** After which steps, in order: `node`, or `undo/node`. */
  readonly cuts: readonly string[];
  readonly snapshot: RunSnapshot;
}

export interface CutOffRun {
  readonly plan: Plan;
  readonly params: Readonly<Record<string, Json>>;
  /** The actions of one life of the engine. */
  readonly actions: () => ActionRegistry;
  readonly engine?: Partial<EngineOptions>;
}

interface Trap {
  readonly actions: ActionRegistry;
  /** Resolves with the first step whose effect stands and whose answer will never come. */
  readonly sprung: Promise<string>;
  /** All such steps of this life: two may take effect before the engine is gone. */
  readonly steps: readonly string[];
}

/** More lives than that have no end. */
const MOST_LIVES = 80;

/** Runs the plan to its rest, with an engine that dies after every step. */
export async function cutOffEverywhere({ plan, params, actions, engine: more = {} }: CutOffRun): Promise<CutOff> {
  const known = new Set<string>();
  const cuts: string[] = [];
  let journal = new MemoryJournal();
  for (let lives = 0; lives < MOST_LIVES; lives++) {
    const trap = setTrap(actions(), known);
    const engine = await createEngine({ ...more, actions: trap.actions, journal });
    const run = engine.runs()[0] ?? (await engine.start(plan, { params }));
    const end = await Promise.race([run.settled(), trap.sprung]);
    // What a crash leaves is what was durable now: the rest of this life is not in it.
    const left = journal.afterCrash();
    await engine.close();
    if (typeof end !== "string") return { cuts, snapshot: end };
    cuts.push(...trap.steps);
    journal = left;
  }
  throw new Error(`the run does not end: ${cuts.join(", ")}`);
}

/** Each step that is not in `known` takes effect and answers nothing, until its engine is closed. */
function setTrap(actions: ActionRegistry, known: Set<string>): Trap {
  let spring = (_: string): void => undefined;
  const steps: string[] = [];
  const sprung = new Promise<string>((resolve) => {
    spring = resolve;
  });
  const entries = Object.entries(actions).map(([name, action]) => {
    if (typeof action === "function") throw new Error(`${name} says nothing about crashes`);
    const run: typeof action.run = async (ctx) => {
      const output = await action.run(ctx);
      const step = ctx.idempotencyKey.slice(ctx.runId.length + 1).replace(/^(.*?)\/(undo\/)?\d+$/, "$2$1");
      if (known.has(step)) return output;
      known.add(step);
      steps.push(step);
      spring(step);
      await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve, { once: true }));
      throw ctx.signal.reason;
    };
    return [name, { ...action, run }] as const;
  });
  return { actions: Object.fromEntries(entries), sprung, steps };
}

/** Everything that can be read from a run, for messages. */
export function explain({ cuts, snapshot }: CutOff): string {
  return JSON.stringify({ cuts, nodes: snapshot.nodes.map(({ id, status, error }) => ({ id, status, error })) });
}

/** The steps after which an engine died, in alphabetical order, members by their group. */
export function stepsOf({ cuts }: CutOff): string[] {
  return [...new Set(cuts.map((step) => step.replace(/\[\d+\]$/, "")))].sort();
}

/** Ids of all nodes of a plan, in alphabetical order. */
export function idsOf({ document }: Plan): string[] {
  return document.nodes.map(({ id }) => id).sort();
}
