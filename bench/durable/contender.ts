/**
 * What a contender of `npm run bench:durable` is. Owns: the port that the contenders implement. Does not own: who they are
 * (`entrants.ts`), the process a contender runs in (`contender-process.ts`), what is timed (`workload.ts`).
 *
 * What they have in common: an asynchronous step without work, which is done when that is on disk by the store's own
 * settings; the settings for throughput that each one's documentation gives; one process for all its code.
 */
import type { StoredChain, Work } from "./workload.ts";

/** Where the PostgreSQL server of the benchmark is, a database for each contender. */
export interface PostgresPlace {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** What a contender is opened with. */
export interface Place {
  /** Empty, removed afterwards. */
  readonly folder: string;
  readonly postgres: PostgresPlace | null;
}

/** Called by a contender when a step's code runs. */
export type Step = (chain: string, index: number) => void;

/** An engine with its store, ready to work. */
export interface Contender {
  /** How it is set up, with what its store itself says of durability. */
  readonly settings: string;
  /** Runs a chain whose steps call `step`; resolves once its end is durable. */
  play(chain: string, steps: number, step: Step): Promise<void>;
  /** What the store has of these chains, by name. Asked while nothing runs. */
  stored(work: Work): Promise<ReadonlyMap<string, StoredChain>>;
  close(): Promise<void>;
}

/** Why a contender cannot take part here, and the remedy. */
export class Missing extends Error {
  override readonly name = "Missing";
}

/** Opens a contender. Fails with `Missing` when something of it is not installed. */
export type Open = (place: Place) => Promise<Contender>;

/**
 * A package of `bench/durable/package.json`; what is used of it is the caller's to describe, since a plain clone has none of
 * them. Fails with `Missing` when it is not installed.
 */
export async function peer<T>(name: string): Promise<T> {
  try {
    return (await import(name)) as T;
  } catch (error) {
    if ((error as { code?: string }).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new Missing(`${name} is not installed: npm ci --prefix bench/durable`, { cause: error });
  }
}
