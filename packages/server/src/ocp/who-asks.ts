/**
 * Who asks OCP's API: HTTP Basic (and Bearer) as everywhere, or a signature. Owns: how old a signed request may be, that one
 * which changes something counts once, that guessed keys are slowed down like guessed passwords.
 */
import type { FastifyRequest } from "fastify";
import type { Principal } from "../access/principal.ts";
import { type Access, authenticate, throttled, unauthenticated } from "../web/authenticate.ts";
import { SeenSignatures } from "./seen-signatures.ts";
import { isSigned, isSignedBy, readAuthorization, requestDate, type SignedRequest } from "./signature.ts";

/** OCP: the clocks of both differ by less. */
const YOUNG_MS = 15 * 60_000;

/** For a key that has changed more than can be remembered. */
const FULL_WAIT_MS = 60_000;

/** Compared with where there is no such key, so that this takes as long. */
const NO_SECRET = "no secret is this one";

/** See the head of this file. */
export class WhoAsks {
  readonly #access: Access;
  readonly #now: () => number;
  readonly #seen: SeenSignatures;

  /** `now`: epoch milliseconds. */
  constructor(access: Access, now: () => number) {
    this.#access = access;
    this.#now = now;
    this.#seen = new SeenSignatures(now, 2 * YOUNG_MS);
  }

  /** Who asks. `once`: the request changes something. Throws a Fault: UNAUTHENTICATED, THROTTLED. */
  async principal(request: FastifyRequest, once: boolean): Promise<Principal> {
    const { authorization } = request.headers;
    if (!isSigned(authorization)) return await authenticate(request, this.#access);
    const wait = this.#access.guesses.wait(request.ip);
    if (wait > 0) throw throttled(wait);
    const found = this.#bySignature(signedRequest(request), authorization);
    if (typeof found === "string") {
      this.#access.guesses.failed(request.ip);
      throw unauthenticated(found);
    }
    const { accessKeyId, signature, principal } = found;
    const verdict = once ? this.#seen.use(accessKeyId, signature) : "fresh";
    if (verdict === "used") {
      throw unauthenticated("this signed request was carried out already; sign it anew, with the present Date");
    }
    if (verdict === "full") throw throttled(FULL_WAIT_MS);
    return principal;
  }

  #bySignature(request: SignedRequest, authorization: string) {
    const parts = readAuthorization(authorization);
    if (parts === undefined) return "Authorization is not OCP-ACCESS-KEY-HMACSHA1 {AK}:{Signature}";
    const entry = this.#access.keyring.accessKey(parts.accessKeyId);
    const right = isSignedBy(request, entry?.secret ?? NO_SECRET, parts.signature);
    if (entry === undefined || !right) return "the access key or the signature is not right";
    // Only whoever has the secret learns what else is wrong.
    const date = requestDate(request.rawHeaders);
    if (date === undefined) return "a signed request needs a Date in RFC 1123, such as Tue, 17 Jan 2023 03:36:01 GMT";
    if (Math.abs(date.at - this.#now()) >= YOUNG_MS) return "the Date is 15 minutes or more from the server's clock";
    return { ...parts, principal: entry };
  }
}

function signedRequest({ method, url, raw, body }: FastifyRequest): SignedRequest {
  return { method, url, rawHeaders: raw.rawHeaders, body: Buffer.isBuffer(body) ? body : new Uint8Array() };
}
