/**
 * A server from its settings: site, journal, engine, surfaces, in that order, and down in the other one. Owns: that a failed start leaves
 * nothing open, and that going down journals what runs, so that the next start goes on with it.
 */
import { join } from "node:path";
import type { Journal } from "@belay/engine";
import { BelayError, type EngineOptions, MemoryJournal } from "@belay/engine";
import type { Owner } from "@belay/engine/sqlite";
import { Keyring } from "./access/keyring.ts";
import { AuditLog } from "./host/audit-log.ts";
import { readCatalog } from "./host/catalog.ts";
import { Host } from "./host/host.ts";
import { loadSite } from "./load-site.ts";
import { nativeSurface } from "./native/surface.ts";
import { serverAddress } from "./ocp/server-address.ts";
import { ocpSurface } from "./ocp/surface.ts";
import { polarSurface } from "./polardb/surface.ts";
import { makeDirectory } from "./settings/directories.ts";
import type { Settings } from "./settings/settings.ts";
import type { Site } from "./site.ts";
import { createApp } from "./web/app.ts";
import { Guesses } from "./web/guesses.ts";

const DAY_MS = 86_400_000;

/** A server that listens. */
export interface BelayServer {
  /** http://host:port */
  readonly url: string;
  readonly host: Host;
  /**
   * Takes no more requests, ends streams, stops what runs where it is and journals it. `keep`: what the site runs on shall be there for
   * the next start on the same data, see `Site.close`; default false. Idempotent.
   */
  close(options?: { readonly keep?: boolean }): Promise<void>;
}

/** What `startServer` takes beside its settings. */
export interface ServerSurroundings {
  /** Instead of `settings.site` and the demo's. */
  readonly site?: Site;
  /** As of `createEngine`. */
  readonly secrets?: EngineOptions["secrets"];
  /** Gets one line for everything an operator of the server should know. Default: nothing is written. */
  readonly log?: (line: string) => void;
}

/** Starts a server. Fails with ENVIRONMENT (a used port), INVALID_ARGUMENT, PLAN_INVALID, and as the journal does. */
export async function startServer(settings: Settings, surroundings: ServerSurroundings = {}): Promise<BelayServer> {
  const log = surroundings.log ?? ((): void => undefined);
  const undo: (() => Promise<unknown>)[] = [];
  try {
    // The demo's servers refuse root, and run as a user who has to get through.
    const mode = settings.demo ? 0o711 : 0o700;
    if (settings.data !== null) await makeDirectory(settings.data, mode);
    const site = surroundings.site ?? (await loadSite(settings, log));
    undo.push(async () => await site.close?.(false));
    const catalog = await readCatalog(site, settings.plans);
    const audit = await AuditLog.open(settings.data === null ? undefined : join(settings.data, "audit.jsonl"), {
      onFailure: (error) =>
        log(`the audit log cannot be written, and entries are lost with this process: ${error.message}`),
    });
    undo.push(() => audit.close());
    const host = await Host.open({
      site,
      catalog,
      journal: await journalOf(settings),
      audit,
      ...(surroundings.secrets === undefined ? {} : { secrets: surroundings.secrets }),
      ...(settings.concurrency === null ? {} : { concurrency: settings.concurrency }),
      ...(settings.keepEndedDays === null ? {} : { keepEndedMs: settings.keepEndedDays * DAY_MS }),
      onError: (error) => log(error instanceof Error ? (error.stack ?? error.message) : String(error)),
      onRefusedRun: ({ runId, error }) => log(`run ${runId} could not be taken up: ${error.code}: ${error.message}`),
    }).catch((error: unknown) => {
      throw inWordsOfAServer(error);
    });
    undo.splice(0, undo.length, () => host.close(false));
    for (const run of host.engine.runs()) {
      const { id, planName, status, startTime } = run.snapshot();
      log(`run ${id} of ${planName} (${status}, started ${startTime}) was taken up`);
    }
    return await listen(host, settings, log);
  } catch (error) {
    for (const step of undo.reverse()) await step().catch(() => undefined);
    throw error;
  }
}

async function listen(host: Host, settings: Settings, log: (line: string) => void): Promise<BelayServer> {
  const access = { keyring: new Keyring(settings), guesses: new Guesses() };
  const { switchIntervalSeconds, utcOffsetMinutes, limits, hostNames, proxies } = settings;
  const app = await createApp({
    surfaces: [
      ocpSurface({ host, access, address: serverAddress(settings.host), utcOffsetMinutes }),
      polarSurface({ host, access, switchIntervalSeconds }),
      nativeSurface({ host, access }),
    ],
    limits,
    hostNames,
    proxies,
    onError: (error, { method, url, id }) => {
      const [path] = url.split("?", 1);
      log(`${id} ${method} ${path}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    },
  });
  const address = await app
    .listen({ host: settings.host, port: settings.port })
    .catch((error: NodeJS.ErrnoException) => {
      const where = `${settings.host}:${settings.port}`;
      if (error.code !== "EADDRINUSE" && error.code !== "EACCES" && error.code !== "EADDRNOTAVAIL") throw error;
      const why =
        error.code === "EADDRINUSE"
          ? "it is in use; give another --port"
          : `${error.code}; give another --host or --port`;
      throw new BelayError("ENVIRONMENT", `cannot listen on ${where}: ${why}`, {}, error);
    });
  let closing: Promise<void> | undefined;
  return {
    url: address,
    host,
    close: ({ keep = false } = {}) => {
      closing ??= app.close().then(() => host.close(keep));
      return closing;
    },
  };
}

/** What the engine advises to programs is of no use to whoever starts a server. */
function inWordsOfAServer(error: unknown): unknown {
  if (!(error instanceof BelayError) || error.code !== "JOURNAL_IN_USE") return error;
  const { file, owner } = error.details as { readonly file: string; readonly owner: Owner | null };
  const by = owner === null ? "another process" : `process ${owner.pid} on ${owner.host}`;
  const text = `${file} is used by ${by}: end that one, or give another --data (belay runs --db ${file} shows its runs meanwhile)`;
  return new BelayError(error.code, text, error.details, error);
}

async function journalOf({ journal, data }: Settings): Promise<Journal> {
  if (journal !== null) {
    if (!/^postgres(ql)?:\/\//.test(journal)) {
      throw new BelayError(
        "INVALID_ARGUMENT",
        "the journal is postgres://..., or none for a SQLite file in the data directory",
      );
    }
    const { openPostgresJournal } = await import("@belay/engine/postgres");
    return openPostgresJournal({ connectionString: journal });
  }
  if (data === null) return new MemoryJournal();
  const { openSqliteJournal } = await import("@belay/engine/sqlite");
  return openSqliteJournal(join(data, "runs.db"));
}
