/** R45: a journal file that may only be read, and nothing be made beside it; files that hold no journal. */
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openSqliteJournal, openSqliteReader } from "@belay/engine/sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isStill, seemsOwned } from "../../packages/engine/src/journal/sqlite/still-file.ts";
import { Child, reapChildren } from "./child-process.ts";
import { SILENT, sampleHeader } from "./sample-run.ts";

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "belay-still-"));
  file = join(folder, "journal.db");
});

afterEach(async () => {
  await reapChildren();
  chmodSync(folder, 0o755);
  rmSync(folder, { recursive: true });
});

/** A journal of one run, closed. */
async function closed(): Promise<void> {
  const journal = openSqliteJournal(file);
  journal.open("e", SILENT);
  await journal.create("e", sampleHeader("r1"), ["one"]);
  journal.close("e");
}

describe("a file that only may be read", () => {
  test("R45: is read as it stands by a process that may write nothing there, which leaves nothing", async () => {
    await closed();
    chmodSync(file, 0o444);
    chmodSync(`${file}-owner`, 0o444);
    chmodSync(folder, 0o555);
    const before = readdirSync(folder);
    // Root may write everywhere: it looks as somebody who may not.
    const isRoot = process.getuid?.() === 0;
    const child = new Child(["look", file], isRoot ? { as: 65_534 } : {});
    expect(await child.ended(), child.errors).toBe(0);
    expect(child.lines).toEqual([JSON.stringify({ runs: ["r1"], owners: [null], read: "r1", logs: 0 })]);
    expect(readdirSync(folder)).toEqual(before);
  }, 60_000);

  test("R45: counts as such only without a write-ahead log, and where nothing can be made", async () => {
    await closed();
    expect(isStill(file, () => true)).toBe(false);
    expect(isStill(file, () => false)).toBe(true);
    writeFileSync(`${file}-wal`, "");
    expect(isStill(file, () => false)).toBe(false);
  });

  test("R44: has an owner while there is a log and the owner's process, where its lock cannot be tried", async () => {
    const me = { host: hostname(), pid: process.pid };
    expect(seemsOwned(file, me)).toBe(false);
    writeFileSync(`${file}-wal`, "");
    expect(seemsOwned(file, me)).toBe(true);
    expect(seemsOwned(file, undefined)).toBe(false);
    expect(seemsOwned(file, { host: `not-${hostname()}`, pid: 1 })).toBe(true);
    const child = new Child(["hold", join(folder, "other.db")]);
    await child.said(1);
    expect(seemsOwned(file, { host: hostname(), pid: child.pid })).toBe(true);
    await child.kill();
    expect(seemsOwned(file, { host: hostname(), pid: child.pid })).toBe(false);
  }, 60_000);
});

describe("a file that holds no journal", () => {
  test("R45: empty, it is called that by who looks; an engine begins one in it", () => {
    writeFileSync(file, "");
    expect(() => openSqliteReader(file)).toThrow(/: the file is empty: it holds no journal$/);
    const journal = openSqliteJournal(file);
    journal.open("e", SILENT);
    expect(journal.list()).toEqual([]);
    journal.close("e");
  });

  test.each([
    ["text", () => writeFileSync(file, "belay: 1\nname: p\n".repeat(100))],
    ["a database of somebody else", () => new DatabaseSync(file).exec("create table t (a)")],
  ])("R45: %s, it is refused and nothing is made beside it", (_, write) => {
    write();
    const message = /not a journal of Belay, or its first page is damaged; nothing was changed; name a journal's file/;
    expect(() => openSqliteReader(file)).toThrow(message);
    expect(() => openSqliteJournal(file).open("e", SILENT)).toThrow(message);
    expect(existsSync(`${file}-owner`)).toBe(false);
  });
});
