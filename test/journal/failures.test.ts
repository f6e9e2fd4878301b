/**
 * R39, J2 (T6): a medium that refuses fails the write with JOURNAL_FAILED, its cause and the remedy; of what it refused
 * nothing stands that was not told; and once it takes writes again, the journal works again. Every append of a run is
 * tried, before and after the moment in which it became durable.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BelayError } from "@belay/engine";
import type { JournalRecord, Lease } from "@belay/engine/journal";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Connection, commitNow } from "../../packages/engine/src/journal/sqlite/connection.ts";
import { type Seams, SqliteJournal } from "../../packages/engine/src/journal/sqlite/journal.ts";
import { Child, reapChildren } from "./child-process.ts";
import { SILENT, sampleHeader, sampleRecord } from "./sample-run.ts";

let folder: string;
let journal: SqliteJournal;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "belay-failures-"));
});

afterEach(async () => {
  await reapChildren();
  journal.close("e");
  rmSync(folder, { recursive: true });
});

function opened(seams: Seams): SqliteJournal {
  journal = new SqliteJournal(join(folder, "journal.db"), { busyMs: 0 }, seams);
  journal.open("e", SILENT);
  return journal;
}

async function leaseOf(runId: string, locks: readonly string[] = []): Promise<Lease> {
  const made = await journal.create("e", sampleHeader(runId), locks);
  if (made.kind !== "created") throw new Error(JSON.stringify(made));
  return made.lease;
}

async function claim(runId: string): Promise<Lease> {
  const claimed = await journal.claim("e", runId);
  if (claimed.kind !== "claimed") throw new Error(JSON.stringify(claimed));
  return claimed.lease;
}

function append(lease: Lease, seq: number, count = 1): Promise<void> {
  const records = Array.from({ length: count }, (_, index) => sampleRecord(seq + index));
  return journal.append(lease, records, { status: "RUNNING", ended: false, at: seq });
}

async function failureOf(work: Promise<unknown>): Promise<BelayError> {
  const error = await work.then(() => undefined).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(BelayError);
  return error as BelayError;
}

function recordsOf(runId: string): readonly JournalRecord[] {
  return journal.read(runId)?.records ?? [];
}

/** What a disk says that fails at fsync, in SQLite's words: SQLITE_IOERR_FSYNC. */
function diskError(): Error {
  return Object.assign(new Error("disk I/O error"), { code: "ERR_SQLITE_ERROR", errcode: 1034 });
}

