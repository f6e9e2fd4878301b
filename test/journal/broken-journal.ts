/**
 * A journal that breaks a promise: the journal in memory with some of its methods replaced. Owns: how one is made and put
 * under the conformance cases. What can be wrong is in `broken-records.ts` and `broken-locks.ts`.
 */
import { type Journal, type JournalRecord, type Lease, MemoryJournal } from "@belay/engine/journal";
import type { JournalHarness } from "@belay/engine/testing";
import { SlotTable, sharingSlots } from "./shared-slots.ts";

/** One thing that is wrong with a journal. */
export interface BrokenJournal {
  /** What it does, as a verb phrase. */
  readonly does: string;
  /** The methods that are wrong. */
  readonly methods?: (base: MemoryJournal) => Partial<Journal>;
  /** What is wrong with how it counts slots. */
  readonly slots?: (table: SlotTable) => Partial<Journal>;
  /** What a crash leaves, when that is wrong. */
  readonly crash?: (base: MemoryJournal) => MemoryJournal;
  /** A crash leaves the slots taken. */
  readonly keepsSlots?: true;
  /** Default "many". */
  readonly engines?: "one" | "many";
}

interface Medium {
  base: MemoryJournal;
  slots: SlotTable;
}

/** The harness of a broken journal. */
export function harnessOf(broken: BrokenJournal): JournalHarness<Medium> {
  const wired = new WeakMap<MemoryJournal, Journal>();
  const connect = ({ base, slots }: Medium): Journal => {
    const known = wired.get(base) ?? {
      ...sharingSlots(base, slots),
      ...broken.methods?.(base),
      ...broken.slots?.(slots),
    };
    wired.set(base, known);
    return known;
  };
  return {
    engines: broken.engines ?? "many",
    sharesSlots: true,
    fresh: () => ({ base: new MemoryJournal(), slots: newTable() }),
    connect,
    crash: (medium) => {
      medium.base = (broken.crash ?? ((base) => base.afterCrash()))(medium.base);
      if (broken.keepsSlots !== true) medium.slots = newTable();
    },
    outsider: connect,
  };
}

function newTable(): SlotTable {
  return new SlotTable(() => 0);
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
