/**
 * Keys that seal secrets (R46): AES-256-GCM, and a keyed hash for comparing requests. The only door to ciphers. Owns: keys, the
 * form of a sealed text. Does not own: what is sealed, and where (`run-secrets.ts`).
 *
 * A sealed text is `s1.<key id>.<nonce, ciphertext and tag in base64url>`. The place it stands at is authenticated with it: put
 * elsewhere, it does not open. The nonce is a keyed hash of place and text, so that the same text at the same place gives the same
 * bytes (R50), and no nonce ever serves two of them. What is sealed is padded: its length is told in steps of 32 bytes only.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";
import { BelayError } from "../errors.ts";

/** How an engine keeps secrets. */
export interface SecretOptions {
  /**
   * 32 bytes, or their text in base64 or hex. Give every engine on one journal the same one, and keep it: with it a run goes on
   * after a crash. Default: a random one, which lives as long as the engine.
   */
  readonly key?: Uint8Array | string;
  /** Keys that were used before; they open what they sealed and seal nothing more. Default: none. */
  readonly previousKeys?: readonly (Uint8Array | string)[];
}

/** What came of opening a sealed text. */
export type Opened =
  | { readonly kind: "opened"; readonly text: string }
  /** Sealed with a key that is not here. */
  | { readonly kind: "unknown-key" }
  /** Not what was sealed, or not where. */
  | { readonly kind: "broken" };

interface Key {
  readonly id: string;
  readonly cipher: Uint8Array;
  readonly hash: Uint8Array;
}

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const STEP_BYTES = 32;
const SEALED = /^s1\.([A-Za-z0-9_-]{8})\.([A-Za-z0-9_-]+)$/;
const BROKEN: Opened = { kind: "broken" };

export class SealKeys {
  readonly #key: Key;
  readonly #byId: ReadonlyMap<string, Key>;

  /** Fails with INVALID_ARGUMENT for what is no key; the message does not show it. */
  constructor(options: SecretOptions = {}) {
    checkSecretOptions(options);
    this.#key = derived(options.key === undefined ? randomBytes(KEY_BYTES) : keyBytes(options.key, "secrets.key"));
    const before = (options.previousKeys ?? []).map((key) => derived(keyBytes(key, "secrets.previousKeys")));
    this.#byId = new Map([...before, this.#key].map((key) => [key.id, key]));
  }

  /** `text` must be JSON: it is padded with blanks. */
  seal(text: string, place: string): string {
    const bytes = Buffer.byteLength(text);
    const padded = text + " ".repeat((STEP_BYTES - (bytes % STEP_BYTES)) % STEP_BYTES);
    const { id, cipher: key, hash } = this.#key;
    const nonce = createHmac("sha256", hash).update(`${place}\n${padded}`).digest().subarray(0, NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(place));
    const parts = [nonce, cipher.update(padded, "utf8"), cipher.final(), cipher.getAuthTag()];
    return `s1.${id}.${Buffer.concat(parts).toString("base64url")}`;
  }

  open(sealed: string, place: string): Opened {
    const [, id, body] = SEALED.exec(sealed) ?? [];
    if (id === undefined || body === undefined) return BROKEN;
    const key = this.#byId.get(id);
    if (key === undefined) return { kind: "unknown-key" };
    const bytes = Buffer.from(body, "base64url");
    if (bytes.length < NONCE_BYTES + TAG_BYTES) return BROKEN;
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv("aes-256-gcm", key.cipher, nonce, { authTagLength: TAG_BYTES })
      .setAAD(Buffer.from(place))
      .setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
      return { kind: "opened", text: text.toString("utf8") };
    } catch {
      return BROKEN;
    }
  }

  /** A hash, lower-case hex, that nobody without the key can make: short secrets cannot be guessed from it. */
  hash(text: string): string {
    return createHmac("sha256", this.#key.hash).update(`request\n${text}`).digest("hex");
  }
}

/** One key for each use, and a name that tells nothing of it. */
function derived(key: Uint8Array): Key {
  const part = (use: string, bytes: number): Uint8Array => new Uint8Array(hkdfSync("sha256", key, "", use, bytes));
  return {
    id: Buffer.from(part("belay key id", 6)).toString("base64url"),
    cipher: part("belay seal", KEY_BYTES),
    hash: part("belay hash", KEY_BYTES),
  };
}

function keyBytes(key: unknown, name: string): Uint8Array {
  if (key instanceof Uint8Array && key.length === KEY_BYTES) return key;
  if (typeof key === "string") {
    const text = key.trim();
    if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, "hex");
    if (/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return Buffer.from(text, "base64");
  }
  throw invalid(
    `${name} must be ${KEY_BYTES} bytes, or their text in base64 or hex: openssl rand -base64 ${KEY_BYTES}`,
  );
}

function checkSecretOptions(options: unknown): void {
  if (typeof options !== "object" || options === null) throw invalid("secrets must be an object: { key }");
  const { key: _key, previousKeys, ...others } = options as Record<string, unknown>;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) throw invalid(`secrets has no option "${unknown}"; it has key, previousKeys`);
  if (previousKeys !== undefined && !Array.isArray(previousKeys)) throw invalid("secrets.previousKeys must be a list");
}

function invalid(message: string): BelayError {
  return new BelayError("INVALID_ARGUMENT", message);
}
