/**
 * `belay demo mariadb-failover|mariadb-switchover`: a real MariaDB cluster on this machine, clients that write all the time, a writer
 * that is killed (or asked to step down), and the bill: what the clients noticed and what was lost. Owns: the order of the show, and
 * that nothing of it is left running however it ends.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Plan, RunSnapshot } from "@belay/engine";
import { loadPlan } from "@belay/failover-plans";
import {
  createMariadbCluster,
  type MariadbCluster,
  type MariadbWorkload,
  needMariadb,
  startMariadbWorkload,
  type WorkloadReport,
} from "@belay/failover-plans/local-mariadb";
import { mariadbActions } from "@belay/failover-plans/mariadb";
import type { Context } from "../context.ts";
import { ExitCode } from "../exit-code.ts";
import { withOnFailure } from "../plan-file.ts";
import { chooseRenderer } from "../render/choose-renderer.ts";
import { JsonRenderer } from "../render/json-renderer.ts";
import { outcomeLines } from "../render/outcome.ts";
import type { Renderer } from "../render/renderer.ts";
import { commandLine } from "../shell.ts";
import type { DemoOptions, MariadbDemoName } from "./demo-options.ts";
import { MARIADB_SCENES } from "./mariadb-scenes.ts";
import { exitCodeOfShow } from "./postgres-end.ts";
import { faultsOf, reportLines } from "./postgres-report.ts";
import { checkFailNode, runPlan, withFailure } from "./run-plan.ts";

/** Writes before the fault, so that there is something to lose. */
const WARM_UP_MS = 2000;
/** After the run, writes may need a moment to come back; longer than this they do not. */
const RESUME_MS = 5000;
const POLL_MS = 20;

interface Show {
  readonly name: MariadbDemoName;
  readonly plan: Plan;
  readonly options: DemoOptions;
  readonly renderer: Renderer;
  readonly interrupted: AbortSignal;
}

/** Throws ENVIRONMENT when this machine has no MariaDB; the message names the package. */
export async function mariadbDemo(name: MariadbDemoName, options: DemoOptions, context: Context): Promise<ExitCode> {
  const { terminal, interrupts } = context;
  const plan = withOnFailure(loadPlan(name), options.onFailure);
  checkFailNode(plan, options);
  const { version } = await needMariadb();
  const renderer = chooseRenderer(terminal, options.json ?? false);
  const { reservation } = MARIADB_SCENES[name];
  if (reservation !== undefined) renderer.say(reservation);
  renderer.say(`real MariaDB servers (${version}) on this machine: starting a cluster of ${options.nodes}, semi-sync`);
  const show = { name, plan, options, renderer, interrupted: interrupts.signal };
  const cluster = await createMariadbCluster({ nodes: options.nodes, signal: interrupts.signal });
  try {
    return await play(show, cluster, context);
  } finally {
    await cluster.stop();
  }
}

async function play(show: Show, cluster: MariadbCluster, context: Context): Promise<ExitCode> {
  const { name, plan, options, renderer, interrupted } = show;
  const addresses = cluster.nodes.map((node) => `${node.name} :${node.port}`).join(", ");
  renderer.say(`the cluster is up: ${addresses}; ${cluster.writer} takes writes`);
  const { route, clients } = cluster;
  const workload = await startMariadbWorkload({ route, clients, writers: options.writers });
  try {
    await warmUp(show, cluster, workload);
    const scene = MARIADB_SCENES[name];
    const actions = scene.actions?.(cluster) ?? mariadbActions(cluster);
    const planned = { plan, actions: withFailure(actions, plan, options), params: scene.params(cluster) };
    const snapshot = await runPlan(planned, renderer, interrupted);
    if (!(renderer instanceof JsonRenderer)) renderer.rest(snapshot);
    const report = interrupted.aborted ? undefined : await bill(show, workload);
    tell(show, snapshot, report, context);
    return interrupted.aborted ? ExitCode.INTERRUPTED : exitCodeOfShow({ snapshot, report });
  } finally {
    await workload.stop();
  }
}

async function warmUp(show: Show, cluster: MariadbCluster, workload: MariadbWorkload): Promise<void> {
  const { name, options, renderer, interrupted, plan } = show;
  renderer.say(`${options.writers} clients write, ${WARM_UP_MS / 1000} s long`);
  await sleep(WARM_UP_MS, undefined, { signal: interrupted });
  renderer.say(`${workload.acknowledged()} rows acknowledged`);
  workload.mark();
  renderer.say(`${await MARIADB_SCENES[name].prepare(cluster)}; running ${plan.document.name}`);
}

/** Waits until clients can write again, so that the gap they noticed has an end; not for ever: they may never. Then ends and counts. */
async function bill({ renderer, interrupted }: Show, workload: MariadbWorkload): Promise<WorkloadReport> {
  const before = workload.acknowledged();
  const deadline = performance.now() + RESUME_MS;
  while (workload.acknowledged() === before && performance.now() < deadline && !interrupted.aborted)
    await sleep(POLL_MS);
  await workload.stop();
  renderer.say("writers stopped, counting rows on every server");
  return await workload.report();
}

/** The bill, how it ended, last why a success is none. JSON ends with the snapshot. */
function tell(
  { name, options, renderer }: Show,
  snapshot: RunSnapshot,
  report: WorkloadReport | undefined,
  { terminal }: Context,
): void {
  if (renderer instanceof JsonRenderer) {
    if (report !== undefined) renderer.record({ type: "report", ...report, faults: faultsOf(report) });
    renderer.rest(snapshot);
    return;
  }
  const { colors } = terminal.out;
  const words = ["belay", "demo", name];
  const failing = [...words, ...(options.fail === undefined ? [] : ["--fail", options.fail])];
  const commands = { again: commandLine(words), rollback: commandLine([...failing, "--on-failure", "rollback"]) };
  const lines = report === undefined ? [] : reportLines(snapshot, report, colors);
  for (const line of [...lines, "", ...outcomeLines(snapshot, commands, colors)]) terminal.out.line(line);
  if (snapshot.status !== "SUCCESSFUL" || report === undefined || faultsOf(report).length === 0) return;
  terminal.out.line("");
  terminal.out.line(`exit code ${ExitCode.FAILED}: the run succeeded, but ${faultsOf(report).join("; ")}`);
}
