/**
 * What a server is made of: a file, variables of the environment, flags; the later one counts. Owns: names, defaults, and that everything
 * is known to be usable before a server starts. Secrets are read here and nowhere else; passwords leave as digests.
 */
import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { BelayError, formatDiagnostic, readDocument } from "@belay/engine";
import { readSecret, type SecretReference } from "@belay/failover-plans";
import { type AccessKeyEntry, digestPassword, type TokenEntry, type UserEntry } from "../access/keyring.ts";
import type { WebLimits } from "../web/app.ts";
import { withPathsOf } from "./directories.ts";
import { isLoopback } from "./loopback.ts";
import { type FileSettings, faultsOf } from "./schema.ts";

/** Words of a command line, by name; what is absent was not given. A fact that `Settings` has too means the same here. */
export interface Flags {
  /** Path of the configuration file. */
  readonly config?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly data?: string | undefined;
  readonly journal?: string | undefined;
  readonly site?: string | undefined;
  readonly plans?: readonly string[] | undefined;
  readonly demo?: boolean | undefined;
  /** `Settings.switchIntervalSeconds`. */
  readonly switchInterval?: number | undefined;
  /** A user of role admin; goes with `password`. */
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** An access key of role admin; goes with `accessKeySecret`. */
  readonly accessKeyId?: string | undefined;
  readonly accessKeySecret?: string | undefined;
  /** A bearer token of role admin. */
  readonly token?: string | undefined;
}

/** Everything a server needs to know; checked. */
export interface Settings {
  /** Default 127.0.0.1. */
  readonly host: string;
  /** 0 = any free one. Default 8080. */
  readonly port: number;
  /** Names under which clients reach it, beside loopback ones and addresses. */
  readonly hostNames: readonly string[];
  /** Addresses or CIDRs of proxies whose X-Forwarded-For is believed. Default: none. */
  readonly proxies: readonly string[];
  /** Directory of the journal and the audit log; null = both in memory. */
  readonly data: string | null;
  /** postgres://...; null = a SQLite file in `data`. */
  readonly journal: string | null;
  /** Module of the site; null = the demo's, or none. */
  readonly site: string | null;
  /** Stand in front of clusters made for it. */
  readonly demo: boolean;
  /** Directories of plans beside the shipped ones and the site's. */
  readonly plans: readonly string[];
  /** Attempts at once over all runs, from 1; null = no limit. */
  readonly concurrency: number | null;
  /** null = runs that have ended are kept for ever. */
  readonly keepEndedDays: number | null;
  readonly tokens: readonly TokenEntry[];
  readonly users: readonly UserEntry[];
  readonly accessKeys: readonly AccessKeyEntry[];
  readonly limits: WebLimits;
  /** Default 600. */
  readonly switchIntervalSeconds: number;
  /** Minutes east of UTC in which OCP's API writes times; null = this machine's zone. */
  readonly utcOffsetMinutes: number | null;
  /** A token that was drawn because nobody configured any credential; told once, kept nowhere. */
  readonly drawnToken: string | null;
}

const DEFAULT_PORT = 8080;
const DEFAULT_SWITCH_INTERVAL = 600;

/** Known to everybody, so refused on any address but loopback ones. */
export const DEMO = {
  user: "admin",
  password: "belay-demo",
  accessKeyId: "demo-ak",
  accessKeySecret: "demo-sk",
} as const;

const CREDENTIALS = ["user", "password", "accessKeyId", "accessKeySecret", "token"] as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads and checks everything. Throws INVALID_ARGUMENT naming each place that is wrong, ENVIRONMENT for a secret that is missing. */
export async function readSettings(flags: Flags, environment: Environment): Promise<Settings> {
  const file = await readFileSettings(flags.config ?? environment["BELAY_CONFIG"]);
  const given = withEnvironment(flags, environment);
  for (const name of CREDENTIALS) {
    if (given[name] === "")
      throw invalid(`${name} is empty: a credential that everybody has; leave it out, or give one`);
  }
  const demo = given.demo ?? false;
  if (demo && (given.site ?? file.site) !== undefined) {
    throw invalid("--demo brings a site of its own: leave out --site, or --demo");
  }
  const host = given.host ?? file.listen?.host ?? "127.0.0.1";
  const { tokens, users, accessKeys } = await credentials(file, given, demo);
  if (!isLoopback(host) && usesDemoSecrets(given, demo, accessKeys)) {
    throw invalid(
      `the demo's credentials are known to everybody: they are refused on ${host}; listen on 127.0.0.1, or give --password, --access-key-secret and --token of your own`,
    );
  }
  const nobody = tokens.length + users.length + accessKeys.length === 0;
  if (nobody && !isLoopback(host)) {
    throw invalid(`nobody could log in on ${host}: configure tokens, users or accessKeys, or listen on 127.0.0.1`);
  }
  const drawnToken = nobody ? randomBytes(24).toString("base64url") : null;
  return {
    host,
    port: given.port ?? file.listen?.port ?? DEFAULT_PORT,
    hostNames: file.hostNames ?? [],
    proxies: file.proxies ?? [],
    data: given.data ?? file.data ?? null,
    journal: given.journal ?? file.journal ?? null,
    site: given.site ?? file.site ?? null,
    demo,
    plans: [...(file.plans ?? []), ...(given.plans ?? [])],
    concurrency: file.concurrency ?? null,
    keepEndedDays: file.keepEndedDays ?? null,
    tokens: drawnToken === null ? tokens : [{ name: "local", role: "admin", sha256: sha256Of(drawnToken) }],
    users,
    accessKeys,
    limits: withoutUndefined(file.limits ?? {}),
    switchIntervalSeconds: given.switchInterval ?? file.polardb?.switchIntervalSeconds ?? DEFAULT_SWITCH_INTERVAL,
    utcOffsetMinutes: file.ocp?.utcOffsetMinutes ?? null,
    drawnToken,
  };
}

