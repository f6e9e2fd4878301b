/**
 * Finds MariaDB's server program: `BELAY_MARIADB_BIN` (the program, or its directory), else `mariadbd` in PATH, else the directory
 * where Linux keeps servers. Owns the search, the trial run, and where the program keeps the SQL that makes system tables.
 *
 * mariadb-install-db is not used: it needs a client program that comes in another package, and takes long for what a bootstrap does in
 * a third of a second.
 */
import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { delimiter, dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { BelayError } from "@belay/engine";
import { findServerUser, type ServerUser } from "../local-servers/server-user.ts";

/** A server program that was seen to run, and who runs it. */
export interface MariadbBinaries {
  /** Absolute path of `mariadbd`. */
  readonly mariadbd: string;
  /** What it says of itself, such as "10.11.18-MariaDB". */
  readonly version: string;
  /** Directory with mysql_system_tables.sql and its neighbours. */
  readonly share: string;
  /** Whom to run it as; null = as oneself. */
  readonly user: ServerUser | null;
}

/** Debian's package with nothing but the server: it starts no service. */
export const MARIADB_PACKAGE = "mariadb-server-core";

const PROGRAM = "mariadbd";
const TABLES = "mysql_system_tables.sql";
const TRIAL_TIMEOUT_MS = 30_000;

/** Null when this machine has no MariaDB; ENVIRONMENT when the one that was asked for does not run. */
export async function findMariadb(): Promise<MariadbBinaries | null> {
  const chosen = process.env["BELAY_MARIADB_BIN"];
  const asked = chosen !== undefined && chosen !== "";
  const places = asked
    ? [resolve(chosen), join(resolve(chosen), PROGRAM)]
    : [...(process.env["PATH"] ?? "").split(delimiter).filter(Boolean), "/usr/sbin"].map((at) => join(at, PROGRAM));
  const user = await findServerUser();
  for (const mariadbd of places) {
    const version = await versionOf(mariadbd, user);
    if (version === null) continue;
    const share = await shareOf(mariadbd);
    if (share !== null) return { mariadbd, version, share, user };
  }
  if (!asked) return null;
  const message = `BELAY_MARIADB_BIN=${chosen} is no MariaDB server that runs here: correct it, or unset it and install Debian's package ${MARIADB_PACKAGE}`;
  throw new BelayError("ENVIRONMENT", message);
}

/** As `findMariadb`; ENVIRONMENT, with the remedy in its one line, when there is none. */
export async function needMariadb(): Promise<MariadbBinaries> {
  const found = await findMariadb();
  if (found !== null) return found;
  throw new BelayError(
    "ENVIRONMENT",
    `no MariaDB server is installed here: install Debian's package ${MARIADB_PACKAGE} (it starts no service), or set BELAY_MARIADB_BIN to the program mariadbd`,
  );
}

async function versionOf(mariadbd: string, user: ServerUser | null): Promise<string | null> {
  const as = user === null ? {} : { uid: user.uid, gid: user.gid };
  try {
    const options = { ...as, cwd: "/", env: {}, timeout: TRIAL_TIMEOUT_MS };
    const { stdout } = await promisify(execFile)(mariadbd, ["--no-defaults", "--version"], options);
    return /\b(\d+\.\d+\.\d+-MariaDB)/.exec(stdout)?.[1] ?? null;
  } catch {
    return null;
  }
}

async function shareOf(mariadbd: string): Promise<string | null> {
  const root = dirname(dirname(mariadbd));
  const places = ["share/mysql", "share/mariadb", "share", "scripts"].map((place) => join(root, place));
  for (const place of [...places, "/usr/share/mysql", "/usr/share/mariadb"]) {
    if (
      await access(join(place, TABLES)).then(
        () => true,
        () => false,
      )
    )
      return place;
  }
  return null;
}
