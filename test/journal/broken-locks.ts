/**
 * What can be wrong with what a journal grants, tells and keeps over a crash: one promise broken each.
 */
import { BelayError } from "@belay/engine";
import { MemoryJournal, type OperatorRequest } from "@belay/engine/journal";
import { type BrokenJournal, leases } from "./broken-journal.ts";

export const BROKEN_LOCKS: readonly BrokenJournal[] = [
  {
    does: "reuses fencing tokens",
    ...leases(
      (lease) => ({ ...lease, tokens: Object.fromEntries(Object.keys(lease.tokens).map((name) => [name, 1])) }),
      true,
    ),
  },
  { does: "gives no tokens", ...leases((lease) => ({ ...lease, tokens: {} }), true) },
  {
    does: "forgets client tokens",
    methods: (base) => ({
      create: (engine, header, locks) => base.create(engine, { ...header, clientToken: null }, locks),
    }),
  },
  {
    does: "keeps client tokens for ever",
    methods: (base) => {
      const known = new Map<string, string>();
      return {
        create: (engine, header, locks) => {
          const runId = header.clientToken === null ? undefined : known.get(header.clientToken);
          if (runId !== undefined)
            return { kind: "existing", runId, requestHash: base.read(runId)?.header.requestHash ?? "" };
          const result = base.create(engine, header, locks);
          if (result.kind === "created" && header.clientToken !== null) known.set(header.clientToken, header.runId);
          return result;
        },
      };
    },
  },
  { does: "takes no locks", methods: (base) => ({ create: (engine, header) => base.create(engine, header, []) }) },
  {
    does: "writes the run although a lock is held",
    methods: (base) => ({
      create: (engine, header, locks) => {
        const result = base.create(engine, header, locks);
        if (result.kind === "locked" && base.read(header.runId) === undefined) base.create(engine, header, []);
        return result;
      },
    }),
  },
  {
    does: "frees no lock at the end",
    methods: (base) => ({
      append: (lease, records, progress) => base.append(lease, records, { ...progress, ended: false }),
    }),
  },
  {
    does: "frees locks at every append",
    methods: (base) => ({
      append: (lease, records, progress) => base.append(lease, records, { ...progress, ended: true }),
    }),
  },
  {
    does: "frees locks at a release",
    methods: (base) => ({
      release: (lease) => {
        try {
          base.append(lease, [], { status: "RUNNING", ended: true, at: 0 });
        } catch {}
        base.release(lease);
      },
    }),
  },
  {
    does: "takes lock names for the same in another case",
    methods: (base) => ({
      create: (engine, header, locks) =>
        base.create(
          engine,
          header,
          locks.map((name) => name.toLowerCase()),
        ),
    }),
  },
  {
    does: "keeps the locks of a removed run",
    methods: (base) => {
      const held = new Map<string, string>();
      return {
        create: (engine, header, locks) => {
          const taken = locks.find((name) => held.has(name));
          const gone = taken !== undefined && base.read(held.get(taken) as string) === undefined;
          if (gone) return { kind: "locked", resource: taken, heldBy: held.get(taken) as string };
          const result = base.create(engine, header, locks);
          if (result.kind === "created") for (const name of locks) held.set(name, header.runId);
          return result;
        },
      };
    },
  },
  {
    does: "checks before it waits, and takes after",
    methods: (base) => ({
      create: async (engine, header, locks) => {
        const free = !base
          .list()
          .some(
            (run) =>
              run.locks.some((name) => locks.includes(name)) ||
              (header.clientToken !== null && run.clientToken === header.clientToken),
          );
        await null;
        return base.create(engine, free ? { ...header, clientToken: null } : header, free ? [] : locks);
      },
    }),
  },
];

