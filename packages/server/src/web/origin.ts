/**
 * Pages of other origins get no answer: a browser would send them with the user's credentials, or, by a name that resolves to this machine,
 * as if they were of this origin (DNS rebinding). Owns: which names are the server's own.
 */
import { isIP } from "node:net";
import type { FastifyRequest } from "fastify";
import { Fault } from "./fault.ts";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Throws a Fault, FOREIGN, for a page of another origin and for a Host that is not the server's. */
export function checkOrigin({ headers }: Pick<FastifyRequest, "headers">, hostNames: readonly string[]): void {
  const { host = "", origin } = headers;
  const name = host.replace(/:[0-9]+$/, "").toLowerCase();
  // Nobody makes an address resolve to something else.
  const isOwn = LOOPBACK.has(name) || isIP(name.replace(/^\[|\]$/g, "")) !== 0 || hostNames.includes(name);
  if (!isOwn) {
    throw new Fault(421, "FOREIGN", `this server is not named "${name}"; add it to hostNames if it shall be`);
  }
  if (headers["sec-fetch-site"] === "cross-site" || (origin !== undefined && !sameHost(origin, host))) {
    throw new Fault(403, "FOREIGN", "pages of another origin are not answered");
  }
}

function sameHost(origin: string, host: string): boolean {
  try {
    return new URL(origin).host === host.toLowerCase();
  } catch {
    return false;
  }
}
