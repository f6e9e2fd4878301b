/**
 * What a conformance case stands on: a fresh medium, engines that sit at it, headers and records to write, and checks
 * that say what was promised. Owns: the life of the medium and its seats. Does not own: any promise (`*-cases.ts`).
 */
import { isDeepStrictEqual } from "node:util";
import { BelayError, type ErrorCode } from "../../errors.ts";
import type {
  CreateResult,
  Journal,
  JournalListener,
  JournalRecord,
  Lease,
  RunHeader,
  RunProgress,
} from "../../journal/port.ts";
import type { Json } from "../../plan/document.ts";
import type { JournalHarness, JournalOutsider } from "./harness.ts";

/** What a case needs of its harness; it is left out otherwise. */
export type CaseNeed = "many engines" | "one engine" | "crash" | "outsider" | "slots";

/** A case before it has a harness. */
export interface CaseScript {
  readonly name: string;
  readonly needs?: readonly CaseNeed[];
  readonly play: (stage: JournalStage) => Promise<void>;
}

/** An engine at the journal. */
export interface Seat {
  readonly journal: Journal;
  readonly engine: string;
  /** Resolves when the journal has said `asked` since the last time this was awaited. */
  asked(): Promise<void>;
  /** The same of `slotsFree`. */
  slotsFree(): Promise<void>;
}

/** Plays one case on a medium of its own and frees that, whatever came of it. */
export async function playCase(harness: JournalHarness, script: CaseScript): Promise<void> {
  const medium = await harness.fresh();
  const stage = new JournalStage(harness, medium);
  try {
    await script.play(stage);
    await stage.leave();
  } finally {
    await harness.dispose?.(medium);
  }
}

export class JournalStage {
  readonly #harness: JournalHarness;
  readonly #medium: unknown;
  #seats: Seat[] = [];
  #runs = 0;

  constructor(harness: JournalHarness, medium: unknown) {
    this.#harness = harness;
    this.#medium = medium;
  }

  /** An engine that has opened the journal. */
  async sit(engine = "engine-a"): Promise<Seat> {
    const journal = await this.#harness.connect(this.#medium);
    const [asked, slotsFree] = [new Bell(), new Bell()];
    const listener: JournalListener = {
      lost: () => {},
      orphaned: () => {},
      asked: () => asked.ring(),
      slotsFree: () => slotsFree.ring(),
    };
    await journal.open(engine, listener);
    const seat: Seat = { journal, engine, asked: () => asked.heard(), slotsFree: () => slotsFree.heard() };
    this.#seats.push(seat);
    return seat;
  }

