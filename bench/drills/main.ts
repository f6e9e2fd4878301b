/**
 * `npm run drills -- --count 100`: kill -9 failovers, then switchovers, of a real PostgreSQL cluster under load, again and again on one
 * cluster. In every second one the engine dies at a step drawn from the seed, right after that step took effect and before its answer
 * was kept; another engine goes on with what was durable. Each must leave one writer, equal servers and every acknowledged row.
 *
 * The window is counted from the moment at which the primary's death is certain (`confirmDown` has ended) to the first acknowledged
 * row after, in drills whose engine lives. It stands beside the sum of what cannot be left out: freezing, promoting, the first write.
 * Figures of one run on one machine: ratios, not product figures.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { NodeSnapshot, RunSnapshot } from "@belay/engine";
import { createPostgresCluster, type PostgresCluster, startWorkload } from "@belay/failover-plans/embedded-postgres";
import { playOut } from "./cut-off-run.ts";

const argument = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  const value = at < 0 ? otherwise : Number(process.argv[at + 1]);
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} takes a whole number`);
  return value;
};
const COUNT = argument("count", 10);
const SEED = argument("seed", 1);
const WRITERS = 8;
/** Acknowledged before the fault, and after it: there must be something to lose, and proof that writing goes on. */
const ROWS_BEFORE = 300;
const ROWS_AFTER = 50;
const POLL_MS = 2;
const PATIENCE_MS = 60_000;

type Kind = "postgres-failover" | "postgres-switchover";

interface Drill {
  readonly kind: Kind;
  /** After which step the engine died; null = it lived. */
  readonly cutAfter: string | null;
  /** What is wrong; empty when all is sound. */
  readonly faults: readonly string[];
  readonly acknowledged: number;
  readonly gapMs: number;
  /** Of a drill whose engine lived. */
  readonly window: Window | null;
}

interface Window {
  readonly windowMs: number;
  readonly freezeMs: number;
  readonly promoteMs: number;
  /** From "published, and a standby follows" to the first acknowledged row. */
  readonly firstWriteMs: number;
  /** The first standby that followed: without it no row is acknowledged under synchronous replication. */
  readonly followMs: number;
}

const cluster = await createPostgresCluster({ durability: "on" });
const drills: Drill[] = [];
try {
  for (const kind of ["postgres-failover", "postgres-switchover"] as const)
    for (let at = 0; at < COUNT; at++) {
      const drill = await play(kind, at);
      drills.push(drill);
      const end = drill.faults.length === 0 ? "sound" : `WRONG: ${drill.faults.join("; ")}`;
      const cut = drill.cutAfter === null ? "" : `, engine died after ${drill.cutAfter}`;
      console.log(
        `${kind} ${at + 1}/${COUNT}: ${end}; ${drill.acknowledged} rows, gap ${Math.round(drill.gapMs)} ms${cut}`,
      );
    }
} finally {
  await cluster.stop();
}
for (const kind of ["postgres-failover", "postgres-switchover"] as const) report(kind);
process.exitCode = drills.some(({ faults }) => faults.length > 0) ? 1 : 0;

async function play(kind: Kind, at: number): Promise<Drill> {
  const { primary, standbys } = await rolesOf(cluster);
  const workload = await startWorkload({
    route: cluster.route,
    nodes: cluster.nodes,
    writers: WRITERS,
    table: "drill",
  });
  try {
    await until(() => workload.acknowledged() >= ROWS_BEFORE);
    workload.mark();
    if (kind === "postgres-failover") await cluster.control.kill(primary);
    const params =
      kind === "postgres-failover"
        ? { cluster: "drills", primary, standbys, recoveryBlockSeconds: 0 }
        : { cluster: "drills", primary, standbys, candidate: standbys[at % standbys.length] ?? "" };
    const acks = watchAcks(() => workload.acknowledged());
    const { snapshot, cutAfter } = await playOut({ kind, params, cluster, cut: at % 2 === 1, seed: SEED * 1000 + at });
    const before = workload.acknowledged();
    await until(() => workload.acknowledged() >= before + ROWS_AFTER).catch(() => undefined);
    const seen = acks.stop();
    await workload.stop();
    const found = await workload.report();
    const faults: string[] = [];
    if (snapshot.status !== "SUCCESSFUL") faults.push(`${snapshot.status}: ${reasons(snapshot)}`);
    if (found.acknowledgedLost !== 0) faults.push(`${found.acknowledgedLost} acknowledged rows lost`);
    if (found.writers.length !== 1) faults.push(`writers: ${found.writers.join(", ") || "none"}`);
    if (!found.allNodesEqual) faults.push(`rows differ: ${JSON.stringify(found.rows)}`);
    const window = cutAfter === null && kind === "postgres-failover" ? windowOf(snapshot, seen) : null;
    return { kind, cutAfter, faults, acknowledged: found.acknowledged, gapMs: found.unavailabilityMs, window };
  } finally {
    await workload.stop();
  }
}

