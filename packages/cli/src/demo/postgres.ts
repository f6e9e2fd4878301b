/**
 * `belay demo postgres-failover|postgres-switchover`: a real PostgreSQL cluster on this machine, clients that write all the
 * time, a primary that is killed (or asked to step down), and the bill: what the clients noticed and what was lost.
 * Owns: the order of the show, and that nothing of it is left running however it ends.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Json, Plan, RunSnapshot } from "@belay/engine";
import { loadPlan } from "@belay/failover-plans";
import {
  createPostgresCluster,
  type PostgresCluster,
  startWorkload,
  type Workload,
} from "@belay/failover-plans/embedded-postgres";
import { explainPostgresRun, postgresActions } from "@belay/failover-plans/postgres";
import type { Context } from "../context.ts";
import { ExitCode, exitCodeOf } from "../exit-code.ts";
import { withOnFailure } from "../plan-file.ts";
import { chooseRenderer } from "../render/choose-renderer.ts";
import { JsonRenderer } from "../render/json-renderer.ts";
import type { Renderer } from "../render/renderer.ts";
import type { DemoName, DemoOptions } from "./demo-options.ts";
import { faultsOf, type PostgresReport, reportLines } from "./postgres-report.ts";
import { checkFailNode, runPlan, withFailure } from "./run-plan.ts";

/** Writes before the fault, so that there is something to lose. */
const WARM_UP_MS = 2000;
/** After the run, writes may need a moment to come back; longer than this they do not. */
const RESUME_MS = 5000;
const POLL_MS = 20;
/** Name of the writers' table, told to the plan for its report of rows that only the old primary had. */
const TABLE = "belay_demo";

/** One showing. */
interface Show {
  readonly name: DemoName;
  readonly plan: Plan;
  readonly options: DemoOptions;
  readonly renderer: Renderer;
  readonly interrupted: AbortSignal;
}

export async function postgresDemo(name: DemoName, options: DemoOptions, context: Context): Promise<ExitCode> {
  const { terminal, interrupts } = context;
  const plan = withOnFailure(loadPlan(name), options.onFailure);
  checkFailNode(plan, options);
  const renderer = chooseRenderer(terminal, options.json ?? false);
  const show = { name, plan, options, renderer, interrupted: interrupts.signal };
  const stopping = (): void => renderer.say("interrupted: everything is taken down (Ctrl-C again forces)");
  interrupts.signal.addEventListener("abort", stopping, { once: true });
  const ended = await onCluster(show).finally(() => interrupts.signal.removeEventListener("abort", stopping));
  tell(ended, renderer, context);
  if (interrupts.signal.aborted || ended.report === undefined) return ExitCode.INTERRUPTED;
  return failsOnReport(ended.snapshot, ended.report) ? ExitCode.FAILED : exitCodeOf(ended.snapshot.status);
}

/** The exit code is that of the run's status, but a success that left something wrong is none. */
function failsOnReport({ status }: RunSnapshot, report: PostgresReport): boolean {
  return status === "SUCCESSFUL" && faultsOf(report).length > 0;
}

/** The bill and what an operator would be told, last why a success is none. JSON ends with the snapshot. */
function tell({ snapshot, report }: Ended, renderer: Renderer, { terminal }: Context): void {
  if (renderer instanceof JsonRenderer) {
    if (report !== undefined) renderer.record({ type: "report", ...report, faults: faultsOf(report) });
    renderer.rest(snapshot);
    return;
  }
  const bill = report === undefined ? [] : reportLines(snapshot, report, terminal.out.colors);
  for (const line of [...bill, ...guidance(snapshot)]) terminal.out.line(line);
  if (report === undefined || !failsOnReport(snapshot, report)) return;
  terminal.out.line("");
  terminal.out.line(`exit code ${ExitCode.FAILED}: the run succeeded, but ${faultsOf(report).join("; ")}`);
}

interface Ended {
  readonly snapshot: RunSnapshot;
  /** undefined when interrupted: nothing is counted then. */
  readonly report: PostgresReport | undefined;
}