export const BROKEN_ANSWERS: readonly BrokenJournal[] = [
  {
    does: "takes requests youngest first",
    methods: (base) => ({ takeRequests: (engine) => base.takeRequests(engine).toReversed() }),
  },
  {
    does: "loses arguments of a request",
    methods: (base) => ({ ask: (request) => base.ask({ ...request, args: request.args.slice(0, 2) }) }),
  },
  { does: "keeps a request that is asked twice twice", methods: askingAgain },
  {
    does: "takes the last answer",
    methods: (base) => {
      const answers = new Map<string, Parameters<MemoryJournal["answer"]>[1]>();
      return {
        answer: (requestId, answer) => {
          answers.set(requestId, answer);
          base.answer(requestId, answer);
        },
        answerTo: (requestId) => answers.get(requestId) ?? base.answerTo(requestId),
      };
    },
  },
  {
    does: "answers for what was never asked",
    methods: (base) => ({
      answerTo: (requestId) => {
        try {
          return base.answerTo(requestId);
        } catch {
          return undefined;
        }
      },
    }),
  },
  {
    does: "refuses a request without an owner",
    methods: (base) => ({
      ask: (request) => {
        if (base.list().some((run) => run.runId === request.runId && run.owner === null)) return;
        base.ask(request);
      },
    }),
  },
  {
    does: "tells nobody that it was asked",
    methods: (base) => ({
      open: (engine) => base.open(engine, { lost: () => {}, orphaned: () => {}, asked: () => {} }),
    }),
  },
  {
    does: "takes the requests of all engines",
    methods: (base) => ({
      takeRequests: () => [
        ...new Set(base.list().flatMap(({ owner }) => (owner === null ? [] : base.takeRequests(owner)))),
      ],
    }),
  },
  { does: "loses lines", methods: (base) => ({ log: (lines) => base.log(lines.slice(0, 300)) }) },
  {
    does: "loses details of lines",
    methods: (base) => ({ log: (lines) => base.log(lines.map(({ details: _, ...line }) => line)) }),
  },
  {
    does: "keeps the lines of a removed run",
    methods: (base) => {
      const lines = new Map<string, ReturnType<MemoryJournal["logs"]>>();
      return {
        logs: (runId) => {
          const found = base.logs(runId);
          if (found.length > 0) lines.set(runId, found);
          return found.length > 0 ? found : (lines.get(runId) ?? []);
        },
      };
    },
  },
  {
    does: "fails on a line with a control letter",
    methods: (base) => ({
      log: (lines) => {
        if (lines.some(({ message }) => message.includes("\u0000")))
          throw new BelayError("JOURNAL_FAILED", "no such letter");
        base.log(lines);
      },
    }),
  },
];

function askingAgain(base: MemoryJournal): ReturnType<Required<BrokenJournal>["methods"]> {
  const asked: OperatorRequest[] = [];
  return {
    ask: (request) => {
      base.ask(request);
      asked.push(request);
    },
    takeRequests: (engine) => {
      const open = base.takeRequests(engine).map(({ requestId }) => requestId);
      return asked.filter(({ requestId }) => open.includes(requestId));
    },
  };
}

export const BROKEN_CRASHES: readonly BrokenJournal[] = [
  { does: "loses everything in a crash", crash: () => new MemoryJournal() },
  { does: "keeps owners over a crash", crash: (base) => base },
  { does: "loses the last record of a run in a crash", crash: cutting },
  { does: "brings removed runs back after a crash", methods: () => ({ remove: () => {} }) },
];

/** What is left when the last record of every run was not flushed. */
function cutting(base: MemoryJournal): MemoryJournal {
  const left = new MemoryJournal();
  for (const run of base.list()) {
    const { header, records } = base.read(run.runId) as NonNullable<ReturnType<MemoryJournal["read"]>>;
    const made = left.create("gone", header, run.locks);
    if (made.kind === "created")
      left.append(made.lease, records.slice(0, -1), { status: run.status, ended: run.ended, at: run.at });
  }
  left.close("gone");
  return left;
}
