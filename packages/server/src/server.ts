/**
 * A server from its settings: site, journal, engine, surfaces, in that order, and down in the other one. Owns: that a failed start leaves
 * nothing open, and that going down journals what runs, so that the next start goes on with it.
 */
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Journal } from "@belay/engine";
import { BelayError, type EngineOptions, MemoryJournal } from "@belay/engine";
import { Keyring } from "./access/keyring.ts";
import { AuditLog } from "./host/audit-log.ts";
import { readCatalog } from "./host/catalog.ts";
import { Host } from "./host/host.ts";
import { nativeSurface } from "./native/surface.ts";
import { serverAddress } from "./ocp/server-address.ts";
import { ocpSurface } from "./ocp/surface.ts";
import { polarSurface } from "./polardb/surface.ts";
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
    if (settings.data !== null) await mkdir(settings.data, { recursive: true, mode });
    const site = surroundings.site ?? (await siteOf(settings, log));
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
    });
    undo.splice(0, undo.length, () => host.close(false));
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

async function siteOf({ site, demo, data }: Settings, log: (line: string) => void): Promise<Site> {
  if (demo) {
    const { demoSite } = await import("./demo/index.ts");
    return await demoSite({ dataDir: data, log });
  }
  if (site === null) return { actions: {} };
  let module: Record<string, unknown>;
  try {
    module = (await import(pathToFileURL(resolve(site)).href)) as Record<string, unknown>;
  } catch (error) {
    const message = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new BelayError("ENVIRONMENT", `cannot load the site ${site}: ${message}`, {}, error);
  }
  const found = module["site"] ?? module["default"];
  const made: unknown = typeof found === "function" ? await found() : found;
  const { actions } = Object(made) as Partial<Site>;
  if (typeof actions === "object" && actions !== null) return made as Site;
  throw new BelayError(
    "INVALID_ARGUMENT",
    `${site} must export \`site\`: { actions, ... } or a function that makes one`,
  );
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
