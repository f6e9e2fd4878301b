/**
 * The two signature styles, as pure functions of a request and a secret. Owns: what is signed, byte for byte. Known answers are in the
 * tests. Does not own: who has which secret, whether the time is right (`authenticate.ts`).
 */
import { createHash, createHmac } from "node:crypto";
import { canonicalQuery, type Pair, percentEncode } from "./encoding.ts";

/** RPC, HMAC-SHA1: base64. All parameters but `Signature` count, wherever they were sent. */
export function rpcSignature(method: string, params: Iterable<Pair>, secret: string): string {
  const signed = [...params].filter(([name]) => name !== "Signature");
  const text = `${method}&%2F&${percentEncode(canonicalQuery(signed))}`;
  return createHmac("sha1", `${secret}&`).update(text).digest("base64");
}

/** What ACS3 signs. */
export interface Acs3Request {
  readonly method: string;
  /** Of the URL. */
  readonly query: Iterable<Pair>;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Lower-case names, in the order in which the client lists them. */
  readonly signedHeaders: readonly string[];
}

/** The text whose hash ACS3 signs. */
export function acs3Canonical({ method, query, headers, signedHeaders }: Acs3Request): string {
  const lines = signedHeaders.map((name) => `${name}:${(headers[name] ?? "").trim()}\n`);
  const names = signedHeaders.join(";");
  return [method, "/", canonicalQuery(query), lines.join(""), names, headers["x-acs-content-sha256"] ?? ""].join("\n");
}

/** ACS3-HMAC-SHA256: hex. */
export function acs3Signature(request: Acs3Request, secret: string): string {
  const text = `ACS3-HMAC-SHA256\n${sha256(acs3Canonical(request))}`;
  return createHmac("sha256", secret).update(text).digest("hex");
}

/** Hex. */
export function sha256(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}
