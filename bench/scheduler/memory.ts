/**
 * What Belay holds and allocates, in bytes a node, by the counters of the heap. Owns: what is held by a run that has ended, what
 * is still held once it is forgotten, and once its plan is dropped too; what a warm run allocates, garbage included.
 *
 * Held = growth of `heapUsed` and `external` over collections. Typed arrays are external. Ids, handlers and the plan are the
 * user's: they stand before a run's first reading.
 */
import { PerformanceObserver } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { definePlan, type Engine, type Plan } from "@belay/engine";
import { journalOf, LIMITS, newEngine, succeeded } from "./belay.ts";
import { collectAll, type Sample, type Subject } from "./contender.ts";
import { countingHandlers, type Handlers } from "./handlers.ts";
import { type Case, caseOf, documentOf, workloadOf } from "./workload.ts";

/**
 * `startedBytes` held before the first node, `stateBytes` once the run has ended, `forgottenBytes` once it is forgotten,
 * `retainedBytes` once the plan is dropped too, against before there was a plan.
 */
export async function openMemory(given: Case): Promise<Subject> {
  const handlers = countingHandlers(given);
  const engine = await newEngine({ noop: handlers.byContext }, given, journalOf());
  return {
    check: async () => ({}),
    // What the first run of a process leaves is code, not state.
    warm: async () => {
      const small = caseOf(workloadOf("layered-1e4-async-16"));
      for (let run = 0; run < 3; run++) await memoryOf(engine, countingHandlers(small), small);
    },
    sample: () => memoryOf(engine, handlers, given),
  };
}

async function memoryOf(engine: Engine, handlers: Handlers, given: Case): Promise<Sample> {
  const before = await held();
  let plan: Plan | undefined = definePlan(documentOf(given), { limits: LIMITS });
  const planned = await held();
  const { started, ended } = await heldByRun(engine, plan);
  const forgotten = await held();
  // What knows the plan weakly lets it go.
  plan = undefined;
  const retained = await held();
  const { size } = given;
  handlers.reset();
  return {
    planBytes: (planned - before) / size,
    startedBytes: (started - planned) / size,
    stateBytes: (ended - planned) / size,
    forgottenBytes: (forgotten - planned) / size,
    retainedBytes: (retained - before) / size,
  };
}

/** In a function of its own: nothing here refers to the run afterwards. */
async function heldByRun(engine: Engine, plan: Plan): Promise<{ started: number; ended: number }> {
  const run = await engine.start(plan);
  const end = succeeded(run);
  // No turn goes by: the first node begins in the next one.
  collectAll();
  const started = now();
  await end;
  const ended = await held();
  const { id } = run;
  engine.forget(id);
  return { started, ended };
}

async function held(): Promise<number> {
  // Weak references and finalizers need a turn, and what they let go another collection.
  for (let round = 0; round < 4; round++) {
    await turn();
    collectAll();
  }
  return now();
}

function now(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** `allocatedBytes` a node of a warm run. Fails when there was a collection, which the flags of its entrant prevent. */
export async function openAllocation(given: Case): Promise<Subject> {
  const handlers = countingHandlers(given);
  const engine = await newEngine({ noop: handlers.byContext }, given, journalOf());
  const plan = definePlan(documentOf(given), { limits: LIMITS });
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  const sample = async (isMeasured: boolean): Promise<Sample> => {
    handlers.reset();
    collectAll();
    await turn();
    const run = await engine.start(plan);
    const end = succeeded(run);
    if (isMeasured) observer.observe({ entryTypes: ["gc"] });
    collections = 0;
    const before = now();
    await end;
    const after = now();
    // The observer is told a turn later.
    await turn();
    observer.disconnect();
    engine.forget(run.id);
    handlers.complete();
    if (isMeasured && collections > 0)
      throw new Error(`${collections} collections within a run: its young space is too small`);
    return { allocatedBytes: (after - before) / given.size };
  };
  return {
    check: async () => ({}),
    warm: async () => {
      for (let run = 0; run < 3; run++) await sample(false);
    },
    sample: () => sample(true),
  };
}
