/**
 * `npm run bench:server`: Belay's server beside a bare Fastify route that writes one row of SQLite, both synced to disk, in rounds that are
 * interleaved. Prints the ratios of one run: throughput of starting a run and asking for it, and the 99th percentile of an answer.
 *
 *   --quick           one short round: whether it works, not how fast
 *   --rounds=n        default 7
 *   --seconds=n       of each round, default 5
 *   --connections=n   clients at once, default 32
 *   --json=file       writes all figures
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type LoadFigures, load, serve } from "./load.ts";

const { values: given } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    seconds: { type: "string" },
    connections: { type: "string" },
    json: { type: "string" },
  },
});
const ROUNDS = Number(given.rounds ?? (given.quick ? 1 : 7));
const SECONDS = Number(given.seconds ?? (given.quick ? 1 : 5));
const CONNECTIONS = Number(given.connections ?? 32);
/** Goals of a ratio to the bare route. */
const LEAST_THROUGHPUT = 0.5;
const MOST_P99 = 3;

const NAMES = ["bare", "belay"] as const;
const directory = mkdtempSync(join(process.env["BENCH_DIR"] ?? tmpdir(), "belay-bench-server-"));
const figures: Record<(typeof NAMES)[number], LoadFigures[]> = { bare: [], belay: [] };
try {
  for (let round = 0; round < ROUNDS; round++) {
    // There and back: neither is always the first one.
    for (const name of round % 2 === 0 ? NAMES : NAMES.toReversed()) {
      const folder = join(directory, `${name}-${round}`);
      mkdirSync(folder);
      const served = await serve(name, folder);
      try {
        await load(served.url, CONNECTIONS, 1);
        figures[name].push(await load(served.url, CONNECTIONS, SECONDS));
      } finally {
        await served.end();
      }
    }
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

const ratio = (of: (round: LoadFigures) => number): number =>
  median(figures.belay.map((round, at) => of(round) / of(figures.bare[at] as LoadFigures)));
const throughput = ratio(({ perSecond }) => perSecond);
const p99 = ratio((round) => Math.max(round.p99, 1));
const verdict = (reached: boolean): string => (reached ? "reached" : "not reached");
console.log(`${CONNECTIONS} clients, ${ROUNDS} rounds of ${SECONDS} s, medians; start a run, ask for it`);
for (const name of NAMES) {
  const told = ["perSecond", "p50", "p99"] as const;
  console.log(
    `  ${name}: ${told.map((key) => `${key} ${median(figures[name].map((round) => round[key])).toFixed(1)}`).join(", ")}`,
  );
}
console.log(
  `throughput over the bare route: ${throughput.toFixed(2)}x, goal at least ${LEAST_THROUGHPUT}x: ${verdict(throughput >= LEAST_THROUGHPUT)}`,
);
console.log(`p99 over the bare route: ${p99.toFixed(2)}x, goal at most ${MOST_P99}x: ${verdict(p99 <= MOST_P99)}`);
if (given.json !== undefined) writeFileSync(given.json, `${JSON.stringify({ throughput, p99, figures }, null, 2)}\n`);

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = Number.NaN, high = Number.NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 0 ? (low + high) / 2 : high;
}
