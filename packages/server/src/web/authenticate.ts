/**
 * Bearer tokens and passwords of a request. Owns: reading the Authorization header's two common schemes, slowing down who guesses.
 * Does not own: signatures (`ocp/`, `polardb/`).
 */
import type { FastifyRequest } from "fastify";
import { type Keyring, KeyringBusy } from "../access/keyring.ts";
import type { Principal } from "../access/principal.ts";
import { Fault } from "./fault.ts";
import type { Guesses } from "./guesses.ts";

/** What is needed to tell who asks. */
export interface Access {
  readonly keyring: Keyring;
  readonly guesses: Guesses;
}

/** A challenge for each scheme that is understood. */
export const CHALLENGE = 'Bearer realm="belay", Basic realm="belay", charset="UTF-8"';

/** Who asks, by `Authorization: Bearer` or `Basic`. Throws a Fault: UNAUTHENTICATED, THROTTLED for an address that guesses. */
export async function authenticate(request: FastifyRequest, { keyring, guesses }: Access): Promise<Principal> {
  const wait = guesses.wait(request.ip);
  if (wait > 0) throw throttled(wait);
  const { authorization = "" } = request.headers;
  const [, scheme = "", credentials = ""] = /^([A-Za-z]+) +([^ ]+) *$/.exec(authorization) ?? [];
  const principal = await principalOf(scheme.toLowerCase(), credentials, keyring);
  if (principal !== undefined) return principal;
  if (authorization !== "") guesses.failed(request.ip);
  throw unauthenticated(
    authorization === "" ? "no credentials: send Authorization: Bearer or Basic" : "these credentials are not known",
  );
}

/** The refusal of somebody who did not prove who they are. */
export function unauthenticated(message: string): Fault {
  return new Fault(401, "UNAUTHENTICATED", message, { headers: { "www-authenticate": CHALLENGE } });
}

/** The refusal of an address that guesses. */
export function throttled(waitMs: number): Fault {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  const message = `too many wrong credentials from this address; try again in ${seconds} s`;
  return new Fault(429, "THROTTLED", message, { headers: { "retry-after": String(seconds) } });
}

async function principalOf(scheme: string, credentials: string, keyring: Keyring): Promise<Principal | undefined> {
  if (scheme === "bearer") return keyring.byToken(credentials);
  if (scheme !== "basic") return undefined;
  const text = Buffer.from(credentials, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 0) return undefined;
  try {
    return await keyring.byPassword(text.slice(0, colon), text.slice(colon + 1));
  } catch (error) {
    if (!(error instanceof KeyringBusy)) throw error;
    throw new Fault(503, "UNAVAILABLE", "too many logins at once; try again", { headers: { "retry-after": "1" } });
  }
}
