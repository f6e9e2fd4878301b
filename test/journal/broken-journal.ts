/**
 * A journal that breaks a promise: the journal in memory with some of its methods replaced. Owns: how one is made and put
 * under the conformance cases. What can be wrong is in `broken-records.ts` and `broken-locks.ts`.
 */
import { type Journal, type JournalRecord, type Lease, MemoryJournal } from "@belay/engine/journal";
import type { JournalHarness } from "@belay/engine/testing";

/** One thing that is wrong with a journal. */
export interface BrokenJournal {
  /** What it does, as a verb phrase. */
  readonly does: string;
  /** The methods that are wrong. */
  readonly methods?: (base: MemoryJournal) => Partial<Journal>;
  /** What a crash leaves, when that is wrong. */
  readonly crash?: (base: MemoryJournal) => MemoryJournal;
  /** Default "many". */
  readonly engines?: "one" | "many";
}

/** The harness of a broken journal. */
export function harnessOf(broken: BrokenJournal): JournalHarness<{ base: MemoryJournal }> {
  const wired = new WeakMap<MemoryJournal, Journal>();
  const connect = ({ base }: { base: MemoryJournal }): Journal => {
    const known = wired.get(base) ?? { ...wire(base), ...broken.methods?.(base) };
    wired.set(base, known);
    return known;
  };
  return {
    engines: broken.engines ?? "many",
    fresh: () => ({ base: new MemoryJournal() }),
    connect,
    crash: (medium) => {
      medium.base = (broken.crash ?? ((base) => base.afterCrash()))(medium.base);
    },
    outsider: connect,
  };
}

/** Every method of the journal in memory, each bound to it. */
function wire(base: MemoryJournal): Journal {
  return {
    open: (engine, listener) => base.open(engine, listener),
    create: (engine, header, locks) => base.create(engine, header, locks),
    claim: (engine, runId) => base.claim(engine, runId),
    append: (lease, records, progress) => base.append(lease, records, progress),
    release: (lease) => base.release(lease),
    read: (runId) => base.read(runId),
    list: () => base.list(),
    ask: (request) => base.ask(request),
    takeRequests: (engine) => base.takeRequests(engine),
    answer: (requestId, answer) => base.answer(requestId, answer),
    answerTo: (requestId) => base.answerTo(requestId),
    log: (lines) => base.log(lines),
    logs: (runId) => base.logs(runId),
    remove: (runId) => base.remove(runId),
    close: (engine) => base.close(engine),
  };
}

/** `read` whose records are changed on the way. */
export function reading(change: (records: readonly JournalRecord[]) => readonly JournalRecord[]): Methods {
  return {
    methods: (base) => ({
      read: (runId) => {
        const run = base.read(runId);
        return run === undefined ? undefined : { header: run.header, records: change(run.records) };
      },
    }),
  };
}

/** `read` whose payloads are changed on the way. */
export function payloads(change: (payload: unknown) => unknown): Methods {
  const changed = (record: JournalRecord): JournalRecord => {
    return "payload" in record ? ({ ...record, payload: change(record.payload) } as JournalRecord) : record;
  };
  return reading((records) => records.map(changed));
}

/** Grants whose leases are changed on the way; with `trusting`, the journal is told the true ones back. */
export function leases(change: (lease: Lease) => Lease, trusting = false): Methods {
  return {
    methods: (base) => {
      const last = new Map<string, Lease>();
      const kept = <T extends object>(result: T): T => {
        if (!("lease" in result)) return result;
        const lease = result.lease as Lease;
        last.set(lease.runId, lease);
        return { ...result, lease: change(lease) };
      };
      return {
        create: (engine, header, locks) => kept(base.create(engine, header, locks)),
        claim: (engine, runId) => kept(base.claim(engine, runId)),
        append: (lease, records, progress) =>
          base.append((trusting ? last.get(lease.runId) : undefined) ?? lease, records, progress),
      };
    },
  };
}

type Methods = Pick<Required<BrokenJournal>, "methods">;
