/**
 * The journal in memory: for tests, demos and runs that need not survive the process. Keeps the port's promises short
 * of durability: order, client tokens, locks with tokens that only grow (R40, R43). All calls answer at once.
 */
import type { CreateResult, Journal, JournalRecord, RunHeader } from "./port.ts";

interface StoredRun {
  readonly header: RunHeader;
  readonly records: JournalRecord[];
}

interface HeldLock {
  readonly runId: string;
}

/** A journal that lives and dies with the process. Share one between engines to share client tokens and locks. */
export class MemoryJournal implements Journal {
  readonly #runs = new Map<string, StoredRun>();
  readonly #byToken = new Map<string, string>();
  readonly #locks = new Map<string, HeldLock>();
  /** Last token granted, by resource; never forgotten, so that tokens only grow. */
  readonly #lastToken = new Map<string, number>();

  create(header: RunHeader, locks: readonly string[]): CreateResult {
    const known = header.clientToken === null ? undefined : this.#byToken.get(header.clientToken);
    if (known !== undefined) {
      const run = this.#runs.get(known) as StoredRun;
      return { kind: "existing", runId: known, requestHash: run.header.requestHash };
    }
    if (this.#runs.has(header.runId)) throw new Error(`journal/memory: run ${header.runId} exists already`);
    for (const resource of locks) {
      const held = this.#locks.get(resource);
      if (held !== undefined) return { kind: "locked", resource, heldBy: held.runId };
    }
    const tokens: Record<string, number> = Object.create(null);
    for (const resource of locks) {
      const token = (this.#lastToken.get(resource) ?? 0) + 1;
      this.#lastToken.set(resource, token);
      this.#locks.set(resource, { runId: header.runId });
      tokens[resource] = token;
    }
    this.#runs.set(header.runId, { header, records: [] });
    if (header.clientToken !== null) this.#byToken.set(header.clientToken, header.runId);
    return { kind: "created", tokens };
  }

  append(runId: string, records: readonly JournalRecord[]): void {
    const run = this.#runs.get(runId);
    if (run === undefined) throw new Error(`journal/memory: run ${runId} was never created`);
    for (const record of records) run.records.push(record);
  }

  read(runId: string): { readonly header: RunHeader; readonly records: readonly JournalRecord[] } | undefined {
    return this.#runs.get(runId);
  }

  list(): readonly string[] {
    return [...this.#runs.keys()];
  }

  releaseLocks(runId: string): void {
    for (const [resource, held] of this.#locks) if (held.runId === runId) this.#locks.delete(resource);
  }

  remove(runId: string): void {
    const run = this.#runs.get(runId);
    if (run === undefined) return;
    this.releaseLocks(runId);
    this.#runs.delete(runId);
    if (run.header.clientToken !== null) this.#byToken.delete(run.header.clientToken);
  }

  close(): void {
    // Nothing to flush; what was recorded stays readable.
  }
}
