/**
 * R39, J1: what is written in one turn of the event loop is durable by one commit, and the engine's runs on a SQLite journal
 * are those that the journal in memory has.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEngine, definePlan } from "@belay/engine";
import { type Journal, type JournalRecord, MemoryJournal } from "@belay/engine/journal";
import { openSqliteJournal, openSqliteReader } from "@belay/engine/sqlite";
import { ManualClock } from "@belay/engine/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { commitNow } from "../../packages/engine/src/journal/sqlite/connection.ts";
import { SqliteJournal } from "../../packages/engine/src/journal/sqlite/journal.ts";
import { SILENT, sampleHeader, sampleRecord } from "./sample-run.ts";

let folder: string;
let file: string;
let commits: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "belay-group-"));
  file = join(folder, "journal.db");
  commits = 0;
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function counting(): SqliteJournal {
  const commit = (connection: Parameters<typeof commitNow>[0]): void => {
    commits++;
    commitNow(connection);
  };
  return new SqliteJournal(file, {}, { commit });
}

const CHAIN = definePlan({
  belay: 1,
  name: "chain",
  locks: ["cluster"],
  nodes: Array.from({ length: 10 }, (_, v) => ({ id: `n${v}`, action: "x", upstreams: v === 0 ? [] : [`n${v - 1}`] })),
});

/** Runs the chain to its end; its records, which a manual clock makes equal from journal to journal. */
async function recordsOf(journal: Journal): Promise<readonly JournalRecord[]> {
  const actions = { x: async () => ({ done: true }) };
  const engine = await createEngine({ actions, journal, clock: new ManualClock() });
  const run = await engine.start(CHAIN, { runId: "run", seed: 1 });
  expect((await run.settled()).status).toBe("SUCCESSFUL");
  const stored = await journal.read("run");
  await engine.close();
  return stored?.records ?? [];
}

describe("group commit", () => {
  test("J1 (R39): appends of one turn share a commit, whatever else is written with them", async () => {
    const journal = counting();
    journal.open("e", SILENT);
    const ids = Array.from({ length: 16 }, (_, index) => `run-${index}`);
    const made = await Promise.all(ids.map((runId) => journal.create("e", sampleHeader(runId), [])));
    expect(commits).toBe(1);
    const leases = made.flatMap((result) => (result.kind === "created" ? [result.lease] : []));
    for (let seq = 0; seq < 3; seq++) {
      const progress = { status: "RUNNING", ended: false, at: seq } as const;
      await Promise.all([
        ...leases.map((lease) => journal.append(lease, [sampleRecord(seq)], progress)),
        journal.ask({ requestId: `q${seq}`, runId: "run-0", verb: "retry", args: [], at: seq }),
      ]);
    }
    expect(commits).toBe(4);
    journal.log([{ runId: "run-0", nodeId: "n", attempt: 1, at: 1, message: "m" }]);
    journal.logs("run-0");
    expect(commits, "lines are no commit of appends").toBe(4);
    journal.close("e");
  });

  test("R39: a chain of n nodes costs one commit per batch of its inputs", async () => {
    const records = await recordsOf(counting());
    // The run itself, its start, its first dispatch, then each answer with the dispatch that follows it.
    expect(commits).toBe(3 + CHAIN.document.nodes.length);
    expect(records.length).toBeGreaterThan(1.5 * commits);
  });

  test("R50: an engine writes to a SQLite file what it writes to memory, byte by byte", async () => {
    const inFile = await recordsOf(openSqliteJournal(file));
    expect(JSON.stringify(inFile)).toBe(JSON.stringify(await recordsOf(new MemoryJournal())));
    const reader = openSqliteReader(file);
    expect(reader.list()).toMatchObject([{ runId: "run", status: "SUCCESSFUL", ended: true, locks: [], owner: null }]);
    reader.close();
  });

  test("R39: close writes what waits, and whoever waits for it is answered", async () => {
    const journal = counting();
    journal.open("e", SILENT);
    const made = journal.create("e", sampleHeader("run"), []);
    journal.log([{ runId: "run", nodeId: "n", attempt: 1, at: 1, message: "before the run is there" }]);
    journal.close("e");
    expect((await made).kind).toBe("created");
    journal.open("e", SILENT);
    expect(journal.list()).toMatchObject([{ runId: "run", owner: null }]);
    journal.close("e");
  });

  test("durability normal keeps the order of things, without an fsync per commit", async () => {
    const records = await recordsOf(openSqliteJournal(file, { durability: "normal" }));
    expect(JSON.stringify(records)).toBe(JSON.stringify(await recordsOf(new MemoryJournal())));
  });
});
