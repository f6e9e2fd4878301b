/**
 * What the cases about the PostgreSQL journal stand on: journals on a schema of their own, what they were told, runs to
 * write, and waiting until something holds. Owns: closing the journals it made.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { JournalRecord, Lease, RunHeader, RunProgress } from "@belay/engine/journal";
import {
  openPostgresJournal,
  type PostgresAddress,
  type PostgresJournal,
  type PostgresJournalOptions,
} from "@belay/engine/postgres";
import type { JournalServer } from "./journal-server.ts";

/** An engine at a journal, and what that one was told. */
export interface Seat {
  readonly journal: PostgresJournal;
  readonly engine: string;
  readonly lost: string[];
  readonly orphaned: Set<string>;
  asked: number;
  slotsFree: number;
}

/** Longer than anything that shall happen by itself. */
export const NEVER_MS = 3_600_000;

const LIMIT_MS = 15_000;

export class Stage {
  readonly server: JournalServer;
  readonly schema: string;
  readonly #seats: Seat[] = [];

  constructor(server: JournalServer) {
    this.server = server;
    this.schema = server.newSchema();
  }

  async sit(engine: string, options: Partial<PostgresJournalOptions> & { via?: number } = {}): Promise<Seat> {
    const { via, ...rest } = options;
    const journal = openPostgresJournal({ address: this.address(via), schema: this.schema, ...rest });
    const seat: Seat = { journal, engine, lost: [], orphaned: new Set(), asked: 0, slotsFree: 0 };
    await journal.open(engine, {
      lost: (runIds) => seat.lost.push(...runIds),
      orphaned: (runIds) => {
        for (const runId of runIds) seat.orphaned.add(runId);
      },
      asked: () => {
        seat.asked++;
      },
      slotsFree: () => {
        seat.slotsFree++;
      },
    });
    this.#seats.push(seat);
    return seat;
  }

  /** The server's address, or that of a wire to it. */
  address(via?: number): PostgresAddress {
    return via === undefined ? this.server.address : { ...this.server.address, host: "127.0.0.1", port: via };
  }

  async leave(): Promise<void> {
    await Promise.allSettled(this.#seats.splice(0).map(({ journal, engine }) => journal.close(engine)));
  }

  /** Rows of a table of this schema: `rows("records", "where ...")`. */
  rows(table: string, rest = "", values: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> {
    return this.server.query<Record<string, unknown>>(`select * from "${this.schema}".${table} ${rest}`, values);
  }

  /** Changes the journal behind its back: `meddle("update S.records ...")`; S is the schema. */
  async meddle(text: string, values: readonly unknown[] = []): Promise<void> {
    await this.server.query(text.replaceAll("S.", `"${this.schema}".`), values);
  }
}

export async function createRun({ journal, engine }: Seat, runId: string, locks: string[] = []): Promise<Lease> {
  const result = await journal.create(engine, headerOf(runId), locks);
  if (result.kind !== "created") throw new Error(`create answered ${JSON.stringify(result)}`);
  return result.lease;
}

export async function claimRun({ journal, engine }: Seat, runId: string): Promise<Lease> {
  const result = await journal.claim(engine, runId);
  if (result.kind !== "claimed") throw new Error(`claim answered ${JSON.stringify(result)}`);
  return result.lease;
}

export function headerOf(runId: string): RunHeader {
  return {
    runId,
    format: 1,
    document: { belay: 1, name: "moves", nodes: [{ id: "a", action: "x" }] },
    planHash: "a".repeat(64),
    params: {},
    items: {},
    seed: 7,
    graceMs: 5_000,
    clientToken: null,
    requestHash: "b".repeat(64),
    at: 1_700_000_000_000,
    parent: null,
  };
}

/** Records from `seq` on; `by` says who wrote them. */
export function recordsFrom(seq: number, count = 1, by = "a"): JournalRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    seq: seq + index,
    input: { kind: "succeeded", at: seq + index, node: 0, attempt: 1 },
    payload: { by },
  }));
}

export const GOING: RunProgress = { status: "RUNNING", ended: false, at: 1 };
export const ENDED: RunProgress = { status: "SUCCESSFUL", ended: true, at: 2 };

/** Repeats a check until it holds, or fails with what it last said. */
export async function eventually(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`not within ${LIMIT_MS} ms: ${what}`);
    await sleep(5);
  }
}

/** Code and message of what a promise fails with. */
export async function failureOf(work: Promise<unknown>): Promise<{ code: string; message: string; error: unknown }> {
  try {
    await work;
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return { code, message, error };
  }
  throw new Error("it did not fail");
}
