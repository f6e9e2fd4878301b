/**
 * `npm run bench:durable`: Belay beside DBOS, BullMQ and graphile-worker at the same work, every commit synced to disk. Each
 * has a process of its own; rounds are interleaved; the figures are medians, and ratios within the run. Each result is
 * read back from its store, or the benchmark fails. What is not installed is skipped, and said.
 *
 *   --quick            fewer and smaller rounds: whether it works, not how fast
 *   --only=a,b         these contenders
 *   --rounds=n         measured rounds of each kind of work, after one that warms up
 *   --json=file        writes all figures
 *   --node-flags=a,b   flags of Node for Belay's own processes: --node-flags=--cpu-prof
 */
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Missing } from "./contender.ts";
import { ContenderProcess } from "./contender-process.ts";
import { ENTRANTS, type Entrant } from "./entrants.ts";
import { type PostgresServer, startPostgres } from "./postgres-server.ts";
import { type Figures, figuresOf, type Ratio, ratiosOf, tableOf } from "./report.ts";
import type { Times, Work } from "./workload.ts";

const { values: given } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    rounds: { type: "string" },
    json: { type: "string" },
    "node-flags": { type: "string" },
  },
});

/** By `statfs`: nothing there is ever on a disk. */
const IN_MEMORY = new Set([0x01021994, 0x858458f6]);
const ROUNDS = Number(given.rounds ?? (given.quick ? 1 : 5));

/** Both kinds of work; `id` is set for each round. */
const KINDS = [
  {
    name: "burst",
    title: "100 chains of 50 steps, all at once",
    work: { chains: given.quick ? 20 : 100, steps: given.quick ? 10 : 50, atOnce: 100 },
  },
  {
    name: "alone",
    title: "chains of 50 steps, one at a time",
    work: { chains: given.quick ? 2 : 5, steps: given.quick ? 10 : 50, atOnce: 1 },
  },
] as const;

/** What `--json` has of one kind of work. */
interface Result {
  readonly kind: string;
  readonly work: Work;
  readonly figures: readonly Figures[];
  readonly ratios: readonly Ratio[];
  /** By contender, each round. */
  readonly times: readonly (readonly Times[])[];
}

interface Skipped {
  readonly name: string;
  readonly why: string;
}

function chosen(): readonly Entrant[] {
  const names = given.only?.split(",");
  const unknown = names?.find((name) => !ENTRANTS.some((one) => one.name === name));
  if (unknown !== undefined)
    throw new Error(`no contender is called ${unknown}: ${ENTRANTS.map(({ name }) => name).join(", ")}`);
  return ENTRANTS.filter(({ name }) => names === undefined || names.includes(name));
}

/** Adds the contenders that are installed to `open`; answers the others, with the reason. */
async function openAll(
  folder: string,
  server: PostgresServer | undefined,
  open: ContenderProcess[],
): Promise<Skipped[]> {
  const skipped: Skipped[] = [];
  const flags = given["node-flags"]?.split(",") ?? [];
  for (const entrant of chosen()) {
    const { name, store } = entrant;
    const own = join(folder, name);
    mkdirSync(own);
    const contender = new ContenderProcess(entrant, flags);
    open.push(contender);
    try {
      const postgres = store === "postgres" ? ((await server?.database(name)) ?? null) : null;
      await contender.open({ folder: own, postgres });
      console.error(`${name}: ${contender.settings}`);
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      open.pop();
      await contender.end();
      skipped.push({ name, why: error.message });
      console.error(`${name}: SKIPPED, ${error.message}`);
    }
  }
  return skipped;
}

/** One kind of work: a round that warms up, then those that count, each contender once per round. */
async function measure(kind: (typeof KINDS)[number], contenders: readonly ContenderProcess[]): Promise<Times[][]> {
  const times: Times[][] = contenders.map(() => []);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [index, contender] of contenders.entries()) {
      const work: Work = { ...kind.work, id: `${kind.name}-${round}` };
      const took = await contender.work(work);
      if (round > 0) times[index]?.push(took);
    }
    console.error(`${kind.name}: ${round === 0 ? "warmed up" : `round ${round} of ${ROUNDS}`}`);
  }
  return times;
}

async function main(): Promise<void> {
  if (IN_MEMORY.has(statfsSync(tmpdir()).type))
    throw new Error(`${tmpdir()} is in memory, where a sync costs nothing: set TMPDIR to a directory on a disk`);
  const folder = mkdtempSync(join(tmpdir(), "belay-bench-"));
  // On a signal too: the contenders end with this process, and their servers with them.
  process.once("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  let server: PostgresServer | undefined;
  const contenders: ContenderProcess[] = [];
  try {
    if (chosen().some(({ store }) => store === "postgres")) server = await startPostgres();
    const skipped = await openAll(folder, server, contenders);
    const machine = { node: process.version, cpus: cpus().map(({ model, speed }) => ({ model, mhz: speed })) };
    const results: Result[] = [];
    console.log(`node ${machine.node}, ${machine.cpus.length} CPUs, medians of ${ROUNDS} interleaved rounds`);
    for (const kind of KINDS) {
      const times = await measure(kind, contenders);
      const work: Work = { ...kind.work, id: kind.name };
      const all = contenders.map(({ entrant, settings }, index) =>
        figuresOf({ entrant, settings, rounds: times[index] ?? [] }, work),
      );
      const title = given.quick ? `${kind.title} (quick: ${work.chains} of ${work.steps})` : kind.title;
      console.log(tableOf(title, all).join("\n"));
      results.push({ kind: kind.name, work, figures: all, ratios: ratiosOf(all), times });
    }
    for (const { name, why } of skipped) console.log(`skipped: ${name}: ${why}`);
    if (given.json !== undefined)
      writeFileSync(given.json, `${JSON.stringify({ machine, rounds: ROUNDS, skipped, results }, null, 2)}\n`);
  } finally {
    await Promise.all(contenders.map((contender) => contender.end()));
    await server?.stop();
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
await main();
