/**
 * The goals of the scheduler, and how each is read from a run's figures. Owns: the goals. A goal whose workloads were not run is
 * not measured; one over several workloads is judged by the worst of them.
 */
import { BUILD_AND_RUN, type Figures, highest, lowest, RUN, type Spread } from "./figures.ts";

/** A goal of `npm run bench`. */
export interface Goal {
  readonly what: string;
  readonly bound: "at most" | "at least";
  readonly limit: number;
  readonly unit: "x" | "%" | "bytes" | "timers" | "nodes";
  readonly measure: (figures: Figures) => Spread | undefined;
}

/** A goal with what was measured. */
export interface Verdict {
  readonly what: string;
  readonly goal: string;
  readonly measured: string;
  readonly spread: Spread | null;
  readonly verdict: "reached" | "not reached" | "not measured";
}

const TO_FLOOR = ["belay", "floor"] as const;
const L5 = "layered-1e5-async-16";
const L6 = "layered-1e6-async-16";

export const GOALS: readonly Goal[] = [
  ratioGoal("async, layered, 1e6 nodes, 16 at once, over the floor", 1.5, (figures) => figures.ratio(L6, TO_FLOOR)),
  ratioGoal("the same at 1e3, 1e5 and the Debian graph, the worst", 2, (figures) =>
    highest(["layered-1e3-async-16", L5, "debian-async-16"].map((name) => figures.ratio(name, TO_FLOOR))),
  ),
  ratioGoal("cost of a node at 1e6 over that at 1e4", 1.5, (figures) => growth(figures, "layered-1e4-async-16", L6)),
  ratioGoal("sync, layered, 1e6 nodes, over the sync floor", 2, (figures) =>
    figures.ratio("layered-1e6-sync-16", TO_FLOOR),
  ),
  {
    what: "sync, a chain without growth of the stack",
    bound: "at least",
    limit: 1_000_000,
    unit: "nodes",
    measure: (figures) => exactly(figures.bout("chain-1e6-sync-16", "belay")?.nodes),
  },
  ...(["run", "build and run"] as const).map(
    (part): Goal => ({
      what: `p-graph over Belay, layered, 1e5 nodes, ${part}`,
      bound: "at least",
      limit: part === "run" ? 30 : 60,
      unit: "x",
      measure: (figures) => overBelay(figures, "p-graph", part),
    }),
  ),
  {
    what: "graphology + p-queue over Belay, layered, 1e5 nodes, run",
    bound: "at least",
    limit: 40,
    unit: "x",
    measure: (figures) => overBelay(figures, "graphology+p-queue", "run"),
  },
  ratioGoal(
    "from a document of 1e6 nodes to a run: copy, checks, hash, compiling, over bare interning",
    1.7,
    (figures) => compiling(figures, L6, ({ defineMs = Number.NaN, compileMs = 0 }) => defineMs + compileMs),
  ),
  {
    what: "state held a node, layered, 1e6 nodes",
    bound: "at most",
    limit: 64,
    unit: "bytes",
    measure: (figures) => figures.of(L6, "belay:memory", ({ stateBytes = Number.NaN }) => stateBytes),
  },
  {
    what: "held a node of a run that is forgotten, and its plan dropped",
    bound: "at most",
    limit: 1,
    unit: "bytes",
    measure: (figures) => figures.of(L6, "belay:memory", ({ retainedBytes = Number.NaN }) => retainedBytes),
  },
  overPlain("a timeout on every node", "belay:timeout", 35),
  {
    what: "timers of Node for all those timeouts",
    bound: "at most",
    limit: 1,
    unit: "timers",
    measure: (figures) => exactly(figures.fact(L5, "belay:timeout", "timers")),
  },
  overPlain("events, listened to elsewhere only", "belay:listener-elsewhere", 3),
  overPlain("events with one listener", "belay:listener", 30),
  ratioGoal("records kept in memory over none kept", 1.5, (figures) =>
    figures.ratio(L5, ["belay:memory-journal", "belay"]),
  ),
  ratioGoal("rollback of 1e6 started nodes over their run", 2, (figures) => rollback(figures, L6, "belay:rollback")),
];

function ratioGoal(what: string, limit: number, measure: Goal["measure"]): Goal {
  return { what, bound: "at most", limit, unit: "x", measure };
}

/** What a feature adds, as a share of the asynchronous floor. */
function overPlain(what: string, name: string, limit: number): Goal {
  return {
    what: `${what}, of the floor`,
    bound: "at most",
    limit,
    unit: "%",
    measure: (figures) => added(figures, L5, name),
  };
}

/** Percent of the floor that a feature adds to the plain run, round by round. */
export function added(figures: Figures, workload: string, name: string): Spread | undefined {
  return figures.each(
    workload,
    [name, "belay", "floor"],
    ([a = {}, b = {}, floor = {}]) => ((RUN(a) - RUN(b)) / RUN(floor)) * 100,
  );
}

/** Time of the rollback over that of the run it undoes. */
export function rollback(figures: Figures, workload: string, name: string): Spread | undefined {
  return figures.of(workload, name, ({ rollbackMs = Number.NaN, forwardMs = Number.NaN }) => rollbackMs / forwardMs);
}

/** Some part of Belay's way from a document to a run over the interning floor. */
export function compiling(
  figures: Figures,
  workload: string,
  part: (sample: Readonly<Record<string, number>>) => number,
): Spread | undefined {
  return figures.each(
    workload,
    ["belay:compile", "floor:interning"],
    ([own = {}, floor = {}]) => part(own) / (floor["internMs"] ?? Number.NaN),
  );
}

/** By a peer's time over Belay's, in the limit that favours Belay less. */
function overBelay(figures: Figures, name: string, part: "run" | "build and run"): Spread | undefined {
  const figure = part === "run" ? RUN : BUILD_AND_RUN;
  return lowest(
    [L5, "layered-1e5-async-unlimited"].map((workload) => figures.ratio(workload, [name, "belay"], figure)),
  );
}

/** Not of one bout: by the medians of both. */
function growth(figures: Figures, small: string, large: string): Spread | undefined {
  const perNode = (workload: string): number =>
    (figures.of(workload, "belay", RUN)?.median ?? Number.NaN) / (figures.bout(workload, "belay")?.nodes ?? Number.NaN);
  return exactly(perNode(large) / perNode(small));
}

function exactly(value: number | undefined): Spread | undefined {
  return value === undefined || Number.isNaN(value) ? undefined : { median: value, min: value, max: value };
}

/** Every goal with what this run says of it. */
export function verdictsOf(figures: Figures): readonly Verdict[] {
  return GOALS.map((goal) => {
    const { what, bound, limit, measure } = goal;
    const spread = measure(figures);
    const shown = `${bound} ${told(goal, limit)}`;
    if (spread === undefined) return { what, goal: shown, measured: "", spread: null, verdict: "not measured" };
    const isReached = bound === "at most" ? spread.median <= limit : spread.median >= limit;
    const range = spread.min === spread.max ? "" : ` (${told(goal, spread.min)} to ${told(goal, spread.max)})`;
    const measured = `${told(goal, spread.median)}${range}`;
    return { what, goal: shown, measured, spread, verdict: isReached ? "reached" : "not reached" };
  });
}

function told({ unit }: Goal, value: number): string {
  if (unit === "x") return `${value.toPrecision(3)}x`;
  if (unit === "%") return `${value > 0 ? "+" : ""}${value.toFixed(0)} %`;
  if (unit === "bytes") return `${value.toFixed(1)} B`;
  return `${value} ${unit}`;
}
