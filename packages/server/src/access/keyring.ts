/**
 * Who has which secret. Owns: bearer tokens and passwords, kept as digests; access keys, whose secrets signatures need as they are.
 * Everything is compared by digests of equal length in constant time; an unknown name takes as long as a wrong secret.
 *
 * Digests of passwords are scrypt: a verified one is remembered under a key that this process draws, so that only the first request of a
 * client pays for it.
 */
import { createHash, createHmac, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import type { Principal } from "./principal.ts";

/** A bearer token: SHA-256 of it, 64 hex digits. Tokens are drawn, not chosen: at least 128 bits. */
export interface TokenEntry extends Principal {
  readonly sha256: string;
}

/** A user with a password. */
export interface UserEntry extends Principal {
  readonly password: PasswordDigest;
}

/** An access key, for signed requests. */
export interface AccessKeyEntry extends Principal {
  /** AccessKeyId; case-sensitive. */
  readonly id: string;
  readonly secret: string;
}

/** scrypt of a password: base64 salt and 32-byte digest. */
export interface PasswordDigest {
  readonly salt: string;
  readonly digest: string;
}

const derive = promisify<string, Buffer, number, Buffer>(scrypt);
const DIGEST_BYTES = 32;
/** Then all remembered passwords are forgotten. */
const MOST_REMEMBERED = 1000;
/** scrypt waits in the process's small pool of threads: more guesses at once than this are refused unheard. */
const MOST_AT_ONCE = 16;

/** Thrown when too many passwords are being verified. */
export class KeyringBusy extends Error {}

/** The digest of a password, with a salt of its own. */
export async function digestPassword(password: string): Promise<PasswordDigest> {
  const salt = randomBytes(16);
  const digest = await derive(password, salt, DIGEST_BYTES);
  return { salt: salt.toString("base64"), digest: digest.toString("base64") };
}

/** See the head of this file. */
export class Keyring {
  readonly #tokens: readonly TokenEntry[];
  readonly #users: ReadonlyMap<string, UserEntry>;
  readonly #accessKeys: ReadonlyMap<string, AccessKeyEntry>;
  readonly #remembered = new Set<string>();
  readonly #key = randomBytes(32);
  #verifying = 0;

  constructor(entries: {
    readonly tokens: readonly TokenEntry[];
    readonly users: readonly UserEntry[];
    readonly accessKeys: readonly AccessKeyEntry[];
  }) {
    this.#tokens = entries.tokens;
    this.#users = new Map(entries.users.map((user) => [user.name, user]));
    this.#accessKeys = new Map(entries.accessKeys.map((key) => [key.id, key]));
  }

  /** Who has that bearer token; undefined: nobody. */
  byToken(token: string): Principal | undefined {
    const digest = createHash("sha256").update(token).digest();
    let found: TokenEntry | undefined;
    // All are looked at: how long it takes says nothing about which one it is.
    for (const entry of this.#tokens) if (timingSafeEqual(digest, Buffer.from(entry.sha256, "hex"))) found = entry;
    return found;
  }

  /** Who has that name and password; undefined: nobody. Throws KeyringBusy. */
  async byPassword(name: string, password: string): Promise<Principal | undefined> {
    const mark = createHmac("sha256", this.#key)
      .update(JSON.stringify([name, password]))
      .digest("base64");
    const user = this.#users.get(name);
    if (user !== undefined && this.#remembered.has(mark)) return user;
    if (this.#verifying >= MOST_AT_ONCE) throw new KeyringBusy("too many passwords are being verified");
    this.#verifying += 1;
    try {
      const salt = user === undefined ? this.#key : Buffer.from(user.password.salt, "base64");
      const digest = await derive(password, salt, DIGEST_BYTES);
      if (user === undefined || !timingSafeEqual(digest, Buffer.from(user.password.digest, "base64"))) return undefined;
    } finally {
      this.#verifying -= 1;
    }
    if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear();
    this.#remembered.add(mark);
    return user;
  }

  /** The access key of that id; undefined: there is none. Whoever signs a request with its secret is its principal. */
  accessKey(id: string): AccessKeyEntry | undefined {
    return this.#accessKeys.get(id);
  }
}

/** Whether two texts are equal, in a time that depends on the length of the first one only. */
export function equalSecrets(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
