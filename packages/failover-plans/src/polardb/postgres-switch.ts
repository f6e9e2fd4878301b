/**
 * The switch on PostgreSQL servers: the old writer ends for certain, the candidate is proved to hold everything, then it is promoted.
 *
 * The old writer is marked as a standby before anything is promoted, and only `restore` takes the mark away, once it has asked the
 * candidate. So the mark on its disk is the evidence, for whoever comes after a crash: no mark, no promotion of this order.
 * Whatever fails before the promotion is certain and ends the candidate's attempts; what fails from there on is not, and may be asked
 * for again.
 */
import { NonRetryable } from "@belay/engine";
import { verifyShutdown } from "../postgres/catch-up.ts";
import { checkStandbys } from "../postgres/check-standbys.ts";
import { checkSwitchover } from "../postgres/check-switchover.ts";
import { checkpoint } from "../postgres/checkpoint.ts";
import { stopPrimary, type TakenOut } from "../postgres/fence.ts";
import { freeze } from "../postgres/freeze.ts";
import { bytesBehind, compareLsn } from "../postgres/lsn.ts";
import { promote } from "../postgres/promote.ts";
import { rank } from "../postgres/rank.ts";
import { messageOf, pause, refuse, until } from "../step/wait.ts";
import type { LedOrder, PolarCall, SwitchOrder } from "./control.ts";
import type { PostgresSite } from "./postgres-site.ts";

/** Milliseconds that a clean stop may take; then the old writer is killed, and what it did not send is looked for on all readers. */
const STOP_MS = 10_000;

/** Milliseconds for the candidate to answer while nobody takes writes. */
const ANSWER_MS = 2000;

/** Codes of the switchover's check that mean: the candidate, not the cluster. */
const CANDIDATE_CODES: ReadonlySet<string> = new Set(["STANDBY_NOT_READY", "LAG_CEILING", "WAIT_TIMEOUT"]);

/** Whether the candidate could take over; flushes a living writer, so that its stop is short. Code: UNHEALTHY_REPLICATION, and others. */
export async function checkCandidate(site: PostgresSite, order: SwitchOrder, call: PolarCall): Promise<void> {
  const [primary, candidate] = [site.serverOf(order.from), site.serverOf(order.to)];
  if (!(await site.takesWrites(primary, call))) {
    const status = await site.ask(candidate, call, site.streamPatienceMs);
    if (status?.inRecovery !== true) refuse("UNHEALTHY_REPLICATION", `${order.to} does not answer as a reader`);
    return;
  }
  try {
    const wait = site.access.wait(call, site.streamPatienceMs);
    await until(
      `${order.to} to stream`,
      wait,
      async () => (await site.access.status(candidate, call)).walReceiver === "streaming",
    );
    await site.step(checkSwitchover, { primary, candidate, standbys: [candidate] }, call);
  } catch (error) {
    call.signal.throwIfAborted();
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!CANDIDATE_CODES.has(code)) throw error;
    refuse("UNHEALTHY_REPLICATION", `${order.to} cannot take over: ${messageOf(error)}`);
  }
  await site.step(checkpoint, { node: primary }, call);
}

/** The switch. Codes: FENCE_FAILED, FENCE_BROKEN, ROUTE_TAKEN, UNHEALTHY_REPLICATION, NO_QUORUM, SWITCH_FAILED. */
export async function switchTo(site: PostgresSite, order: LedOrder, call: PolarCall): Promise<void> {
  const [primary, candidate] = [site.serverOf(order.from), site.serverOf(order.to)];
  await certainly(order, call, async () => {
    const out = await takeOut(site, order, call);
    // Nobody takes writes now: a candidate that is gone is given up at once.
    const status = await site.ask(candidate, call, ANSWER_MS);
    if (status === undefined) refuse("UNHEALTHY_REPLICATION", `${order.to} does not answer any more`);
    if (out.cleanShutdown === true) await site.step(verifyShutdown, { primary, candidate }, call);
    else await proveMostAdvanced(site, order, out, call);
  });
  await site.step(promote, { candidate, primary, timeline: order.generation, epoch: order.epoch }, call);
  await site.records.write(order.clusterId, { writer: order.to });
}

/** Ends the old writer, cleanly if it lives, for certain in any case, and marks it. */
async function takeOut(site: PostgresSite, order: SwitchOrder, call: PolarCall): Promise<TakenOut> {
  const primary = site.serverOf(order.from);
  const { control } = site.access;
  const input = { primary, standbys: site.readersOf(order) };
  if (!(await site.takesWrites(primary, call))) {
    await control.kill(primary);
  } else {
    const stopping = site.step(stopPrimary, input, call).then(
      () => true,
      () => false,
    );
    const waited = new AbortController();
    const signal = AbortSignal.any([call.signal, waited.signal]);
    const stopped = await Promise.race([stopping, pause(STOP_MS, signal).then(() => false)]);
    waited.abort();
    if (!stopped) {
      call.log(`${order.from} does not stop: it is killed`);
      await control.kill(primary);
    }
  }
  return await site.step(stopPrimary, input, call);
}

/** The old writer crashed: the candidate must hold no less than every other reader, and enough readers must say so. */
async function proveMostAdvanced(
  site: PostgresSite,
  order: SwitchOrder,
  out: TakenOut,
  call: PolarCall,
): Promise<void> {
  const [primary, candidate] = [site.serverOf(order.from), site.serverOf(order.to)];
  const { names, required, seenLsn } = await site.step(checkStandbys, { standbys: site.readersOf(order) }, call);
  await Promise.all(names.map((standby) => site.step(freeze, { standby, primary }, call)));
  const question = {
    standbys: names,
    required,
    seenLsn: seenLsn ?? undefined,
    checkpointLsn: out.checkpointLsn ?? undefined,
  };
  const { ranking } = await site.step(rank, question, call);
  const [best] = ranking;
  const own = ranking.find(({ name }) => name === candidate);
  if (best !== undefined && own !== undefined && compareLsn(own.lsn, best.lsn) === 0) return;
  const lacks =
    best !== undefined && own !== undefined ? `${bytesBehind(own.lsn, best.lsn)} bytes` : "what it cannot say";
  refuse(
    "UNHEALTHY_REPLICATION",
    `${order.to} lacks ${lacks} that ${site.nodeOf(best?.name ?? "") ?? "nobody"} holds: it is not promoted`,
  );
}

/** Nothing of this asks for a promotion: what fails here did not promote anybody. */
async function certainly(order: SwitchOrder, call: PolarCall, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    call.signal.throwIfAborted();
    if (error instanceof NonRetryable) throw error;
    throw new NonRetryable(`${order.to} was not promoted: ${messageOf(error)}`, {
      code: "SWITCH_FAILED",
      cause: error,
    });
  }
}
