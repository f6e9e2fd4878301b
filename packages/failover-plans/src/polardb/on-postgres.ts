/**
 * `PolarControl` on real PostgreSQL servers. Everything that is done to a server is done by the building blocks of `../postgres/`; this
 * folder decides which of them a switch, and its undoing, is made of.
 * Data do not lie on shared storage here: a candidate that lacks what another reader holds is refused, whatever its priority.
 */
import { follow } from "../postgres/follow.ts";
import { rejoin } from "../postgres/rejoin.ts";
import { verifyWriter } from "../postgres/verify-writer.ts";
import type { Route } from "../route/route.ts";
import { refuse, until } from "../step/wait.ts";
import type { PolarCall, PolarControl, SwitchOrder } from "./control.ts";
import { restore } from "./postgres-restore.ts";
import { type PolarOnPostgresOptions, PostgresSite } from "./postgres-site.ts";
import { checkCandidate, switchTo } from "./postgres-switch.ts";
import { describe } from "./postgres-view.ts";
import { keepSwitch, memoryPolarRecords, switchesOf } from "./records.ts";

/** Milliseconds for a new writer to take writes: the plan's three minutes, less a moment to say what is missing. */
const READY_MS = 175_000;

/** A cluster of PostgreSQL servers as `polardbActions` takes it: the control, and the servers' route by node id. */
export interface PolarOnPostgres {
  readonly control: PolarControl;
  readonly route: Route;
}

/** Makes a PolarDB cluster out of PostgreSQL servers. */
export function polarOnPostgres(options: PolarOnPostgresOptions): PolarOnPostgres {
  const site = new PostgresSite(options, options.records ?? memoryPolarRecords());
  const { records } = site;
  const control: PolarControl = {
    describe: async (clusterId, call) => {
      site.checkCluster(clusterId);
      return await describe(site, call);
    },
    markStatus: async (clusterId, status, { runId }) => {
      site.checkCluster(clusterId);
      await records.write(clusterId, { status, markedBy: status === "Running" ? null : runId });
    },
    checkCandidate: (order, call) => checkCandidate(site, order, call),
    switchTo: (order, call) => switchTo(site, order, call),
    isSwitched: (order, call) => isSwitched(site, order, call),
    restore: (order, call) => restore(site, order, call),
    awaitWriter: (order, call) => awaitWriter(site, order, call),
    bringReader: (order, nodeId, call) => bringReader(site, order, nodeId, call),
    noteSwitch: (entry) => keepSwitch(records, entry),
    haLog: (clusterId) => switchesOf(records, clusterId),
  };
  return { control, route: site.route() };
}

/** Without the mark on the old writer nothing was promoted by this order; with it the candidate says. Code: FOREIGN_PRIMARY. */
async function isSwitched(site: PostgresSite, order: SwitchOrder, call: PolarCall): Promise<boolean> {
  if (!(await site.access.control.isMarkedStandby(site.serverOf(order.from)))) return false;
  const status = await site.ask(site.serverOf(order.to), call);
  if (status === undefined) throw new Error(`${order.to} does not say whether it was promoted`);
  if (status.inRecovery) return false;
  if (status.timeline <= order.generation) {
    refuse("FOREIGN_PRIMARY", `${order.to} takes writes on timeline ${status.timeline}: this run did not promote it`);
  }
  await site.records.write(order.clusterId, { writer: order.to });
  return true;
}

/** Asks again as long as the attempt lives; what asking cannot change ends it at once. Code: NEW_WRITER_READ_ONLY. */
async function awaitWriter(site: PostgresSite, order: SwitchOrder, call: PolarCall): Promise<void> {
  const input = { writer: site.serverOf(order.to), oldTimeline: order.generation };
  await until(`${order.to} to take writes`, site.access.wait(call, READY_MS), () =>
    site.step(verifyWriter, input, call),
  );
}

/** A running reader is pointed at the writer; anything else rejoins: it is started fenced and compared first. */
async function bringReader(site: PostgresSite, order: SwitchOrder, nodeId: string, call: PolarCall): Promise<void> {
  const [node, writer] = [site.serverOf(nodeId), site.serverOf(order.to)];
  if (nodeId !== order.from && (await site.access.control.isRunning(node))) {
    await site.step(follow, { standby: node, writer }, call);
    return;
  }
  await site.step(rejoin, { node, writer, reclone: site.options.reclone ?? "diverged" }, call);
}