  /** The medium as somebody outside of the engines sees it. */
  async outsider(): Promise<JournalOutsider> {
    if (this.#harness.outsider === null) throw new Error("this case needs an outsider: say so in `needs`");
    return await this.#harness.outsider(this.#medium);
  }

  /** Kills every process at the medium, as far as it can tell. */
  async crash(): Promise<void> {
    if (this.#harness.crash === null) throw new Error("this case needs a crash: say so in `needs`");
    this.#seats = [];
    await this.#harness.crash(this.#medium);
  }

  /** That engine closes the journal. */
  async stand(seat: Seat): Promise<void> {
    this.#seats = this.#seats.filter((one) => one !== seat);
    await seat.journal.close(seat.engine);
  }

  /** Everyone closes. */
  async leave(): Promise<void> {
    for (const seat of this.#seats) await this.stand(seat);
  }

  /** Header of a run that is later than those before it. */
  header(runId: string, more: Partial<RunHeader> = {}): RunHeader {
    return {
      runId,
      format: 1,
      document: { belay: 1, name: `plan of ${runId}`, nodes: [{ id: "a", action: "x" }] },
      planHash: "a".repeat(64),
      params: {},
      items: {},
      seed: 7,
      graceMs: 5_000,
      clientToken: null,
      requestHash: "b".repeat(64),
      at: START_AT + 1_000 * this.#runs++,
      parent: null,
      ...more,
    };
  }

  /** Creates a run that nothing stands against. */
  async create({ journal, engine }: Seat, runId: string, locks: readonly string[] = []): Promise<Lease> {
    return created(await journal.create(engine, this.header(runId), locks));
  }

  /** Claims a run that is free, or the engine's own. */
  async claim({ journal, engine }: Seat, runId: string): Promise<Lease> {
    const result = await journal.claim(engine, runId);
    if (result.kind !== "claimed") throw new Error(`claim of ${runId} by ${engine} answered ${JSON.stringify(result)}`);
    return result.lease;
  }

  /** Appends `count` records to the run, one batch, from `seq` on. */
  async append({ journal }: Seat, lease: Lease, seq: number, count = 1): Promise<readonly JournalRecord[]> {
    const batch = records(seq, count);
    await journal.append(lease, batch, progressOf(batch));
    return batch;
  }

  /** The end of a run as one record. */
  async end({ journal }: Seat, lease: Lease, seq: number): Promise<void> {
    const batch = records(seq, 1);
    await journal.append(lease, batch, { ...progressOf(batch), status: "SUCCESSFUL", ended: true });
  }
}

/** Start of the first run of a case, epoch milliseconds. */
export const START_AT = 1_700_000_000_000;

/** Records as a run might have, one with a payload of some size among four. */
export function records(seq: number, count: number): readonly JournalRecord[] {
  return Array.from({ length: count }, (_, index) => {
    const at = START_AT + seq + index;
    const node = seq + index;
    if (node % 4 === 0) return { seq: node, input: { kind: "grant", at, pool: 0, count: node + 1 } };
    const input = { kind: "succeeded", at, node, attempt: 1 } as const;
    return { seq: node, input, payload: { output: `of node ${node}`, at } };
  });
}

/** A run that goes on after these. */
export function progressOf(batch: readonly JournalRecord[]): RunProgress {
  return { status: "RUNNING", ended: false, at: (batch.at(-1) as JournalRecord).input.at };
}

/** The lease of a run that was created. */
export function created(result: CreateResult): Lease {
  if (result.kind !== "created") throw new Error(`create answered ${JSON.stringify(result)}, not a lease`);
  return result.lease;
}

/** Fails with the promise unless it was kept. */
export function check(kept: boolean, promise: string): asserts kept {
  if (!kept) throw new Error(promise);
}

/** Fails unless the two are the same data; minus zero counts as zero, which is how JSON writes it. */
export function same(actual: unknown, expected: unknown, promise: string): void {
  if (isDeepStrictEqual(unsigned(actual), unsigned(expected))) return;
  throw new Error(`${promise}\n  expected: ${shown(expected)}\n  instead:  ${shown(actual)}`);
}

/** Fails unless the records are the ones that were appended, bytes of the payloads included. */
export function sameRecords(
  actual: readonly JournalRecord[],
  expected: readonly JournalRecord[],
  promise: string,
): void {
  same(actual.length, expected.length, `${promise}: the number of records`);
  for (const [index, record] of expected.entries()) {
    const found = actual[index] as JournalRecord;
    const { payload, ...rest } = record;
    const { payload: kept, ...others } = found;
    same(others, rest, `${promise}: record ${index}`);
    same("payload" in found, "payload" in record, `${promise}: whether record ${index} has a payload`);
    same(JSON.stringify(kept), JSON.stringify(payload), `${promise}: the payload of record ${index}`);
  }
}

/** Fails unless the work fails with one of these codes. */
export async function failsWith(codes: readonly ErrorCode[], work: () => unknown, promise: string): Promise<void> {
  try {
    await work();
  } catch (error) {
    const code = error instanceof BelayError ? error.code : String(error);
    check((codes as readonly string[]).includes(code), `${promise}: expected ${codes.join(" or ")}, got ${code}`);
    return;
  }
  throw new Error(`${promise}: expected ${codes.join(" or ")}, and it did not fail`);
}

/** Header and records of a run that must be there. */
export async function readRun(
  journal: Pick<Journal, "read">,
  runId: string,
): Promise<{ readonly header: RunHeader; readonly records: readonly JournalRecord[] }> {
  const run = await journal.read(runId);
  if (run === undefined) throw new Error(`read(${runId}) found no run`);
  return run;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 600 ? `${text.slice(0, 600)}... (${text.length} characters)` : text;
}

/** Through JSON, which also takes away what makes two equal values differ by class. */
function unsigned(value: unknown): unknown {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as Json);
}

/** Rings that nobody has heard yet are kept, as one. */
class Bell {
  #rung = false;
  #waiting: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#waiting?.();
  }

  async heard(): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    this.#rung = false;
    this.#waiting = undefined;
  }
}
