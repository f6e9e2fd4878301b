/** Directories and files that settings name. Owns: from where a relative path counts, making a directory that shall be there. */
import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { BelayError } from "@belay/engine";
import type { SecretReference } from "@belay/failover-plans";
import type { FileSettings } from "./schema.ts";

/** The file's paths, relative ones taken from the directory of the file: it means the same wherever the server is started. */
export function withPathsOf(file: FileSettings, path: string): FileSettings {
  const base = dirname(resolve(path));
  const from = (name: string): string => resolve(base, name);
  const secretFrom = (secret: SecretReference): SecretReference =>
    "file" in secret ? { file: from(secret.file) } : secret;
  return {
    ...file,
    data: file.data === undefined ? undefined : from(file.data),
    site: file.site === undefined ? undefined : from(file.site),
    plans: file.plans?.map(from),
    users: file.users?.map((user) => ({ ...user, password: secretFrom(user.password) })),
    accessKeys: file.accessKeys?.map((key) => ({ ...key, secret: secretFrom(key.secret) })),
  };
}

/**
 * Makes the directory, and those above it, where there is none. Fails with ENVIRONMENT, naming it. Step by step: Node's own recursion never
 * ends below a directory that takes none, such as /proc.
 */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  const missing: string[] = [];
  try {
    for (let directory = resolve(path); !(await isDirectory(directory)); directory = dirname(directory)) {
      missing.push(directory);
    }
    for (const directory of missing.reverse()) await mkdir(directory, { mode });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new BelayError(
      "ENVIRONMENT",
      `cannot use the data directory ${path}: ${code ?? message}; give another --data`,
      {},
      error,
    );
  }
}

/** Throws what is there and is none. */
async function isDirectory(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  throw Object.assign(new Error(path), { code: "ENOTDIR" });
}