describe("a medium that refuses", () => {
  for (const moment of ["before", "after"] as const) {
    test(`R39: an error ${moment} the commit of any append fails it, and what follows goes on from what is there`, async () => {
      let failAt = 0;
      let commits = 0;
      const commit = (connection: Connection): void => {
        commits++;
        if (commits !== failAt || moment === "after") commitNow(connection);
        if (commits === failAt) throw diskError();
      };
      opened({ commit });
      for (let at = 1; at <= 6; at++) {
        const runId = `run-${at}`;
        const other = await leaseOf(`other-${at}`);
        let lease = await leaseOf(runId, [`lock-${at}`]);
        commits = 0;
        failAt = at;
        for (let seq = 0; seq < 6; seq++) {
          if (seq + 1 !== at) await append(lease, seq);
          else {
            const error = await failureOf(append(lease, seq));
            expect(error).toMatchObject({ code: "JOURNAL_FAILED", details: { sqlite: 1034 } });
            expect(error.message).toContain("journal.db");
            expect(error.message).toContain("check it and its limits, then recover");
            expect(error.cause).toBeInstanceOf(Error);
            expect(recordsOf(runId)).toHaveLength(moment === "after" ? seq + 1 : seq);
            await append(other, 0);
            lease = await claim(runId);
            if (moment === "before") await append(lease, seq);
          }
        }
        expect(recordsOf(runId)).toEqual([0, 1, 2, 3, 4, 5].map(sampleRecord));
        expect(lease.tokens).toEqual({ [`lock-${at}`]: 2 });
      }
    });
  }

  test("R39: a transaction that fails takes all its writes along, and no write of another turn", async () => {
    let broken = false;
    opened({
      commit: (connection) => {
        if (broken) throw diskError();
        commitNow(connection);
      },
    });
    const leases = await Promise.all(["a", "b", "c"].map((runId) => leaseOf(runId)));
    await Promise.all(leases.map((lease) => append(lease, 0)));
    broken = true;
    const writes = [
      ...leases.map((lease) => append(lease, 1)),
      journal.create("e", sampleHeader("d"), ["lock"]),
      journal.ask({ requestId: "q", runId: "a", verb: "retry", args: [], at: 1 }),
      journal.remove("b"),
      journal.release(leases[2] as Lease),
    ];
    for (const write of writes) expect((await failureOf(write)).code).toBe("JOURNAL_FAILED");
    broken = false;
    expect(journal.list()).toMatchObject(
      ["a", "b", "c"].map((runId) => ({ runId, records: 1, locks: [], owner: "e" })),
    );
    expect(() => journal.answerTo("q")).toThrow("no request q");
    await Promise.all(leases.map((lease) => append(lease, 1)));
    await leaseOf("d", ["lock"]);
  });

  test("R39: a refusal of one write fails that one, and none that shares its transaction", async () => {
    const commits: number[] = [];
    opened({
      commit: (connection) => {
        commits.push(1);
        commitNow(connection);
      },
    });
    const [old, other] = [await leaseOf("a", ["lock"]), await leaseOf("b")];
    const lease = await claim("a");
    commits.length = 0;
    const results = await Promise.allSettled([
      append(other, 0),
      append(old, 0),
      append(lease, 0, 2),
      journal.create("e", sampleHeader("a"), []),
      journal.create("e", sampleHeader("c"), ["lock"]),
      journal.ask({ requestId: "q", runId: "never", verb: "retry", args: [], at: 1 }),
      append(lease, 5),
      append(other, 1),
    ]);
    const codes = results.map((result) => (result.status === "fulfilled" ? "ok" : (result.reason as BelayError).code));
    expect(codes).toEqual(["ok", "FENCED", "ok", "JOURNAL_FAILED", "ok", "NOT_FOUND", "JOURNAL_FAILED", "ok"]);
    expect(commits).toHaveLength(1);
    expect([recordsOf("a").length, recordsOf("b").length]).toEqual([2, 2]);
  });

  test("R39: a full disk fails the append; the journal is what it was, and goes on when there is space", async () => {
    let pages = 1_000_000;
    const held: Connection[] = [];
    opened({
      opened: (connection) => {
        held.push(connection);
        connection.exec(`pragma max_page_count = ${pages}`);
      },
    });
    let lease = await leaseOf("run");
    await append(lease, 0);
    pages = 40;
    held.at(-1)?.exec("pragma max_page_count = 40");
    const big = (seq: number): JournalRecord => ({ ...sampleRecord(seq), payload: "x".repeat(20_000) });
    let seq = 1;
    let error: BelayError | undefined;
    while (error === undefined) {
      const written = journal.append(lease, [big(seq)], { status: "RUNNING", ended: false, at: 1 });
      error = await written.then(() => undefined).catch((reason: BelayError) => reason);
      if (error === undefined) seq++;
    }
    expect(error).toMatchObject({ code: "JOURNAL_FAILED", details: { sqlite: 13 } });
    expect(error.message).toContain("the disk is full: free space, then recover");
    expect(seq).toBeGreaterThan(1);
    expect(recordsOf("run")).toHaveLength(seq);
    expect((await failureOf(append(lease, seq, 2_000))).code).toBe("JOURNAL_FAILED");
    expect(journal.list()).toMatchObject([{ records: seq }]);
    pages = 1_000_000;
    held.at(-1)?.exec("pragma max_page_count = 1000000");
    lease = await claim("run");
    await journal.append(lease, [big(seq)], { status: "RUNNING", ended: false, at: 1 });
    expect(recordsOf("run")).toHaveLength(seq + 1);
  });

  test("R39: a file that cannot be written is told by name, and works once it can be", async () => {
    let readOnly = false;
    opened({ opened: (connection) => connection.exec(`pragma query_only = ${readOnly}`) });
    const lease = await leaseOf("run");
    journal.close("e");
    readOnly = true;
    expect(() => journal.open("e", SILENT)).toThrow(/journal.db: .*make the file and its directory writable/);
    readOnly = false;
    journal.open("e", SILENT);
    await append(await claim("run"), 0);
    expect((await failureOf(append(lease, 1))).code).toBe("FENCED");
  });

  test("R39: writes of another process that do not end fail the append, and are waited out first", async () => {
    opened({});
    const lease = await leaseOf("run");
    const other = new Connection(join(folder, "journal.db"), { busyMs: 0 });
    other.exec("begin immediate");
    const error = await failureOf(append(lease, 0));
    expect(error.message).toContain("another process holds its write lock");
    expect(recordsOf("run")).toEqual([]);
    other.exec("rollback");
    await append(await claim("run"), 0);
    other.close();
  });

  test("R39: a log never fails, whatever the medium does, and costs no append", async () => {
    opened({});
    const lease = await leaseOf("run");
    const other = new Connection(join(folder, "journal.db"), { busyMs: 0 });
    other.exec("begin immediate");
    journal.log([{ runId: "run", nodeId: "n", attempt: 1, at: 1, message: "lost" }]);
    expect(journal.logs("run")).toEqual([]);
    other.exec("rollback");
    other.close();
    journal.log([{ runId: "run", nodeId: "n", attempt: 1, at: 1, message: "kept", details: 1n as never }]);
    expect(journal.logs("run")).toEqual([{ runId: "run", nodeId: "n", attempt: 1, at: 1, message: "kept" }]);
    await append(await claim("run"), 0);
    expect((await failureOf(append(lease, 1))).code).toBe("FENCED");
  });

  test("R39: a payload that JSON cannot say fails its append alone", async () => {
    opened({});
    const lease = await leaseOf("run");
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    const wrong = { ...sampleRecord(0), payload: cycle as never };
    const failing = failureOf(journal.append(lease, [wrong], { status: "RUNNING", ended: false, at: 1 }));
    await append(lease, 0);
    expect((await failing).message).toContain("it cannot be written as JSON");
    expect(recordsOf("run")).toEqual([sampleRecord(0)]);
  });

  test("R39: a limit of the system on files fails the append as the disk does (real I/O error of a child)", async () => {
    opened({});
    journal.close("e");
    const child = new Child(["append", join(folder, "journal.db"), "3"], { before: `ulimit -f 400; exec "$@"` });
    await child.ended();
    expect(child.errors).toContain("JOURNAL_FAILED");
    expect(child.errors).toContain("the disk failed: check it and its limits, then recover");
    const answered = new Map(child.lines.map((line) => [line.split(" ")[0], Number(line.split(" ")[1])]));
    expect(answered.size).toBe(3);
    journal.open("e", SILENT);
    for (const [runId, count] of answered) expect(recordsOf(runId as string).length).toBeGreaterThanOrEqual(count);
    await append(await claim("run-a"), recordsOf("run-a").length);
  }, 60_000);
});
