/**
 * `Authorization: OCP-ACCESS-KEY-HMACSHA1 {AK}:{Signature}`: what is signed, and whether a signature is right. Owns: the text
 * that is signed. Pure: no clock, no keyring, no HTTP framework. Does not own: who has which secret, how old a request may be
 * (`who-asks.ts`), repeated signatures (`seen-signatures.ts`).
 *
 * OCP's documents leave room: keys of headers as they were sent or in lower case, RFC 3986 or Java's `URLEncoder`, a bare plus as
 * itself or as a blank. A request is right when its signature is that of one of these readings; all of them cover the same bytes
 * of the request.
 */
import { createHash, createHmac } from "node:crypto";
import { equalSecrets } from "../access/keyring.ts";

/** A request as it was sent. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query, as in the request line. */
  readonly url: string;
  /** Names and values by turns, in the order and case in which they came. */
  readonly rawHeaders: readonly string[];
  /** Empty when there is none. */
  readonly body: Uint8Array;
}

/** An Authorization header of this scheme. */
export interface SignedWith {
  readonly accessKeyId: string;
  /** base64 of 20 bytes. */
  readonly signature: string;
}

const SCHEME = "OCP-ACCESS-KEY-";
const HEADER = /^OCP-ACCESS-KEY-HMACSHA1 ([^\s:]{1,256}):([A-Za-z0-9+/]{27}=)$/;
const OWN_HEADERS = "x-ocp-";

/** Whether the header is meant to be of this scheme. */
export function isSigned(authorization: string | undefined): authorization is string {
  return authorization?.startsWith(SCHEME) ?? false;
}

/** The parts of the header; undefined when it is not well formed. */
export function readAuthorization(authorization: string): SignedWith | undefined {
  const [, accessKeyId, signature] = HEADER.exec(authorization) ?? [];
  return accessKeyId === undefined || signature === undefined ? undefined : { accessKeyId, signature };
}

/** When the request says it was sent: `Date`, else `x-ocp-date`, in RFC 1123; undefined when neither reads. */
export function requestDate(rawHeaders: readonly string[]): { readonly text: string; readonly at: number } | undefined {
  const text = valuesOf(rawHeaders, "date")[0] ?? valuesOf(rawHeaders, "x-ocp-date")[0];
  if (text === undefined || !/^([A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) {
    return undefined;
  }
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : { text, at };
}

/** Whether the signature is that of the request by that secret. Takes as long whatever differs. */
export function isSignedBy(request: SignedRequest, secret: string, signature: string): boolean {
  let right = false;
  for (const text of signedTexts(request)) {
    const expected = createHmac("sha1", secret).update(text).digest("base64");
    if (equalSecrets(expected, signature)) right = true;
  }
  return right;
}

/** Every text that may have been signed; one, unless the request has what the documents are not clear about. */
export function signedTexts(request: SignedRequest): readonly string[] {
  const { method, url, rawHeaders, body } = request;
  const header = (name: string): string => valuesOf(rawHeaders, name)[0] ?? "";
  const head = [method, digestOf(body), header("content-type"), requestDate(rawHeaders)?.text ?? "", header("host")];
  const texts = ownHeaders(rawHeaders).flatMap((own) =>
    resources(url).map((resource) => [...head, own, resource].join("\n")),
  );
  return [...new Set(texts)];
}

/** MD5 in upper-case hex; empty for an empty body. */
function digestOf(body: Uint8Array): string {
  return body.length === 0 ? "" : createHash("md5").update(body).digest("hex").toUpperCase();
}

/** `x-ocp-` headers, by key; several values of a key in the order in which they came. */
function ownHeaders(rawHeaders: readonly string[]): string[] {
  const lines = (keyOf: (name: string) => string): string => {
    const byKey = new Map<string, string[]>();
    for (const [name, value] of pairs(rawHeaders)) {
      if (!name.toLowerCase().startsWith(OWN_HEADERS)) continue;
      byKey.set(keyOf(name), [...(byKey.get(keyOf(name)) ?? []), value]);
    }
    return sortedByKey([...byKey])
      .map(([key, values]) => `${key}:${values.join(",")}`)
      .join("\n");
  };
  return [lines((name) => name), lines((name) => name.toLowerCase())];
}

/** Path and query: keys sorted, values of one key sorted and joined by comma. */
function resources(url: string): string[] {
  const [path = "/", ...rest] = url.split("?");
  const query = rest.join("?");
  if (query === "") return [path];
  const readings = query.includes("+") ? [query, query.replaceAll("+", "%20")] : [query];
  return readings.flatMap((reading) =>
    [encodeRfc3986, encodeJava].map((encode) => `${path}?${canonicalQuery(reading, encode)}`),
  );
}

function canonicalQuery(query: string, encode: (text: string) => string): string {
  const byKey = new Map<string, string[]>();
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const key = decoded(equals < 0 ? pair : pair.slice(0, equals));
    byKey.set(key, [...(byKey.get(key) ?? []), equals < 0 ? "" : decoded(pair.slice(equals + 1))]);
  }
  return sortedByKey([...byKey])
    .map(([key, values]) => `${encode(key)}=${values.sort().map(encode).join(",")}`)
    .join("&");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function encodeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** As `java.net.URLEncoder`. */
function encodeJava(text: string): string {
  return encodeRfc3986(text).replaceAll("%20", "+").replaceAll("%2A", "*").replaceAll("~", "%7E");
}

function sortedByKey<T>(entries: readonly (readonly [string, T])[]): (readonly [string, T])[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  return pairs(rawHeaders).flatMap(([key, value]) => (key.toLowerCase() === name ? [value] : []));
}

function pairs(rawHeaders: readonly string[]): (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [];
  for (let place = 0; place + 1 < rawHeaders.length; place += 2) {
    found.push([rawHeaders[place] as string, rawHeaders[place + 1] as string]);
  }
  return found;
}
