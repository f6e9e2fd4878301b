/**
 * How long Belay takes to undo a run of which every node has started, beside what the run itself took, in the same process. Every
 * node has a compensation; one more node after all others fails. Owns: both ways to a rollback, an operator's verb and the
 * plan's own `onFailure`. The verb answers with a snapshot of all nodes, whose making is within its time.
 */
import { definePlan, type Engine, NonRetryable, type Plan, type Run, type RunEventName } from "@belay/engine";
import { planDocument, type Upstreams } from "../shapes.ts";
import { journalOf, LIMITS, newEngine } from "./belay.ts";
import { collectYoung, type Sample, type Subject } from "./contender.ts";
import { Stopwatch } from "./stopwatch.ts";
import type { Case } from "./workload.ts";

/** Who asks for the rollback. */
export type Asker = "verb" | "plan";

/** `forwardMs` until the run has failed, `rollbackMs` from there until `run:rolled-back`. */
export function openRollback(asker: Asker): (given: Case) => Promise<Subject> {
  return async (given) => {
    const rollback = new Rollback(given, asker);
    await rollback.open();
    return rollback;
  };
}

class Rollback implements Subject {
  readonly #given: Case;
  readonly #asker: Asker;
  readonly #upstreams: Upstreams;
  readonly #undone: Uint8Array;
  #isChecking = false;
  #done = 0;
  #undoneCount = 0;
  #engine: Engine | undefined;
  #plan: Plan | undefined;

  constructor(given: Case, asker: Asker) {
    this.#given = given;
    this.#asker = asker;
    this.#upstreams = given.upstreams;
    this.#undone = new Uint8Array(given.size);
  }

  async open(): Promise<void> {
    const noop = async (): Promise<void> => {
      this.#done++;
    };
    const undo = async (context: { readonly nodeId: string }): Promise<void> => {
      this.#undoneCount++;
      if (this.#isChecking) this.#checkUndo(context.nodeId);
    };
    const fail = async (): Promise<void> => {
      throw new NonRetryable("the last one fails");
    };
    this.#engine = await newEngine({ noop, undo, fail }, this.#given, journalOf());
    const { nodes, ...rest } = planDocument("rollback", this.#upstreams, { compensation: { action: "undo" } });
    const isUpstream = new Uint8Array(this.#given.size);
    for (const ups of this.#upstreams) for (const u of ups) isUpstream[u] = 1;
    const leaves = nodes.filter((_, v) => isUpstream[v] === 0).map(({ id }) => id);
    const last = { id: "last", action: "fail", upstreams: leaves };
    const document = {
      ...rest,
      onFailure: this.#asker === "plan" ? "rollback" : "pause",
      nodes: [...nodes, last],
    } as const;
    this.#plan = definePlan(document, { limits: LIMITS });
  }

  async check(): Promise<Sample> {
    this.#isChecking = true;
    this.#undone.fill(0);
    await this.sample();
    this.#isChecking = false;
    if (this.#undone.includes(0)) throw new Error("a node was not undone");
    return {};
  }

  async warm(): Promise<void> {
    if (this.#given.size < 300_000) await this.sample();
  }

  async sample(): Promise<Sample> {
    collectYoung();
    this.#done = 0;
    this.#undoneCount = 0;
    const engine = this.#engine as Engine;
    const run = await engine.start(this.#plan as Plan);
    const failed = reached(run, this.#asker === "verb" ? "run:failed" : "run:rolling-back");
    const rolledBack = reached(run, "run:rolled-back");
    const watch = new Stopwatch();
    await failed;
    const forward = watch.lap("forward");
    // Resolves with a snapshot that nobody waits for here.
    const asked = this.#asker === "verb" ? run.rollback({ who: "bench" }) : undefined;
    await rolledBack;
    const back = watch.lap("rollback");
    await asked;
    engine.forget(run.id);
    const { size } = this.#given;
    if (this.#done !== size || this.#undoneCount !== size) {
      throw new Error(`${this.#done} nodes were done and ${this.#undoneCount} undone of ${size}`);
    }
    return { ...forward, ...back };
  }

  /** Undone once, and nothing above it yet. */
  #checkUndo(id: string): void {
    const node = Number(id.slice(1));
    if (this.#undone[node] === 1) throw new Error(`${id} was undone twice`);
    for (const up of this.#upstreams[node]!)
      if (this.#undone[up] === 1) throw new Error(`n${up} was undone before ${id}`);
    this.#undone[node] = 1;
  }
}

/** Resolves in the turn of the event. */
function reached(run: Run, name: RunEventName): Promise<void> {
  return new Promise((resolve, reject) => {
    run.once(name, () => resolve());
    run.once("run:rollback-failed", () => reject(new Error("the rollback failed")));
    run.once("run:fault", ({ message }) => reject(new Error(message)));
  });
}
