/**
 * A process that uses a journal as an engine would, without one: it writes record after record to every run it owns, and
 * claims what it is told to be free. Arguments: its name, and what to do: "create" runs first, "wait" for orphans, or "idle".
 * The journal comes as JSON in JOURNAL. What happens to it is told on standard output, one JSON object a line; the end of
 * standard input closes the journal.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Lease } from "@belay/engine/journal";
import { openPostgresJournal, type PostgresJournalOptions } from "@belay/engine/postgres";
import { GOING, headerOf } from "./journal-stage.ts";

const [engine = "", what = "wait"] = process.argv.slice(2);
const journal = openPostgresJournal(JSON.parse(process.env["JOURNAL"] ?? "{}") as PostgresJournalOptions);
const RUNS = 5;

function tell(event: string, details: object = {}): void {
  process.stdout.write(`${JSON.stringify({ event, engine, ...details })}\n`);
}

async function write(lease: Lease, from: number): Promise<void> {
  const { runId, epoch } = lease;
  try {
    for (let seq = from; ; seq++) {
      const input = { kind: "succeeded", at: seq, node: 0, attempt: 1 } as const;
      await journal.append(lease, [{ seq, input, payload: { engine, epoch } }], GOING);
      if (seq % 10 === 9) tell("wrote", { runId, seq, epoch });
      await sleep(2);
    }
  } catch (error) {
    tell("stopped", { runId, epoch, code: (error as { code?: string }).code });
  }
}

/** Runs it is about to claim: it is told of them until it has. */
const claiming = new Set<string>();

async function takeOver(runId: string): Promise<void> {
  if (claiming.has(runId)) return;
  claiming.add(runId);
  const claimed = await journal.claim(engine, runId).finally(() => claiming.delete(runId));
  if (claimed.kind !== "claimed") return;
  const run = await journal.read(runId);
  tell("claimed", { runId, epoch: claimed.lease.epoch, records: run?.records.length });
  await write(claimed.lease, run?.records.length ?? 0);
}

await journal.open(engine, {
  lost: (runIds) => tell("lost", { runIds }),
  orphaned: (runIds) => {
    for (const runId of runIds) {
      takeOver(runId).catch((error: unknown) => tell("failed", { runId, code: (error as { code?: string }).code }));
    }
  },
  asked: () => undefined,
});
tell("open");
if (what === "create") {
  for (let index = 0; index < RUNS; index++) {
    const created = await journal.create(engine, headerOf(`run-${index}`), [`db-${index}`]);
    if (created.kind === "created") void write(created.lease, 0);
  }
}
if (what !== "idle") {
  process.stdin.resume();
  process.stdin.once("end", () => void journal.close(engine));
}
