/**
 * `npm run bench:resume`: how long a run with many records takes to go on after its process is gone. An engine is made on a
 * SQLite file, `full`, that holds one run without an owner; the clock stops when the run's next action is called. That includes
 * opening and checking the file, reading the records, parsing and compiling the plan, replaying. The run must then end well,
 * every node done once.
 *
 * Figures: milliseconds per 1,000 records against those of the next smaller run (1 = linear), and seconds times the clock
 * rate of a core, which is what a core of 1 GHz would need.
 */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { type ActionRegistry, createEngine, definePlan, type Engine, type Run } from "@belay/engine";
import { openSqliteJournal, openSqliteReader } from "@belay/engine/sqlite";
import { chain, planDocument } from "./shapes.ts";

const quick = process.argv.includes("--quick");
const json = process.argv.find((argument) => argument.startsWith("--json="))?.slice("--json=".length);
const ROUNDS = quick ? 1 : 5;
const SIZES = quick ? [1_000, 10_000] : [1_000, 10_000, 100_000];
const LIMITS = { nodes: 1_000_000, edges: 5_000_000, bytes: 2 ** 30 };
const RUN = "the-run";

/** A run that stopped in front of its last node, with that many records and two for each node before. */
interface StoppedRun {
  readonly file: string;
  readonly records: number;
  readonly nodes: number;
}

/** Milliseconds of one resume. */
interface Resume {
  /** Until the action that was cut off is called again. */
  readonly liveMs: number;
  /** Of CPU, until then. */
  readonly cpuMs: number;
}

/** Journals a run up to its last node, which is never done, and ends the engine. `normal` only to be done sooner. */
async function stop(file: string, records: number): Promise<StoppedRun> {
  const nodes = records / 2;
  const last = `n${nodes - 1}`;
  let reached: () => void = () => undefined;
  const atLast = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const noop = ({ nodeId }: { readonly nodeId: string }): unknown => {
    if (nodeId !== last) return { lag: Number(nodeId.slice(1)) };
    reached();
    return new Promise(() => undefined);
  };
  const journal = openSqliteJournal(file, { durability: "normal" });
  const engine = await createEngine({ journal, actions: { noop }, limits: LIMITS, graceMs: 0 });
  const plan = definePlan(planDocument("resume", chain(nodes)), { limits: LIMITS });
  await engine.start(plan, { runId: RUN });
  await atLast;
  const held = (await journal.list())[0]?.records ?? 0;
  await engine.close();
  // Closed, the file holds all: its log is empty.
  return { file, records: held, nodes };
}

/** Takes the run up, times it, and lets it end; the file is a copy that nobody else uses. */
async function resume({ file, nodes }: StoppedRun, copy: string): Promise<Resume> {
  copyFileSync(file, copy);
  const cpu = process.cpuUsage();
  const begun = performance.now();
  let taken: Resume | undefined;
  const noop = ({ nodeId }: { readonly nodeId: string }): void => {
    if (nodeId !== `n${nodes - 1}` || taken !== undefined) throw new Error(`${nodeId} was called again`);
    const { user, system } = process.cpuUsage(cpu);
    taken = { liveMs: performance.now() - begun, cpuMs: (user + system) / 1e3 };
  };
  const actions: ActionRegistry = { noop: { idempotent: true, run: noop } };
  const engine: Engine = await createEngine({ journal: openSqliteJournal(copy), actions, limits: LIMITS });
  const run = engine.run(RUN) as Run;
  const { status } = await run.settled();
  await engine.close();
  if (status !== "SUCCESSFUL" || taken === undefined) throw new Error(`the run ended ${status}`);
  checkEnd(copy, nodes);
  return taken;
}

/** The store's own word: every node was done once, in order. */
function checkEnd(file: string, nodes: number): void {
  const reader = openSqliteReader(file);
  try {
    const records = reader.read(RUN)?.records ?? [];
    const done = records.flatMap(({ input }) => (input.kind === "succeeded" ? [input.node] : []));
    const inOrder = done.length === nodes && done.every((node, place) => node === place);
    if (!inOrder) throw new Error(`the journal says that ${done.length} nodes of ${nodes} were done`);
  } finally {
    reader.close();
  }
}

/** Of a core, in GHz; NaN where neither Node nor Linux says. */
function clockRate(): number {
  const mhz = Math.max(...cpus().map(({ speed }) => speed));
  if (mhz > 0) return mhz / 1e3;
  const told = existsSync("/proc/cpuinfo") ? readFileSync("/proc/cpuinfo", "utf8") : "";
  return Number(/^cpu MHz\s*:\s*([\d.]+)/m.exec(told)?.[1] ?? Number.NaN) / 1e3;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function row(...cells: readonly string[]): void {
  console.log(cells.map((cell) => cell.padStart(14)).join(" "));
}

const folder = mkdtempSync(join(tmpdir(), "belay-bench-"));
try {
  const ghz = clockRate();
  console.log(
    `node ${process.version}, ${ghz.toFixed(2)} GHz as the system says, medians of ${ROUNDS} rounds after one that warms up`,
  );
  const stopped: StoppedRun[] = [];
  for (const size of SIZES) stopped.push(await stop(join(folder, `${size}.db`), size));
  const times = new Map<StoppedRun, Resume[]>(stopped.map((run) => [run, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const run of stopped) {
      const took = await resume(run, join(folder, `copy-${run.records}-${round}.db`));
      if (round > 0) times.get(run)?.push(took);
    }
  }
  row("records", "live after", "CPU", "CPU s x GHz", "us a record", "of the last");
  let before: number | undefined;
  const figures = stopped.map((run) => {
    const liveMs = median((times.get(run) ?? []).map((one) => one.liveMs));
    const cpuMs = median((times.get(run) ?? []).map((one) => one.cpuMs));
    const each = (cpuMs * 1e3) / run.records;
    const growth = before === undefined ? null : each / before;
    before = each;
    const shown = [
      `${liveMs.toFixed(0)} ms`,
      `${cpuMs.toFixed(0)} ms`,
      ((cpuMs / 1e3) * ghz).toFixed(2),
      each.toFixed(1),
    ];
    row(String(run.records), ...shown, growth === null ? "" : `${growth.toFixed(2)}x`);
    return { records: run.records, liveMs, cpuMs, cpuGigacycles: (cpuMs / 1e3) * ghz, usPerRecord: each, growth };
  });
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ node: process.version, ghz, figures }, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
