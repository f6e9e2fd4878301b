/**
 * Undoing a switch on PostgreSQL servers: first it is made certain that the candidate was not promoted and will not be, then the old
 * writer takes writes again.
 *
 * A server that is in recovery may still have a promotion before it that was asked for: only a restart takes that away (PostgreSQL forgets
 * a request when it starts). What its WAL shows then is the truth: a timeline of its own means that it was promoted.
 */
import { NonRetryable } from "@belay/engine";
import { restartPrimary } from "../postgres/fence.ts";
import { unfreeze } from "../postgres/freeze.ts";
import { messageOf, pause, refuse } from "../step/wait.ts";
import { type PolarCall, PROMOTED_ALREADY, PROMOTION_UNKNOWN, type SwitchOrder } from "./control.ts";
import type { PostgresSite } from "./postgres-site.ts";

/** Milliseconds in which a promotion that is under way usually ends. */
const UNDER_WAY_MS = 1000;
/** Milliseconds for an old writer that did not answer before: nobody waits for it longer. */
const REVIVE_MS = 30_000;

/** Restores. Codes: PROMOTED_ALREADY, PROMOTION_UNKNOWN, OLD_PRIMARY_DOES_NOT_START, FOREIGN_PRIMARY. */
export async function restore(site: PostgresSite, order: SwitchOrder, call: PolarCall): Promise<void> {
  const { control } = site.access;
  const primary = site.serverOf(order.from);
  const marked = await control.isMarkedStandby(primary);
  if (marked) await makeReader(site, order, call);
  // It was down before, and nobody has touched it.
  else if (!order.writerAnswered && !(await control.isRunning(primary))) return;
  await revive(site, order, call);
  if (marked) await thaw(site, order, call);
  await site.records.write(order.clusterId, { writer: order.from });
}

/** The candidate is a reader, whatever was asked of it. */
async function makeReader(site: PostgresSite, order: SwitchOrder, call: PolarCall): Promise<void> {
  const { control } = site.access;
  const [primary, candidate] = [site.serverOf(order.from), site.serverOf(order.to)];
  await refuseIfPromoted(site, order, call);
  await pause(UNDER_WAY_MS, call.signal);
  await refuseIfPromoted(site, order, call);
  try {
    await control.kill(candidate);
    await control.markStandby(candidate, control.conninfo(candidate, site.access.node(primary)));
    await control.start(candidate);
  } catch (error) {
    call.signal.throwIfAborted();
    refuse(
      PROMOTION_UNKNOWN,
      `${order.to} cannot be restarted as a reader, so that nobody knows whether it was promoted: ${messageOf(error)}. Repair it, then roll back again`,
    );
  }
  const status = await site.ask(candidate, call);
  if (status === undefined) refuse(PROMOTION_UNKNOWN, `${order.to} does not say whether it was promoted`);
  if (status.inRecovery && status.timeline <= order.generation) return;
  refuse(PROMOTED_ALREADY, `${order.to} was promoted: it has WAL of timeline ${status.timeline}`);
}

async function refuseIfPromoted(site: PostgresSite, order: SwitchOrder, call: PolarCall): Promise<void> {
  const candidate = site.serverOf(order.to);
  if (!(await site.access.control.isRunning(candidate))) return;
  const status = await site.ask(candidate, call);
  if (status?.inRecovery !== false) return;
  refuse(PROMOTED_ALREADY, `${order.to} was promoted: it takes writes on timeline ${status.timeline}`);
}

/** The old writer takes writes again. One that did not answer before may stay down: then the next candidate is tried all the same. */
async function revive(site: PostgresSite, order: SwitchOrder, call: PolarCall): Promise<void> {
  const input = { primary: site.serverOf(order.from), standbys: site.readersOf(order) };
  const signal = order.writerAnswered ? call.signal : AbortSignal.any([call.signal, AbortSignal.timeout(REVIVE_MS)]);
  try {
    await within(site.step(restartPrimary, input, { ...callOf(call), signal }), signal);
  } catch (error) {
    call.signal.throwIfAborted();
    // The candidate is a reader by now: somebody else promoted another server.
    if (error instanceof NonRetryable && error.code === PROMOTED_ALREADY) refuse("FOREIGN_PRIMARY", error.message);
    if (order.writerAnswered) throw error;
    call.log(`${order.from} did not answer before, and does not come back: ${messageOf(error)}`);
  }
}

/** Readers that were frozen follow the old writer again; one that does not answer is no reason to stop. */
async function thaw(site: PostgresSite, order: SwitchOrder, call: PolarCall): Promise<void> {
  const primary = site.serverOf(order.from);
  for (const standby of site.readersOf(order)) {
    const status = await site.access.status(standby, call).catch(() => undefined);
    call.signal.throwIfAborted();
    if (status?.inRecovery === true && status.primaryConninfo === "")
      await site.step(unfreeze, { standby, primary }, call);
  }
}

/** A copy whose members are read now: a context makes them when they are asked for. */
function callOf(call: PolarCall): PolarCall {
  const { runId, nodeId, idempotencyKey, signal, fencingTokens } = call;
  return {
    runId,
    nodeId,
    idempotencyKey,
    signal,
    fencingTokens,
    log: (message, details) => call.log(message, details),
    heartbeat: () => call.heartbeat(),
  };
}

async function within<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => undefined);
  const aborted = new Promise<never>((_, reject) => {
    const stop = (): void => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
  });
  return await Promise.race([work, aborted]);
}
