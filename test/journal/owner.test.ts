/**
 * R44: one engine per journal file, across processes, and no longer than it lives. Somebody who reads is never in the way.
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import type { BelayError } from "@belay/engine";
import { openSqliteJournal, openSqliteReader } from "@belay/engine/sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Child, reapChildren } from "./child-process.ts";
import { expectedRecord } from "./journal-child.ts";
import { SILENT, sampleHeader } from "./sample-run.ts";

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "belay-owner-"));
  file = join(folder, "journal.db");
});

afterEach(async () => {
  await reapChildren();
  rmSync(folder, { recursive: true });
});

function refusal(work: () => unknown): BelayError {
  try {
    work();
  } catch (error) {
    return error as BelayError;
  }
  throw new Error("it was not refused");
}

describe("the owner of a journal file", () => {
  test("R44: an engine of another process is named, and its journal is free once it was killed", async () => {
    const child = new Child(["hold", file]);
    await child.said(1);
    const mine = openSqliteJournal(file);
    const refused = refusal(() => mine.open("mine", SILENT));
    expect(refused.code).toBe("JOURNAL_IN_USE");
    expect(refused.details["owner"]).toMatchObject({ engine: `child-${child.pid}`, pid: child.pid, host: hostname() });
    expect(refused.message).toContain(`process ${child.pid} on ${hostname()}`);
    expect(refused.message).toContain("openSqliteReader");
    await child.kill();
    mine.open("mine", SILENT);
    expect(mine.list()).toMatchObject([{ runId: "held", owner: null, records: 2, locks: ["lock of held"] }]);
    const claimed = await mine.claim("mine", "held");
    expect(claimed).toMatchObject({ kind: "claimed", lease: { epoch: 2, tokens: { "lock of held": 2 } } });
    mine.close("mine");
  }, 60_000);

  test("R37, R44: while it lives, others read and ask; after its death they see that nobody owns the run", async () => {
    const child = new Child(["hold", file]);
    await child.said(1);
    const reader = openSqliteReader(file);
    expect(reader.list()).toMatchObject([{ runId: "held", owner: "child", records: 2 }]);
    expect(reader.read("held")?.records).toEqual([0, 1].map((seq) => expectedRecord("held", seq)));
    reader.ask({ requestId: "r", runId: "held", verb: "cancel", args: [], at: 1 });
    expect(reader.answerTo("r")).toBeUndefined();
    await child.kill();
    expect(reader.list()).toMatchObject([{ runId: "held", owner: null }]);
    reader.close();
    const mine = openSqliteJournal(file);
    mine.open("mine", SILENT);
    await mine.claim("mine", "held");
    expect(mine.takeRequests("mine")).toMatchObject([{ requestId: "r", verb: "cancel" }]);
    mine.close("mine");
  }, 60_000);

  test("R44: within one process a second journal on the file is refused, by whatever name", () => {
    const link = join(folder, "link.db");
    symlinkSync(file, link);
    mkdirSync(join(folder, "in"));
    const first = openSqliteJournal(file);
    first.open("first", SILENT);
    for (const name of [file, link, join(folder, "in", "..", "journal.db")]) {
      expect(refusal(() => openSqliteJournal(name).open("second", SILENT))).toMatchObject({
        code: "JOURNAL_IN_USE",
        details: { owner: { engine: "first", pid: process.pid } },
      });
    }
    expect(refusal(() => first.open("second", SILENT)).code).toBe("JOURNAL_IN_USE");
    first.close("second");
    expect(refusal(() => openSqliteJournal(file).open("second", SILENT)).code).toBe("JOURNAL_IN_USE");
    first.close("first");
    const second = openSqliteJournal(link);
    second.open("second", SILENT);
    second.close("second");
  });

  test("R44: looking whether a journal is owned takes it from nobody", async () => {
    const first = openSqliteJournal(file);
    first.open("first", SILENT);
    await first.create("first", sampleHeader("run-1"), []);
    const reader = openSqliteReader(file);
    for (let looks = 0; looks < 50; looks++) expect(reader.list()).toMatchObject([{ owner: "first" }]);
    expect(refusal(() => openSqliteJournal(file).open("second", SILENT)).code).toBe("JOURNAL_IN_USE");
    reader.close();
    first.close("first");
  });

  test("R45: a file that is gone, and held a journal, is not begun anew in silence", () => {
    const journal = openSqliteJournal(file);
    journal.open("first", SILENT);
    journal.close("first");
    rmSync(file);
    const refused = refusal(() => journal.open("first", SILENT));
    expect(refused).toMatchObject({ code: "JOURNAL_CORRUPT" });
    expect(refused.message).toContain("remove");
    rmSync(`${file}-owner`);
    journal.open("first", SILENT);
    journal.close("first");
  });

  test("R39: a file that is moved away under its engine answers no write any more, until it is back", async () => {
    const journal = openSqliteJournal(file);
    journal.open("first", SILENT);
    await journal.create("first", sampleHeader("run-1"), []);
    renameSync(file, `${file}-away`);
    await expect(journal.create("first", sampleHeader("run-2"), [])).rejects.toMatchObject({ code: "JOURNAL_CORRUPT" });
    expect(refusal(() => journal.list()).message).toContain("put it back");
    const other = openSqliteJournal(file);
    expect(refusal(() => other.open("other", SILENT)).code).toBe("JOURNAL_IN_USE");
    renameSync(`${file}-away`, file);
    await journal.create("first", sampleHeader("run-2"), []);
    expect(journal.list().map(({ runId }) => runId)).toEqual(["run-1", "run-2"]);
    journal.close("first");
  });

  test("before an engine opens it a journal touches nothing, and serves nothing", async () => {
    const journal = openSqliteJournal(file);
    journal.log([{ runId: "r", nodeId: "n", attempt: 1, at: 1, message: "m" }]);
    journal.close("nobody");
    expect(refusal(() => journal.list()).message).toContain("no engine has opened it");
    await expect(journal.claim("e", "r")).rejects.toMatchObject({ code: "JOURNAL_FAILED" });
    expect(refusal(() => openSqliteReader(file)).message).toContain("no such file");
  });

  test("a path or an option that makes no sense is INVALID_ARGUMENT", () => {
    const wrong: (() => unknown)[] = [
      () => openSqliteJournal(""),
      () => openSqliteJournal(":memory:"),
      () => openSqliteJournal("a\0b"),
      () => openSqliteJournal(file, { durability: "fast" as "full" }),
      () => openSqliteJournal(file, { pollMs: 0 }),
      () => openSqliteJournal(file, { busyMs: 0.5 }),
      () => openSqliteJournal(file, { sync: true } as object),
      () => openSqliteReader(file, { durability: "full" } as object),
    ];
    for (const work of wrong) expect(refusal(work).code).toBe("INVALID_ARGUMENT");
    expect(refusal(() => openSqliteJournal(join(folder, "none", "j.db")).open("e", SILENT)).message).toContain(
      "make it first",
    );
  });
});
