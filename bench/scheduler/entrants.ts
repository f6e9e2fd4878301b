/** Who takes part in `npm run bench`; the code of each is loaded in its own process only. */
import type { Feature } from "./belay.ts";
import { type OpenContender, type Subject, timed } from "./contender.ts";
import type { Case } from "./workload.ts";

/** A contender, or a measurement of Belay, by name. */
export interface Entrant {
  readonly name: string;
  readonly title: string;
  /** `floor`: what others are a multiple of. `belay`: its process gets the flags of `--node-flags`. */
  readonly kind: "floor" | "belay" | "peer";
  /** Flags of Node for its process, beside those of all. */
  readonly flags?: readonly string[];
  /** Loads its code and opens it. */
  open(given: Case): Promise<Subject>;
}

/** Belay with a feature. */
function feature(name: string, title: string, given: Feature): Entrant {
  return {
    name: name === "" ? "belay" : `belay:${name}`,
    title,
    kind: "belay",
    open: async (of) => timed((await import("./belay.ts")).openBelay(given)(of), of),
  };
}

function peer(name: string, title: string, load: () => Promise<OpenContender>): Entrant {
  return { name, title, kind: "peer", open: async (of) => timed(await (await load())(of), of) };
}

const LISTENERS = ["node:ready", "node:started", "node:succeeded"] as const;

export const ENTRANTS: readonly Entrant[] = [
  {
    name: "floor",
    title: "floor: CSR loop by hand",
    kind: "floor",
    open: async (of) => timed((await import("./floor.ts")).openFloor(of), of),
  },
  feature("", "Belay", {}),
  feature("timeout", "Belay, a timeout on every node", { extras: { timeout: 3600 } }),
  feature("retry", "Belay, a retry policy on every node", { extras: { retry: { maxAttempts: 3 } } }),
  feature("listener-elsewhere", "Belay, a listener of an event that never comes", { listensTo: ["node:skipped"] }),
  feature("listener", "Belay, a listener of node:succeeded", { listensTo: ["node:succeeded"] }),
  feature("listeners", "Belay, listeners of ready, started, succeeded", { listensTo: LISTENERS }),
  feature("memory-journal", "Belay, records kept in memory", { journal: "memory" }),
  {
    name: "belay:rollback",
    title: "Belay, rolled back by an operator",
    kind: "belay",
    open: async (of) => await (await import("./rollback.ts")).openRollback("verb")(of),
  },
  {
    name: "belay:rollback-by-plan",
    title: "Belay, rolled back by onFailure",
    kind: "belay",
    open: async (of) => await (await import("./rollback.ts")).openRollback("plan")(of),
  },
  {
    name: "belay:memory",
    title: "Belay, memory held",
    kind: "belay",
    open: async (of) => await (await import("./memory.ts")).openMemory(of),
  },
  {
    name: "belay:allocation",
    title: "Belay, memory allocated by a warm run",
    kind: "belay",
    flags: ["--min-semi-space-size=1024", "--max-semi-space-size=1024"],
    open: async (of) => await (await import("./memory.ts")).openAllocation(of),
  },
  {
    name: "floor:interning",
    title: "floor: ids to numbers, edges both ways",
    kind: "floor",
    open: async (of) => (await import("./compile.ts")).openInterning(of),
  },
  {
    name: "belay:compile",
    title: "Belay, from a document to a run",
    kind: "belay",
    open: async (of) => await (await import("./compile.ts")).openCompile(of),
  },
  peer("p-graph", "p-graph", async () => (await import("./peers/p-graph.ts")).openPGraph),
  peer(
    "graphology+p-queue",
    "graphology + p-queue",
    async () => (await import("./peers/graphology-queue.ts")).openGraphologyQueue,
  ),
  peer(
    "promise-memo",
    "a promise for each node",
    async () => (await import("./peers/promise-memo.ts")).openPromiseMemo,
  ),
  peer("effect", "effect", async () => (await import("./peers/effect.ts")).openEffect),
  peer("rxjs", "rxjs", async () => (await import("./peers/rxjs.ts")).openRxjs),
  peer("async.auto", "async.auto", async () => (await import("./peers/async-auto.ts")).openAsyncAuto),
];

/** Fails when nobody is called so. */
export function entrantOf(name: string): Entrant {
  const found = ENTRANTS.find((one) => one.name === name);
  if (found === undefined)
    throw new Error(`no contender is called ${name}: ${ENTRANTS.map((one) => one.name).join(", ")}`);
  return found;
}
