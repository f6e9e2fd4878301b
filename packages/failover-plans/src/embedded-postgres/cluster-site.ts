/**
 * Where a cluster lives: its directory, and the note in it that says what it is made of, so that another process can take
 * it over. Owns: making the directory, the note, the password file. Does not own: the servers.
 */
import { mkdir, mkdtemp, readdir, readFile, realpath, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { BelayError } from "@belay/engine";
import {
  firstClosedDirectory,
  giveTo,
  type ServerUser,
  temporaryBase,
  unwritable,
} from "../local-servers/server-user.ts";
import { writeWhole } from "../local-servers/whole-file.ts";
import type { PostgresNode } from "../postgres/ports.ts";

/** Where the cluster lives. */
export interface Site {
  /** Absolute, without symbolic links. */
  readonly dataDir: string;
  /** Whether the directory goes with the cluster. */
  readonly temporary: boolean;
  /** The uppermost directory that was made for it; null when all existed. */
  readonly created: string | null;
}

/** Name and superuser that initdb creates. */
const SUPERUSER = "postgres";
const NOTE = "cluster.json";
const PASSWORD = "replication.password";

/** Makes the directory, or a temporary one. INVALID_ARGUMENT for one with files in it, ENVIRONMENT when it takes none. */
export async function makeSite(wanted: string | undefined, user: ServerUser | null): Promise<Site> {
  if (wanted === undefined) {
    const base = await temporaryBase(user);
    const made = await mkdtemp(join(base, "belay-postgres-")).catch((error: unknown) =>
      Promise.reject(unwritable(base, error)),
    );
    await giveTo(user, made);
    return { dataDir: await realpath(made), temporary: true, created: made };
  }
  const path = resolve(wanted);
  const created = await mkdir(path, { recursive: true }).catch((error: unknown) =>
    Promise.reject(unwritable(dirname(path), error)),
  );
  if (created !== undefined) await giveTo(user, path);
  const refuse = async (why: string): Promise<never> => {
    if (created !== undefined) await rm(created, { recursive: true, force: true });
    throw new BelayError("INVALID_ARGUMENT", `${path} cannot hold a cluster: ${why}`);
  };
  if ((await readdir(path)).length > 0) return await refuse("it is not empty");
  const closed = await firstClosedDirectory(user, path);
  if (closed !== null) {
    const who = `user "${user?.name}", who runs PostgreSQL for root,`;
    return await refuse(`${who} may not enter ${closed}; choose a directory below /tmp`);
  }
  return { dataDir: await realpath(path), temporary: false, created: created ?? null };
}

/** The nodes of a cluster on these ports, in order. */
export function nodesOn(ports: readonly number[], password: string): readonly PostgresNode[] {
  return ports.map((port, index) => {
    const name = `pg${index + 1}`;
    // The earlier node is preferred among equally advanced ones.
    const priority = 100 - 10 * index;
    return { name, host: "127.0.0.1", port, user: SUPERUSER, database: "postgres", priority, password };
  });
}

/** The file with the password, in libpq's format: it never appears in a setting or a report. */
export function passwordFileOf(dataDir: string): string {
  return join(dataDir, PASSWORD);
}

/** Writes the password file, readable by the servers' user. */
export async function writePassword(dataDir: string, password: string, user: ServerUser | null): Promise<void> {
  await writeWhole(passwordFileOf(dataDir), `*:*:*:${SUPERUSER}:${password}\n`, user);
}

interface Note {
  readonly ports: readonly number[];
  readonly temporary: boolean;
}

/** Notes what the cluster is made of. */
export async function writeNote({ dataDir, temporary }: Site, nodes: readonly PostgresNode[]): Promise<void> {
  const note: Note = { ports: nodes.map(({ port }) => port), temporary };
  await writeWhole(join(dataDir, NOTE), JSON.stringify(note), null);
}

/** What the note of a directory says. NOT_FOUND when there is no cluster (any more). */
export async function readNote(
  directory: string,
): Promise<{ readonly site: Site; readonly nodes: readonly PostgresNode[] }> {
  try {
    const dataDir = await realpath(directory);
    const note = JSON.parse(await readFile(join(dataDir, NOTE), "utf8")) as Note;
    const password = (await readFile(passwordFileOf(dataDir), "utf8")).trim().split(":").at(-1) ?? "";
    const site = { dataDir, temporary: note.temporary, created: null };
    return { site, nodes: nodesOn(note.ports, password) };
  } catch (error) {
    throw new BelayError("NOT_FOUND", `there is no cluster in ${directory} (any more)`, { directory }, error);
  }
}
