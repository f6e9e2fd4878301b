/**
 * Who signed a request. Owns: the order of the checks (parts, key, signature, time, nonce), and that whoever fails one of them is slowed
 * down as one who guesses. A nonce counts as used only once the signature is right: nobody else can use one up.
 */
import type { Clock } from "@belay/engine";
import { type AccessKeyEntry, equalSecrets } from "../access/keyring.ts";
import type { Principal } from "../access/principal.ts";
import { type Access, throttled } from "../web/authenticate.ts";
import { Fault } from "../web/fault.ts";
import { missing, refused } from "./api-fault.ts";
import { Nonces, SKEW_MS } from "./nonces.ts";
import type { RpcRequest } from "./rpc-request.ts";
import { acs3Signature, rpcSignature, sha256 } from "./signature.ts";

/** Somebody who signed with an access key. */
export interface Caller {
  readonly accessKeyId: string;
  readonly principal: Principal;
}

/** The parts of a signature, whatever its style. */
interface Signed {
  readonly accessKeyId: string;
  readonly signature: string;
  readonly timestamp: string;
  readonly nonce: string;
  /** What the signature should be. */
  expected(secret: string): string;
}

/** What a signature must cover for the request to be what was signed. */
const COVERED = [
  "host",
  "x-acs-action",
  "x-acs-content-sha256",
  "x-acs-date",
  "x-acs-signature-nonce",
  "x-acs-version",
] as const;

const ACS3 = /^ACS3-HMAC-SHA256 +Credential=([^,\s]+), *SignedHeaders=([^,\s]+), *Signature=([0-9a-fA-F]+)$/;
/** Milliseconds are no part of the documented form; one client sends them. */
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

/** See the head of this file. */
export class Authenticator {
  readonly #access: Access;
  readonly #clock: Pick<Clock, "now">;
  readonly #nonces: Nonces;

  constructor(access: Access, clock: Pick<Clock, "now">, nonces: Nonces = new Nonces()) {
    this.#access = access;
    this.#clock = clock;
    this.#nonces = nonces;
  }

  /** Who signed it; `address` is the client's. Throws the refusal. */
  authenticate(request: RpcRequest, address: string): Caller {
    const { guesses } = this.#access;
    const wait = guesses.wait(address);
    if (wait > 0) throw throttled(wait);
    if (isAnonymous(request)) throw missing("AccessKeyId");
    try {
      return this.#check(request);
    } catch (error) {
      // Who is right too often has to wait, but is no guesser.
      if (!(error instanceof Fault && error.status === 429)) guesses.failed(address);
      throw error;
    }
  }

  #check(request: RpcRequest): Caller {
    const signed = request.style === "acs3" ? acs3Parts(request) : rpcParts(request);
    const { accessKeyId, signature, timestamp, nonce, expected } = signed;
    const entry = this.#access.keyring.accessKey(accessKeyId);
    if (entry === undefined) throw refused("InvalidAccessKeyId");
    if (!equalSecrets(expected(entry.secret), signature)) throw refused("SignatureDoesNotMatch");
    const at = TIMESTAMP.test(timestamp) ? Date.parse(timestamp) : Number.NaN;
    if (Number.isNaN(at)) throw refused("IllegalTimestamp");
    const now = this.#clock.now();
    if (Math.abs(now - at) > SKEW_MS) throw refused("TimestampExpired");
    const verdict = this.#nonces.take(accessKeyId, nonce, { at, now });
    if (verdict === "used") throw refused("SignatureNonceUsed");
    if (verdict === "full") throw refused("Throttled");
    return { accessKeyId, principal: principalOf(entry) };
  }
}

function isAnonymous({ params, headers }: RpcRequest): boolean {
  return !params.get("AccessKeyId") && !headers["authorization"];
}

function rpcParts({ method, params }: RpcRequest): Signed {
  const part = (name: string): string => {
    const value = params.get(name);
    if (value === undefined || value === "") throw refused("IncompleteSignature");
    return value;
  };
  if (part("SignatureMethod") !== "HMAC-SHA1" || part("SignatureVersion") !== "1.0")
    throw refused("IncompleteSignature");
  return {
    accessKeyId: part("AccessKeyId"),
    signature: part("Signature"),
    timestamp: part("Timestamp"),
    nonce: part("SignatureNonce"),
    expected: (secret) => rpcSignature(method, params, secret),
  };
}

function acs3Parts({ method, query, headers, body }: RpcRequest): Signed {
  const [, accessKeyId, names, signature] = ACS3.exec(headers["authorization"] ?? "") ?? [];
  if (accessKeyId === undefined || names === undefined || signature === undefined) throw refused("IncompleteSignature");
  const signedHeaders = names.toLowerCase().split(";");
  const isMissing = (name: string): boolean => !headers[name] || !signedHeaders.includes(name);
  if (COVERED.some(isMissing)) throw refused("IncompleteSignature");
  if (!equalSecrets(sha256(body), headers["x-acs-content-sha256"] ?? "")) throw refused("SignatureDoesNotMatch");
  return {
    accessKeyId,
    signature: signature.toLowerCase(),
    timestamp: headers["x-acs-date"] ?? "",
    nonce: headers["x-acs-signature-nonce"] ?? "",
    expected: (secret) => acs3Signature({ method, query, headers, signedHeaders }, secret),
  };
}

/** The secret stays behind. */
function principalOf({ name, role, plans }: AccessKeyEntry): Principal {
  return plans === undefined ? { name, role } : { name, role, plans };
}