/** Starts the cluster, shows, and tears everything down. Throws the signal's reason when interrupted before the run. */
async function onCluster(show: Show): Promise<Ended> {
  const { options, renderer, interrupted } = show;
  const began = performance.now();
  const cluster = await startCluster(show);
  try {
    interrupted.throwIfAborted();
    const took = ((performance.now() - began) / 1000).toFixed(1);
    const addresses = cluster.nodes.map((node) => `${node.name} :${node.port}`).join(", ");
    renderer.say(`the cluster is up after ${took} s: ${addresses}; ${cluster.primary} takes writes`);
    const workload = await startWorkload({ ...cluster, writers: options.writers, table: TABLE });
    try {
      return await withWriters(show, cluster, workload);
    } finally {
      await workload.stop();
    }
  } finally {
    await cluster.stop();
    if (options.keep) renderer.say(`data and logs of the servers are kept in ${cluster.dataDir}`);
  }
}

/** An interrupt ends the start and leaves nothing of it. */
async function startCluster({ options, renderer, interrupted }: Show): Promise<PostgresCluster> {
  renderer.say(`starting a PostgreSQL cluster of ${options.nodes} servers`);
  const place = options.keep ? { dataDir: join(tmpdir(), `belay-demo-${process.pid}-${Date.now()}`) } : {};
  return await createPostgresCluster({ nodes: options.nodes, signal: interrupted, ...place });
}

async function withWriters(show: Show, cluster: PostgresCluster, workload: Workload): Promise<Ended> {
  const { options, renderer, interrupted, plan } = show;
  renderer.say(`${options.writers} clients write, ${WARM_UP_MS / 1000} s long`);
  await sleep(WARM_UP_MS, undefined, { signal: interrupted });
  renderer.say(`${workload.acknowledged()} rows acknowledged`);
  workload.mark();
  if (show.name === "postgres-failover") {
    await cluster.control.kill(cluster.primary);
    renderer.say(`${cluster.primary} is killed (SIGKILL); running ${plan.document.name}`);
  } else {
    renderer.say(`running ${plan.document.name} under load`);
  }
  const actions = withFailure(postgresActions(cluster), plan, options);
  const snapshot = await runPlan({ plan, actions, params: paramsOf(show, cluster) }, renderer, interrupted);
  if (!(renderer instanceof JsonRenderer)) renderer.rest(snapshot);
  if (interrupted.aborted) return { snapshot, report: undefined };
  if (snapshot.status !== "SUCCESSFUL")
    renderer.say("the writers get a few seconds to find a server that takes writes");
  await writesResume(workload, interrupted);
  await workload.stop();
  renderer.say("writers stopped, counting rows on every server");
  return { snapshot, report: await unlessAborted(workload.report(), interrupted) };
}

/** The promise's value, or undefined as soon as the signal is aborted; nobody waits for the promise then. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const aborted = new Promise<undefined>((resolve) => {
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
    if (signal.aborted) resolve(undefined);
  });
  return await Promise.race([promise, aborted]);
}

function paramsOf({ name }: Show, cluster: PostgresCluster): Readonly<Record<string, Json>> {
  const { primary } = cluster;
  const standbys = cluster.nodes.map((node) => node.name).filter((node) => node !== primary);
  if (name === "postgres-switchover") return { cluster: "demo", primary, standbys, candidate: standbys[0] ?? "" };
  return { cluster: "demo", primary, standbys, salvage: { table: TABLE, key: "id" } };
}

/** Waits until clients can write again, so that the gap they noticed has an end; not for ever: they may never. */
async function writesResume(workload: Workload, interrupted: AbortSignal): Promise<void> {
  const before = workload.acknowledged();
  const deadline = performance.now() + RESUME_MS;
  while (workload.acknowledged() === before && performance.now() < deadline && !interrupted.aborted)
    await sleep(POLL_MS);
}

/** What an operator would be told; nothing after a success that left nothing to do. */
function guidance(snapshot: RunSnapshot): string[] {
  if (snapshot.status === "SUCCESSFUL" && !snapshot.nodes.some(({ tolerated }) => tolerated)) return [];
  return [
    "",
    "What an operator is told (the demo's servers end with it):",
    ...explainPostgresRun(snapshot).map((line) => `  ${line}`),
  ];
}
