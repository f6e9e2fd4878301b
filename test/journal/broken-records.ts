/**
 * What can be wrong with a journal's records, and with who may write them: one promise broken each.
 */
import { BelayError } from "@belay/engine";
import type { JournalRecord, Lease, MemoryJournal } from "@belay/engine/journal";
import { type BrokenJournal, leases, payloads, reading } from "./broken-journal.ts";

/** Payload through JSON, each value changed on the way. */
function each(change: (value: unknown) => unknown): (payload: unknown) => unknown {
  return (payload) => JSON.parse(JSON.stringify(payload), (_key, value: unknown) => change(value));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export const BROKEN_RECORDS: readonly BrokenJournal[] = [
  { does: "loses the order of records", ...reading((records) => records.toReversed()) },
  { does: "loses the last record", ...reading((records) => records.slice(0, -1)) },
  { does: "keeps a thousand records", ...reading((records) => records.slice(0, 1_000)) },
  {
    does: "takes null for no payload",
    ...reading(
      (records) =>
        records.map(({ payload, ...rest }) => (payload === null ? rest : { ...rest, payload })) as JournalRecord[],
    ),
  },
  {
    does: "mends half surrogates",
    ...payloads(each((value) => (typeof value === "string" ? Buffer.from(value).toString() : value))),
  },
  { does: "loses __proto__", ...payloads((payload) => (isObject(payload) ? Object.assign({}, payload) : payload)) },
  {
    does: "orders keys anew",
    ...payloads(each((value) => (isObject(value) ? Object.fromEntries(Object.entries(value).toReversed()) : value))),
  },
  { does: "rounds numbers", ...payloads(each((value) => (typeof value === "number" ? Math.fround(value) : value))) },
  {
    does: "does not know a run without records",
    methods: (base) => ({ read: (id) => (base.read(id)?.records.length ? base.read(id) : undefined) }),
  },
  {
    does: "keeps no parameters",
    methods: (base) => ({ create: (engine, header, locks) => base.create(engine, { ...header, params: {} }, locks) }),
  },
  { does: "answers the records it goes on writing to", methods: growing },
  { does: "keeps the caller's batch", methods: borrowing },
  {
    does: "takes run ids for the same in another case",
    methods: (base) => ({
      create: (engine, header, locks) => base.create(engine, { ...header, runId: header.runId.toLowerCase() }, locks),
      read: (id) => base.read(id.toLowerCase()),
    }),
  },
  {
    does: "finds a run by the beginning of its id",
    methods: (base) => ({
      read: (id) => base.read(base.list().find(({ runId }) => runId.startsWith(id))?.runId ?? id),
    }),
  },
  { does: "lists the youngest first", methods: (base) => ({ list: () => base.list().toReversed() }) },
  { does: "removes nothing", methods: () => ({ remove: () => {} }) },
  {
    does: "fails to remove what is not there",
    methods: (base) => ({
      remove: (id) => {
        if (base.read(id) === undefined) throw new BelayError("NOT_FOUND", "no such run");
        base.remove(id);
      },
    }),
  },
  {
    does: "overwrites a run whose id is taken",
    methods: (base) => ({
      create: (engine, header, locks) => {
        base.remove(header.runId);
        return base.create(engine, header, locks);
      },
    }),
  },
];

function growing(base: MemoryJournal): ReturnType<Required<BrokenJournal>["methods"]> {
  const known = new Map<string, JournalRecord[]>();
  const lists: ReturnType<MemoryJournal["list"]>[] = [];
  return {
    append: (lease, records, progress) => {
      base.append(lease, records, progress);
      known.get(lease.runId)?.push(...records);
    },
    read: (runId) => {
      const run = base.read(runId);
      if (run === undefined) return undefined;
      known.set(runId, known.get(runId) ?? [...run.records]);
      return { header: run.header, records: known.get(runId) as JournalRecord[] };
    },
    list: () => {
      lists.push(base.list());
      return lists.at(-1) as ReturnType<MemoryJournal["list"]>;
    },
  };
}

function borrowing(base: MemoryJournal): ReturnType<Required<BrokenJournal>["methods"]> {
  const batches = new Map<string, (readonly JournalRecord[])[]>();
  return {
    append: (lease, records, progress) => {
      base.append(lease, records, progress);
      batches.set(lease.runId, [...(batches.get(lease.runId) ?? []), records]);
    },
    read: (runId) => {
      const run = base.read(runId);
      return run === undefined ? undefined : { ...run, records: (batches.get(runId) ?? []).flat() };
    },
  };
}

export const BROKEN_OWNERS: readonly BrokenJournal[] = [
  { does: "forgets to check the epoch", ...leases((lease) => lease, true) },
  { does: "grants the same epoch for ever", ...leases((lease) => ({ ...lease, epoch: 1 }), true) },
  {
    does: "keeps silent about a fenced append",
    methods: (base) => ({
      append: (lease, records, progress) => {
        if (
          base.read(lease.runId) !== undefined &&
          base.list().find(({ runId }) => runId === lease.runId)?.owner === null
        )
          return;
        base.append(lease, records, progress);
      },
    }),
  },
  { does: "frees the locks although the append is fenced", methods: endsBeforeItChecks },
  {
    does: "releases whatever the epoch",
    methods: (base) => {
      const last = new Map<string, Lease>();
      const kept = <T extends object>(result: T): T => {
        if ("lease" in result) last.set((result.lease as Lease).runId, result.lease as Lease);
        return result;
      };
      return {
        create: (engine, header, locks) => kept(base.create(engine, header, locks)),
        claim: (engine, runId) => kept(base.claim(engine, runId)),
        release: ({ runId }) => base.release(last.get(runId) as Lease),
      };
    },
  },
  {
    does: "fails to release an unknown run",
    methods: (base) => ({
      release: (lease) => {
        if (base.read(lease.runId) === undefined) throw new BelayError("NOT_FOUND", "no such run");
        base.release(lease);
      },
    }),
  },
  {
    does: "claims what is not there",
    methods: (base) => ({
      claim: (engine, runId) => {
        const result = base.claim(engine, runId);
        return result.kind === "unknown" ? { kind: "held", by: "nobody" } : result;
      },
    }),
  },
  { does: "releases nothing at close", methods: () => ({ close: () => {} }) },
  {
    does: "claims nothing that has ended",
    methods: (base) => ({
      claim: (engine, runId) => {
        return base.list().some((run) => run.runId === runId && run.ended)
          ? { kind: "unknown" }
          : base.claim(engine, runId);
      },
    }),
  },
  {
    does: "gives a run to anyone who claims it",
    methods: (base) => ({
      claim: (engine, runId) => {
        const owner = base.list().find((run) => run.runId === runId)?.owner;
        return typeof owner === "string" ? { ...base.claim(owner, runId) } : base.claim(engine, runId);
      },
    }),
  },
  {
    does: "closes for all engines at once",
    methods: (base) => ({
      close: () => {
        for (const { owner } of base.list()) if (owner !== null) base.close(owner);
      },
    }),
  },
  {
    does: "writes what the second engine says to the first run",
    methods: (base) => ({
      append: (lease, records, progress) => {
        if (lease.runId.startsWith("engine-b")) return;
        base.append(lease, records, progress);
      },
    }),
  },
  { does: "lets a second engine in", engines: "one" },
];

function endsBeforeItChecks(base: MemoryJournal): ReturnType<Required<BrokenJournal>["methods"]> {
  const ended = new Set<string>();
  return {
    append: (lease, records, progress) => {
      if (progress.ended) ended.add(lease.runId);
      base.append(lease, records, progress);
    },
    list: () => base.list().map((run) => (ended.has(run.runId) ? { ...run, locks: [] } : run)),
  };
}
