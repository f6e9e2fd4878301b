/**
 * A run as a journal has it, to look at and to think about: from outside of the engine that executes it, or when nobody
 * does. Owns: an executor that never moves. Claims nothing, writes nothing, calls no action; needs no registry, and no key:
 * what is sealed shows as `[secret]` (R46). Who asked what of the run is told by `auditTrail`. Cost: the run's decisions once
 * more.
 */
import { BelayError } from "../errors.ts";
import { MemoryJournal } from "../journal/memory.ts";
import type { Journal, JournalRecord } from "../journal/port.ts";
import { type CompiledProgram, compilePlan } from "../plan/compile.ts";
import { WAITING_POOL } from "../plan/compiled.ts";
import { deepFreeze } from "../plan/json.ts";
import { resolveLimits } from "../plan/limits.ts";
import { Actions } from "./actions.ts";
import type { ActionDefinition, Run } from "./api.ts";
import { systemClock } from "./clock.ts";
import { RunEmitter } from "./emitter.ts";
import type { Clock } from "./engine-api.ts";
import { Executor } from "./executor.ts";
import type { Host } from "./host.ts";
import { corrupt, openRun } from "./open-run.ts";
import { OwnPool, Pools, Slots } from "./pools.ts";
import { RunHandle } from "./run.ts";
import { SealKeys } from "./seal-keys.ts";
import { SubRuns } from "./sub-run.ts";
import { checkRecords, journaledPlan, UNLIMITED } from "./take-up.ts";
import { Timers } from "./timers.ts";

/** A run as its records say: where it stands, and what a verb would do (R38). */
export type StoredRun = Pick<Run, "id" | "snapshot" | "preview">;

/**
 * Reads a run of any journal, or of a reader of one. undefined when there is none of that id; JOURNAL_CORRUPT for records
 * that its plan cannot have made. Its snapshot is that of the last record; a preview lets deadlines that have passed by `clock`
 * pass first, as whoever takes the run up does (R26).
 */
export async function readStoredRun(
  journal: Pick<Journal, "read" | "list">,
  runId: string,
  clock: Clock = systemClock,
): Promise<StoredRun | undefined> {
  const stored = await journal.read(runId);
  if (stored === undefined) return undefined;
  checkRecords(runId, stored.records);
  const plan = journaledPlan(stored.header);
  const keys = new SealKeys();
  const { header, records, secrets } = openRun({ ...stored, header: deepFreeze(stored.header) }, { keys });
  const program = compilePlan(plan, header.items, resolveLimits(UNLIMITED));
  const locks = (await journal.list()).find((run) => run.runId === runId)?.locks ?? [];
  const lease = { runId, epoch: 0, tokens: Object.fromEntries(locks.map((resource) => [resource, 0])) };
  const host = stillHost(program, { keys, clock });
  const links = { emitter: new RunEmitter(() => undefined), live: new Map<string, number>() };
  const replay = (known: readonly JournalRecord[]): Executor =>
    new Executor({ header, program, lease, records: known, secrets }, host, links);
  try {
    const executor = replay(records);
    const run = new RunHandle(executor);
    const preview: StoredRun["preview"] = (request) =>
      new RunHandle(withOverdue(executor, records, replay)).preview(request);
    return { id: runId, snapshot: () => run.snapshot(), preview };
  } catch (error) {
    throw corrupt(runId, error instanceof Error ? error.message : String(error), error);
  }
}

/** What passed may have armed what has passed, too: a delay of 0. */
const MOST_ROUNDS = 8;

/** The run once all that is overdue has passed; the same one when nothing is. */
function withOverdue(
  executor: Executor,
  records: readonly JournalRecord[],
  replay: (records: readonly JournalRecord[]) => Executor,
): Executor {
  let [run, known] = [executor, records];
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const passed = run.overdue();
    if (passed.length === 0) return run;
    known = [...known, ...passed.map((input, place) => ({ seq: known.length + place, input }))];
    run = replay(known);
  }
  return run;
}

/** Nothing of it is ever asked for: the executor does not begin. */
function stillHost({ compiled }: CompiledProgram, { keys, clock }: Pick<Host, "keys" | "clock">): Host {
  const timers = new Timers(clock);
  const slots = new Slots(Number.POSITIVE_INFINITY);
  const still: ActionDefinition = { run: () => undefined };
  const named = compiled.pools.slice(1).filter((name) => name !== WAITING_POOL);
  const pools = Object.fromEntries(named.map((name) => [name, { concurrency: Number.POSITIVE_INFINITY }]));
  const nothing = (): undefined => undefined;
  const closedError = (): BelayError => new BelayError("CLOSED", "the run is only looked at");
  return {
    actions: new Actions({}, { "belay.poll": still, "belay.plan": still }),
    clock,
    keys,
    journal: new MemoryJournal(),
    limits: resolveLimits(UNLIMITED),
    plans: new Map(),
    pools: new Pools(pools, (_name, options) => new OwnPool(options, timers, clock)),
    slots,
    subRuns: new SubRuns({ plan: nothing, start: () => Promise.reject(closedError()), run: nothing, facts: nothing }),
    timers,
    releaseLater: () => undefined,
    closedError,
    faultError: (code, message, cause) => new BelayError(code, message, {}, cause),
  };
}
