/**
 * What a contender of the scheduler's benchmark is, and how one round of it is timed. Owns: the port, the clock, the repetitions.
 * Does not own: who they are (`entrants.ts`), the process of each (`contender-process.ts`).
 *
 * Whatever a contender needs before its first node may begin counts as building: only from there to its last node is the run.
 */
import { checkingHandlers, countingHandlers, type Handlers } from "./handlers.ts";
import { type Lap, Stopwatch } from "./stopwatch.ts";
import type { Case } from "./workload.ts";

/** Figures of one round, by name; times in milliseconds. */
export type Sample = Readonly<Record<string, number>>;

/** What the process of a contender does when it is told to. */
export interface Subject {
  /** An untimed round whose order is checked; what it answers is told beside the figures. Fails when a check does. */
  check(): Promise<Sample>;
  /** Makes anew what a run needs, and times it: `buildMs` of what outlives a run, `startMs` of what is one run's. */
  build?(): Promise<Sample>;
  /** Untimed rounds until the code is warm. */
  warm(): Promise<void>;
  /** One measured round. */
  sample(): Promise<Sample>;
}

/** One scheduler with one graph. */
export interface Contender {
  /** Makes what users would have: ids, and edges in the form that the contender takes. Not timed; called before `build`. */
  prepare?(): void;
  /** Makes what many runs have in common. Called before the first run, and again when it is measured. */
  build(): void | Promise<void>;
  /** Makes what one run alone needs; counts as building. What begins by itself may only begin in a later turn. */
  start(handlers: Handlers): void | Promise<void>;
  /** Resolves once every node has ended. Called in the turn in which `start` has ended. */
  run(handlers: Handlers): Promise<unknown>;
  /** Drops what the run left; not timed. */
  end?(): void | Promise<void>;
  /** What an untimed round found out beside its order. */
  facts?(): Sample | Promise<Sample>;
}

/** Opens a contender for a graph, in the contender's own process. */
export type OpenContender = (given: Case) => Contender | Promise<Contender>;

/** A short run is repeated within its round, for so long or so often. */
const ROUND_MS = 100;
const ROUND_RUNS = 100;
/** Warm after so many nodes, or so long, and one run. */
const WARM_NODES = 300_000;
const WARM_MS = 2000;

/** A contender that is timed; of a round in which a short run is repeated, the means. */
export function timed(contender: Contender, given: Case): Subject {
  const counting = countingHandlers(given);
  return {
    async check() {
      contender.prepare?.();
      await contender.build();
      const timers = await timersOf(() => once(contender, checkingHandlers(given)));
      return { timers, ...(await contender.facts?.()) };
    },
    async build() {
      contender.prepare?.();
      collectYoung();
      const watch = new Stopwatch();
      await contender.build();
      const build = watch.lap("build");
      const { start } = await once(contender, counting);
      return { ...build, ...start };
    },
    async warm() {
      const until = performance.now() + WARM_MS;
      let nodes = 0;
      do {
        await once(contender, counting);
        nodes += given.size;
      } while (nodes < WARM_NODES && performance.now() < until);
    },
    async sample() {
      collectYoung();
      const sum = { runMs: 0, runCpuMs: 0 };
      let runs = 0;
      do {
        const { run } = await once(contender, counting);
        sum.runMs += run.runMs;
        sum.runCpuMs += run.runCpuMs;
        runs++;
      } while (sum.runMs < ROUND_MS && runs < ROUND_RUNS);
      return { runMs: sum.runMs / runs, runCpuMs: sum.runCpuMs / runs, runs };
    },
  };
}

async function once(contender: Contender, handlers: Handlers): Promise<{ start: Lap<"start">; run: Lap<"run"> }> {
  handlers.reset();
  const watch = new Stopwatch();
  const starting = contender.start(handlers);
  // Without a turn in between: some begin in the next one.
  if (starting !== undefined) await starting;
  const start = watch.lap("start");
  await contender.run(handlers);
  const run = watch.lap("run");
  handlers.complete();
  await contender.end?.();
  return { start, run };
}

/**
 * What others left young is gone before the clock. Not all garbage: a full collection between runs, when no object of theirs is
 * alive, throws away what the compiler has learned of those objects, and the next run is that of cold code.
 */
export function collectYoung(): void {
  collector()({ type: "minor" });
}

/** For what is held: everything that nobody refers to is gone. */
export function collectAll(): void {
  collector()();
}

/** Every contender's process has `--expose-gc`. */
function collector(): NodeJS.GCFunction {
  if (globalThis.gc === undefined) throw new Error("started without --expose-gc");
  return globalThis.gc;
}

/** How many timers of Node `work` makes. */
async function timersOf(work: () => Promise<unknown>): Promise<number> {
  const { setTimeout, setInterval } = globalThis;
  let made = 0;
  const counted = <F extends typeof setTimeout | typeof setInterval>(real: F): F =>
    new Proxy(real, {
      apply(target, self, given) {
        made++;
        return Reflect.apply(target, self, given);
      },
    });
  globalThis.setTimeout = counted(setTimeout);
  globalThis.setInterval = counted(setInterval);
  try {
    await work();
  } finally {
    Object.assign(globalThis, { setTimeout, setInterval });
  }
  return made;
}