async function readFileSettings(path: string | undefined): Promise<FileSettings> {
  if (path === undefined) return {};
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new BelayError("ENVIRONMENT", `cannot read the configuration ${path}: ${error.code ?? error.message}`);
  });
  const { value, diagnostics } = readDocument(text, { filename: path });
  if (diagnostics.length > 0)
    throw invalid(diagnostics.map((diagnostic) => `${path}:${formatDiagnostic(diagnostic)}`).join("\n"));
  const checked = faultsOf(value ?? {});
  if ("settings" in checked) return withPathsOf(checked.settings, path);
  throw invalid(`${path}:\n${checked.faults.map((fault) => `  ${fault}`).join("\n")}`);
}

/** Flags before variables. */
function withEnvironment(flags: Flags, environment: Environment): Flags {
  return {
    ...flags,
    host: flags.host ?? environment["BELAY_HOST"],
    port: flags.port ?? wholeOf("BELAY_PORT", environment, 65_535),
    data: flags.data ?? environment["BELAY_DATA"],
    journal: flags.journal ?? environment["BELAY_JOURNAL"],
    site: flags.site ?? environment["BELAY_SITE"],
    switchInterval: flags.switchInterval ?? wholeOf("BELAY_SWITCH_INTERVAL", environment, 86_400),
    user: flags.user ?? environment["BELAY_USER"],
    password: flags.password ?? environment["BELAY_PASSWORD"],
    accessKeyId: flags.accessKeyId ?? environment["BELAY_ACCESS_KEY_ID"],
    accessKeySecret: flags.accessKeySecret ?? environment["BELAY_ACCESS_KEY_SECRET"],
    token: flags.token ?? environment["BELAY_TOKEN"],
  };
}

function wholeOf(name: string, environment: Environment, most: number): number | undefined {
  const text = environment[name];
  if (text === undefined || text === "") return undefined;
  const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= most) return value;
  throw invalid(`${name} is a whole number from 0 to ${most}, not "${text}"`);
}

type Credentials = Pick<Settings, "tokens" | "users" | "accessKeys">;

async function credentials(file: FileSettings, given: Flags, demo: boolean): Promise<Credentials> {
  const faults: string[] = [];
  const secretOf = async (reference: SecretReference, place: string): Promise<string> =>
    await readSecret(reference, place).catch((error: Error) => {
      faults.push(error.message);
      return "";
    });
  const tokens: TokenEntry[] = (file.tokens ?? []).map((entry) => withoutUndefined(entry));
  const users: UserEntry[] = [];
  for (const [index, { password, ...user }] of (file.users ?? []).entries()) {
    const text = await secretOf(password, `users[${index}].password`);
    users.push({ ...withoutUndefined(user), password: await digestPassword(text) });
  }
  const accessKeys: AccessKeyEntry[] = [];
  for (const [index, { secret, ...key }] of (file.accessKeys ?? []).entries()) {
    accessKeys.push({ ...withoutUndefined(key), secret: await secretOf(secret, `accessKeys[${index}].secret`) });
  }
  if (faults.length > 0) throw new BelayError("ENVIRONMENT", faults.join("\n  "));
  if (given.token !== undefined) tokens.push({ name: "token", role: "admin", sha256: sha256Of(given.token) });
  const name = given.user ?? (demo ? DEMO.user : undefined);
  const password = given.password ?? (demo ? DEMO.password : undefined);
  if ((name === undefined) !== (password === undefined)) throw invalid("--user and --password go together");
  if (name !== undefined && password !== undefined) {
    users.push({ name, role: "admin", password: await digestPassword(password) });
  }
  const id = given.accessKeyId ?? (demo ? DEMO.accessKeyId : undefined);
  const secret = given.accessKeySecret ?? (demo ? DEMO.accessKeySecret : undefined);
  if ((id === undefined) !== (secret === undefined)) {
    throw invalid("--access-key-id and --access-key-secret go together");
  }
  if (id !== undefined && secret !== undefined) accessKeys.push({ name: id, role: "admin", id, secret });
  checkUnique("users", [...users.map((user) => user.name)]);
  checkUnique("accessKeys", [...accessKeys.map((key) => key.id)]);
  return { tokens, users, accessKeys };
}

/** Given in so many words, or, for the demo, left out. */
function usesDemoSecrets(given: Flags, demo: boolean, accessKeys: Settings["accessKeys"]): boolean {
  const { password = demo ? DEMO.password : undefined } = given;
  return password === DEMO.password || accessKeys.some(({ secret }) => secret === DEMO.accessKeySecret);
}

function checkUnique(place: string, names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw invalid(`${place}: "${twice}" is there twice`);
}

/** Optional fields that are absent, not undefined. */
function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as never;
}

function sha256Of(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function invalid(message: string): BelayError {
  return new BelayError("INVALID_ARGUMENT", message);
}
