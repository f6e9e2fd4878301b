/**
 * An engine's journal in a process of its own, to be killed. It says on standard output, one line each and at once, what
 * was answered. Owns: what it writes to the journal, which `expectedRecord` states again for those who read it.
 *
 * `hold FILE`: makes the run "held" with two records, says "ready", and stays. `append FILE SEED`: goes on with three runs for
 * ever, in batches drawn from the seed; says "RUN COUNT" for each append that was answered. `look FILE`: says what somebody sees who
 * only reads.
 */
import { writeSync } from "node:fs";
import type { JournalRecord, Lease } from "@belay/engine/journal";
import { openSqliteJournal, openSqliteReader, type SqliteJournal } from "@belay/engine/sqlite";
import { SILENT, sampleHeader } from "./sample-run.ts";

/** Runs that `append` writes to. */
export const RUNS = ["run-a", "run-b", "run-c"];

/** What record `seq` of a run is, whoever wrote it: sizes from nothing to some pages. */
export function expectedRecord(runId: string, seq: number): JournalRecord {
  const input = { kind: "succeeded", at: seq, node: seq, attempt: 1 } as const;
  const size = seq % 7 === 0 ? 9_000 : (seq * 37) % 300;
  return seq % 3 === 0 ? { seq, input } : { seq, input, payload: { runId, output: "x".repeat(size) } };
}

/** Beyond a limit on files a write fails, as it does on a full disk; without a listener the system ends the process. */
process.on("SIGXFSZ", () => {});

async function main([mode, file = "", seed = "1"]: readonly string[]): Promise<void> {
  if (mode === "look") {
    look(file);
    return;
  }
  const journal = openSqliteJournal(file);
  journal.open(`child-${process.pid}`, SILENT);
  if (mode === "hold") await hold(journal);
  else await Promise.all(RUNS.map((runId, index) => goOn(journal, runId, Number(seed) + index)));
}

function look(file: string): void {
  const reader = openSqliteReader(file);
  const runs = reader.list();
  const [first] = runs.map(({ runId }) => runId);
  const read = reader.read(first ?? "")?.header.runId;
  const owners = runs.map(({ owner }) => owner);
  say(JSON.stringify({ runs: runs.map(({ runId }) => runId), owners, read, logs: reader.logs(first ?? "").length }));
  reader.close();
}

async function hold(journal: SqliteJournal): Promise<void> {
  const lease = await leaseOf(journal, "held");
  const records = [0, 1].map((seq) => expectedRecord("held", seq));
  await journal.append(lease, records, { status: "RUNNING", ended: false, at: 1 });
  say("ready");
  process.stdin.resume();
}

async function goOn(journal: SqliteJournal, runId: string, seed: number): Promise<never> {
  const lease = await leaseOf(journal, runId);
  let count = journal.read(runId)?.records.length ?? 0;
  for (let draw = seed; ; draw = Math.imul(draw, 1_103_515_245) + 12_345) {
    const size = 1 + ((draw >>> 16) % 5);
    const records = Array.from({ length: size }, (_, index) => expectedRecord(runId, count + index));
    count += size;
    await journal.append(lease, records, { status: "RUNNING", ended: false, at: count });
    say(`${runId} ${count}`);
  }
}

async function leaseOf(journal: SqliteJournal, runId: string): Promise<Lease> {
  const claimed = await journal.claim("child", runId);
  if (claimed.kind === "claimed") return claimed.lease;
  const made = await journal.create("child", sampleHeader(runId), [`lock of ${runId}`]);
  if (made.kind !== "created") throw new Error(JSON.stringify(made));
  return made.lease;
}

/** Written before this returns: a line that was said is not lost with the process. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}

if (process.argv[1]?.endsWith("journal-child.ts")) await main(process.argv.slice(2));
