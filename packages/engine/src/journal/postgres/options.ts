/**
 * What a PostgreSQL journal is made of. Owns: the options, their defaults and the refusal of those that make no sense;
 * the clock by which an engine judges its own lease. Does not own: the connection (`client.ts`).
 */
import { BelayError } from "../../errors.ts";

/** Where the server is; what is left out comes from PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE. */
export interface PostgresAddress {
  /** Name, address, or directory of the socket. */
  readonly host?: string;
  /** Default 5432. */
  readonly port?: number;
  readonly user?: string;
  /** The password, or what answers it: it is asked at each new connection. */
  readonly password?: string | (() => string | Promise<string>);
  readonly database?: string;
  /** TLS: true, or the options of `tls.connect`. Default: none. */
  readonly ssl?: boolean | Readonly<Record<string, unknown>>;
}

/** A source of time for leases and polls; the engine's `ManualClock` is one. */
export interface JournalClock {
  /** Milliseconds since any moment; must not stand still while the machine runs. */
  now(): number;
  /** Calls `callback` once after at least `delayMs`; the answer cancels it. */
  schedule(delayMs: number, callback: () => void): () => void;
}

/** Options of `PostgresJournal`. */
export interface PostgresJournalOptions {
  /** `postgres://user:password@host:port/database`; instead of `address`. */
  readonly connectionString?: string;
  /** Instead of `connectionString`. */
  readonly address?: PostgresAddress;
  /** Schema of the journal's tables, created at first use. Default "belay". */
  readonly schema?: string;
  /**
   * Milliseconds after which the runs of an engine that is not heard of are another's to claim, 500 to one day. Longer
   * than any pause of the process that shall not end its ownership. Default 10,000.
   */
  readonly leaseMs?: number;
  /** Milliseconds between two looks for runs without an owner, and for requests, from 10 on. Default: a third of `leaseMs`. */
  readonly pollMs?: number;
  /** By which the engine judges its own lease. Default: the machine's monotonic clock, pauses of the machine included. */
  readonly clock?: JournalClock;
}

/** The options with their defaults. */
export interface Settings {
  readonly address: PostgresAddress & { readonly connectionString?: string };
  readonly schema: string;
  readonly leaseMs: number;
  readonly pollMs: number;
  readonly clock: JournalClock;
}

const DEFAULT_LEASE_MS = 10_000;
const SHORTEST_LEASE_MS = 500;
const LONGEST_LEASE_MS = 86_400_000;
const SHORTEST_POLL_MS = 10;

const NAMES: ReadonlySet<string> = new Set([
  "connectionString",
  "address",
  "schema",
  "leaseMs",
  "pollMs",
  "clock",
] satisfies readonly (keyof PostgresJournalOptions)[]);

/** Fails with INVALID_ARGUMENT; its message holds no value of the address. */
export function resolveOptions(options: PostgresJournalOptions): Settings {
  if (typeof options !== "object" || options === null) throw invalid("it needs options: { connectionString }");
  const unknown = Object.keys(options).find((name) => !NAMES.has(name));
  if (unknown !== undefined) throw invalid(`there is no option "${unknown}"; there are ${[...NAMES].join(", ")}`);
  const { connectionString, address, schema = "belay", leaseMs = DEFAULT_LEASE_MS } = options;
  const { pollMs = leaseMs / 3, clock = hostClock() } = options;
  if ((connectionString === undefined) === (address === undefined))
    throw invalid("it needs connectionString or address, one of them");
  if (connectionString !== undefined && !isConnectionString(connectionString))
    throw invalid("connectionString must read postgres://user:password@host:port/database, with % escapes");
  if (!isSchemaName(schema)) throw invalid("schema must be a name of 1 to 63 bytes that does not begin with pg_");
  if (!(leaseMs >= SHORTEST_LEASE_MS && leaseMs <= LONGEST_LEASE_MS))
    throw invalid(`leaseMs must be ${SHORTEST_LEASE_MS} to ${LONGEST_LEASE_MS}, not ${leaseMs}`);
  if (!(pollMs >= SHORTEST_POLL_MS && pollMs <= LONGEST_LEASE_MS))
    throw invalid(`pollMs must be ${SHORTEST_POLL_MS} to ${LONGEST_LEASE_MS}, not ${pollMs}`);
  return {
    address: connectionString === undefined ? { ...address } : { connectionString },
    schema,
    leaseMs,
    pollMs,
    clock,
  };
}

/** Strict: where a password is not escaped, a part of it would be taken for the port or the database and be shown. */
function isConnectionString(text: unknown): boolean {
  return typeof text === "string" && /^postgres(ql)?:\/\/[^/?#]*([/?#][^@]*)?$/.test(text);
}

/** Longer names are cut by the server, which would make one schema of two. */
function isSchemaName(name: unknown): boolean {
  if (typeof name !== "string" || name.startsWith("pg_") || !isStorable(name)) return false;
  const { length } = Buffer.from(name);
  return length >= 1 && length <= 63;
}

/** Whether the server can keep the text letter by letter: neither a NUL nor half a surrogate pair is in it. */
export function isStorable(text: string): boolean {
  return !/\p{Surrogate}/u.test(text) && !text.includes("\0");
}

/** A pause of the whole machine moves the wall clock and not the monotonic one: a jump of this size counts as a pause. */
const JUMP_MS = 250;

/** The machine's monotonic clock and unref'd timers. A wall clock that is set forward counts as a pause: the safe side. */
export function hostClock(): JournalClock {
  let pausedMs = 0;
  let offset = Date.now() - performance.now();
  return {
    now() {
      const present = Date.now() - performance.now();
      if (present - offset > JUMP_MS) pausedMs += present - offset;
      offset = present;
      return performance.now() + pausedMs;
    },
    schedule(delayMs, callback) {
      const timer = setTimeout(callback, Math.max(0, delayMs));
      timer.unref();
      return () => clearTimeout(timer);
    },
  };
}

function invalid(message: string): BelayError {
  return new BelayError("INVALID_ARGUMENT", `PostgreSQL journal: ${message}`);
}
