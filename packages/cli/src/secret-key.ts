/**
 * The key that seals secrets (R46), from the environment: BELAY_SECRET_KEY, or the file that BELAY_SECRET_KEY_FILE names. Not from an
 * option: everybody on the machine reads command lines. Owns: where it is looked for, and the words when it is none; they never show it.
 */
import type { EngineOptions } from "@belay/engine";
import { readTextFile } from "./plan-file.ts";
import { UsageError } from "./usage-error.ts";

/** What `createEngine` is given: nothing when no variable is set. Throws UsageError for what is no key. */
export async function secretSettings(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Pick<EngineOptions, "secrets">> {
  const { BELAY_SECRET_KEY: text = "", BELAY_SECRET_KEY_FILE: file = "" } = environment;
  if (text !== "" && file !== "") throw new UsageError("give BELAY_SECRET_KEY or BELAY_SECRET_KEY_FILE, not both");
  if (text === "" && file === "") return {};
  const key = (file === "" ? text : await readTextFile(file)).trim();
  const isKey = /^[0-9a-f]{64}$/i.test(key) || /^[A-Za-z0-9+/_-]{43}=?$/.test(key);
  if (isKey) return { secrets: { key } };
  const where = file === "" ? "BELAY_SECRET_KEY" : file;
  throw new UsageError(`${where} must hold 32 bytes in base64 or hex; make them with: openssl rand -base64 32`);
}
