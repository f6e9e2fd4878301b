/**
 * A journal file so small that each of its bytes can be damaged, and all that can be known of one. Owns: how such a file
 * is made and looked at. Does not own: what must come of it (`damage.test.ts`).
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BelayError } from "@belay/engine";
import type { CreateResult, Lease } from "@belay/engine/journal";
import type { Connection } from "../../packages/engine/src/journal/sqlite/connection.ts";
import { SqliteJournal } from "../../packages/engine/src/journal/sqlite/journal.ts";
import { openFile } from "../../packages/engine/src/journal/sqlite/opening.ts";
import type { OwnerLock } from "../../packages/engine/src/journal/sqlite/owner-lock.ts";
import { SqliteReader } from "../../packages/engine/src/journal/sqlite/reader.ts";
import { listRuns, readAnswer, readLines, readRun } from "../../packages/engine/src/journal/sqlite/reading.ts";
import { lockRow } from "../../packages/engine/src/journal/sqlite/rows.ts";
import { SILENT, sampleHeader, sampleRecord } from "./sample-run.ts";

/** A folder in memory where there is one: tens of thousands of files are written there. */
export function scratch(): string {
  const memory = "/dev/shm";
  return mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), "belay-damage-"));
}

/** Pages of 512 bytes. */
export function smallPages(connection: Connection): void {
  connection.exec("pragma page_size = 512");
}

/** A journal whose files are looked at between its commits. */
export class SmallJournal {
  readonly journal: SqliteJournal;
  readonly file: string;

  constructor(folder: string) {
    this.file = join(folder, "small.db");
    this.journal = new SqliteJournal(this.file, {}, { opened: smallPages });
    this.journal.open("e", SILENT);
  }

  async create(runId: string, locks: readonly string[], clientToken: string | null = null): Promise<Lease> {
    const result: CreateResult = await this.journal.create("e", sampleHeader(runId, clientToken), locks);
    if (result.kind !== "created") throw new Error(JSON.stringify(result));
    return result.lease;
  }

  append(lease: Lease, seq: number, count: number, ended = false): Promise<void> {
    const records = Array.from({ length: count }, (_, index) => sampleRecord(seq + index));
    return this.journal.append(lease, records, { status: ended ? "SUCCESSFUL" : "RUNNING", ended, at: 10 + seq });
  }

  ask(requestId: string, runId: string): Promise<void> {
    return this.journal.ask({ requestId, runId, verb: "retry", args: ["a"], at: 3 });
  }

  log(runId: string, message: string): void {
    this.journal.log([{ runId, nodeId: "a", attempt: 1, at: 3, message }]);
    this.journal.logs(runId);
  }
}

/** The bytes of a journal's two files; what was never made is empty. */
export function filesOf(file: string): { readonly main: Buffer; readonly wal: Buffer } {
  const wal = `${file}-wal`;
  return { main: readFileSync(file), wal: existsSync(wal) ? readFileSync(wal) : Buffer.alloc(0) };
}

/**
 * Everything that the port tells of a journal with these bytes, as text; or the code of the error that refused it. Fails for
 * an error that is none of the engine's.
 */
export function lookAt(folder: string, main: Buffer, wal: Buffer): string {
  const file = join(folder, "looked-at.db");
  for (const end of ["-wal", "-shm"]) rmSync(`${file}${end}`, { force: true });
  writeFileSync(file, main);
  if (wal.length > 0) writeFileSync(`${file}-wal`, wal);
  const lock = { made: true, keepMade: () => {} } as unknown as OwnerLock;
  let connection: Connection | undefined;
  try {
    connection = openFile(file, lock, { durability: "normal", busyMs: 0 });
    return JSON.stringify(stateOf(connection));
  } catch (error) {
    if (error instanceof BelayError) return error.code;
    throw error;
  } finally {
    connection?.close();
  }
}

/** The same as a reader tells it, who looks at less of the file before it believes it. */
export function lookFromOutside(folder: string, main: Buffer): string {
  const file = join(folder, "seen.db");
  for (const end of ["-wal", "-shm"]) rmSync(`${file}${end}`, { force: true });
  writeFileSync(file, main);
  let reader: SqliteReader | undefined;
  try {
    reader = new SqliteReader(file, 0);
    const used = reader;
    const runs = used.list();
    const read = ["r1", "r2", "r3"].map((runId) => used.read(runId) ?? "no run");
    return JSON.stringify({
      runs,
      read,
      lines: runs.map(({ runId }) => used.logs(runId)),
      answer: used.answerTo("q1"),
    });
  } catch (error) {
    if (error instanceof BelayError) return error.code;
    throw error;
  } finally {
    reader?.close();
  }
}

function stateOf(connection: Connection): unknown {
  const runs = listRuns(connection, false);
  return {
    runs,
    read: runs.map(({ runId }) => readRun(connection, runId)),
    lines: runs.map(({ runId }) => readLines(connection, runId)),
    locks: connection.all("select * from lock").map((row) => lockRow(connection.file, row)),
    answers: ["q1", "q2"].map((requestId) => {
      try {
        return readAnswer(connection, requestId) ?? "none yet";
      } catch (error) {
        if (error instanceof BelayError && error.code === "NOT_FOUND") return "never asked";
        throw error;
      }
    }),
  };
}