async function rolesOf({
  status,
}: PostgresCluster): Promise<{ readonly primary: string; readonly standbys: string[] }> {
  const all = await status();
  const primaries = all.filter(({ role }) => role === "primary").map(({ name }) => name);
  const standbys = all.filter(({ role }) => role === "standby").map(({ name }) => name);
  if (primaries.length !== 1 || standbys.length !== all.length - 1)
    throw new Error(`not whole: ${JSON.stringify(all)}`);
  return { primary: primaries[0] ?? "", standbys };
}

function reasons({ nodes }: RunSnapshot): string {
  return nodes.flatMap(({ id, error }) => (error === null ? [] : [`${id}: ${error.code} ${error.message}`])).join("; ");
}

/** Moments at which more rows were acknowledged than at the look before, epoch milliseconds. */
function watchAcks(acknowledged: () => number): { stop(): readonly number[] } {
  const moments: number[] = [];
  let known = acknowledged();
  const timer = setInterval(() => {
    const now = acknowledged();
    if (now > known) moments.push(performance.timeOrigin + performance.now());
    known = now;
  }, POLL_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return moments;
    },
  };
}

function windowOf(snapshot: RunSnapshot, acks: readonly number[]): Window | null {
  const node = (id: string): NodeSnapshot | undefined => snapshot.nodes.find((one) => one.id === id);
  const end = (one: NodeSnapshot | undefined): number => Date.parse(one?.finishTime ?? "");
  const took = (one: NodeSnapshot | undefined): number => end(one) - Date.parse(one?.startTime ?? "");
  const frozen = snapshot.nodes.filter(({ group }) => group === "freeze");
  const began = Math.min(...frozen.map((one) => Date.parse(one.startTime ?? "")));
  const detected = end(node("confirmDown"));
  const followers = snapshot.nodes.filter(({ group }) => group === "repoint");
  const followed = Math.min(...followers.map(end));
  const ready = Math.max(end(node("publish")), followed);
  const first = acks.find((moment) => moment > end(node("promote")));
  if (first === undefined) return null;
  return {
    windowMs: first - detected,
    freezeMs: Math.max(...frozen.map(end)) - began,
    promoteMs: took(node("promote")),
    firstWriteMs: Math.max(0, first - ready),
    followMs: Math.min(...followers.map(took)),
  };
}

function report(kind: Kind): void {
  const of = drills.filter((drill) => drill.kind === kind);
  const sound = of.filter(({ faults }) => faults.length === 0).length;
  const rows = of.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  const died = of.filter(({ cutAfter }) => cutAfter !== null).length;
  console.log(`\n${kind}: ${sound} of ${of.length} sound, ${rows} rows acknowledged, the engine died in ${died}`);
  const lived = of.filter(({ cutAfter }) => cutAfter === null);
  console.log(`  gap that clients saw, median: ${median(lived.map(({ gapMs }) => gapMs))} ms (engines that lived)`);
  const windows = of.flatMap(({ window }) => window ?? []);
  if (windows.length === 0) return;
  const whole = median(windows.map(({ windowMs }) => windowMs));
  const parts = median(windows.map((one) => one.freezeMs + one.promoteMs + one.firstWriteMs));
  const withFollow = median(windows.map((one) => one.freezeMs + one.promoteMs + one.firstWriteMs + one.followMs));
  console.log(`  window from detection, median: ${whole} ms`);
  console.log(
    `  freeze + promote + first write, median: ${parts} ms: the window is ${(whole / parts).toFixed(2)}x of it`,
  );
  console.log(`  with the first standby that follows: ${withFollow} ms: ${(whole / withFollow).toFixed(2)}x`);
}

function median(values: readonly number[]): number {
  return Math.round(values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0);
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error("waited for rows in vain");
    await sleep(POLL_MS);
  }
}
