/**
 * A node's directory seen from outside the server: making one, and the note of what the server is when it starts next. Owns the
 * layout: everything of a node, socket, pid file and temporary files included, lies below its one directory.
 *
 * System tables are made by `mariadbd --bootstrap`, once a cluster; every node is a copy of that.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, cp, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { BelayError } from "@belay/engine";
import { giveTo, type ServerUser } from "../local-servers/server-user.ts";
import { writeWhole } from "../local-servers/whole-file.ts";
import type { StartRole } from "../mariadb/ports.ts";
import { quoteLiteral } from "../mysql-client/client.ts";
import type { MariadbBinaries } from "./binaries.ts";

/** The settings of memory and files that bootstrap and server must agree on: small, since a drill holds little. */
export const STORAGE_FLAGS: readonly string[] = [
  "--innodb-buffer-pool-size=32M",
  "--innodb-log-file-size=32M",
  "--innodb-use-native-aio=0",
  "--key-buffer-size=1M",
  "--aria-pagecache-buffer-size=8M",
];

/** An account of the new cluster. */
export interface Account {
  readonly user: string;
  readonly password: string;
  /** What it may do, as GRANT writes it. */
  readonly grants: string;
}

/** SQL files that make the system tables, in order. */
const SCRIPTS = ["mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql"] as const;
const BOOTSTRAP_TIMEOUT_MS = 120_000;
const ROLE = "start-role";
const ROLES: ReadonlySet<string> = new Set<StartRole>(["writer", "replica", "fenced"]);

/** Where the server of a node keeps its tables. */
export function dataOf(directory: string): string {
  return join(directory, "data");
}

/** Makes system tables and accounts in a new directory. Throws ENVIRONMENT with the server's own words when it fails. */
export async function bootstrap(
  binaries: MariadbBinaries,
  directory: string,
  accounts: readonly Account[],
  signal?: AbortSignal,
): Promise<void> {
  const { user, share, mariadbd } = binaries;
  await makeDirectories(directory, user);
  const scripts = await Promise.all(SCRIPTS.map((script) => readFile(join(share, script), "utf8")));
  const text = ["create database if not exists mysql;", "use mysql;", "set @auth_root_socket = null;", ...scripts];
  const args = ["--no-defaults", "--bootstrap", `--datadir=${dataOf(directory)}`, `--tmpdir=${join(directory, "tmp")}`];
  const child = spawn(mariadbd, [...args, "--skip-log-bin", "--max-allowed-packet=8M", ...STORAGE_FLAGS], {
    ...(user === null ? {} : { uid: user.uid, gid: user.gid }),
    cwd: dataOf(directory),
    env: { LC_ALL: "C" },
    stdio: ["pipe", "ignore", "pipe"],
    timeout: BOOTSTRAP_TIMEOUT_MS,
    ...(signal && { signal }),
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    said += part;
  });
  // One that dies early says why on its standard error.
  child.stdin.on("error", () => undefined);
  child.stdin.end(`${text.join("\n")}\n${accountStatements(accounts).join("\n")}\n`);
  const [code] = (await once(child, "close")) as [number | null];
  if (code === 0) return;
  const why = said.split("\n").filter((line) => /error/i.test(line));
  throw new BelayError("ENVIRONMENT", `mariadbd --bootstrap failed in ${directory}: ${why.join("; ") || said}`);
}

/** Bootstrap reads one statement a line, and knows no accounts before it is told to. Nobody else may come in. */
function accountStatements(accounts: readonly Account[]): readonly string[] {
  return [
    "delete from mysql.global_priv where User <> 'mariadb.sys';",
    "flush privileges;",
    ...accounts.flatMap(({ user, password, grants }) => {
      const who = `${quoteLiteral(user)}@'127.0.0.1'`;
      return [`create user ${who} identified by ${quoteLiteral(password)};`, `grant ${grants} to ${who};`];
    }),
  ];
}

/** A node's directory as a copy of another one's, whose server does not run. Complete when it has its name. */
export async function copyDirectory(from: string, to: string, user: ServerUser | null): Promise<void> {
  const aside = `${to}.copy`;
  await rm(aside, { recursive: true, force: true });
  await cp(from, aside, { recursive: true });
  await giveAll(aside, user);
  await rm(to, { recursive: true, force: true });
  await rename(aside, to);
}

/** Notes what the server is when it starts next. */
export async function writeStartRole(directory: string, role: StartRole, user: ServerUser | null): Promise<void> {
  // A lost disk leaves no directory: the note holds there all the same, and a copy may be put beside it.
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await giveTo(user, directory);
  await writeWhole(join(directory, ROLE), `${role}\n`, user);
}

/** What the server is when it starts next; one that was never noted starts fenced, which harms nobody. */
export async function readStartRole(directory: string): Promise<StartRole> {
  const noted = (await readFile(join(directory, ROLE), "utf8").catch(() => "")).trim();
  return ROLES.has(noted) ? (noted as StartRole) : "fenced";
}

async function makeDirectories(directory: string, user: ServerUser | null): Promise<void> {
  for (const path of [directory, dataOf(directory), join(directory, "tmp")]) {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await chmod(path, 0o700);
    await giveTo(user, path);
  }
}

async function giveAll(directory: string, user: ServerUser | null): Promise<void> {
  if (user === null) return;
  await giveTo(user, directory);
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    await chown(join(entry.parentPath, entry.name), user.uid, user.gid);
  }
}
