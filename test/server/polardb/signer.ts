/**
 * Requests of PolarDB's API signed by hand, for what no vendor's client sends: wrong parts, old time stamps, plain RPC over any method. An
 * implementation of its own: it shares nothing with the server.
 */
import { createHash, createHmac, randomUUID } from "node:crypto";
import { XMLParser } from "fast-xml-parser";

export type Words = Readonly<Record<string, string>>;

/** How a call is made. */
export interface CallOptions {
  readonly accessKeyId?: string;
  readonly secret?: string;
  /** Default GET, all in the query. */
  readonly method?: "GET" | "POST";
  /** Parameters that go into the form of a POST; default: all. */
  readonly form?: (name: string) => boolean;
  /** Changes the whole, before it is signed; undefined takes a parameter out. */
  readonly common?: Readonly<Record<string, string | undefined>>;
  /** Changes the whole, after it was signed. */
  readonly tamper?: Words;
  /** Epoch milliseconds; default: now. */
  readonly at?: number;
  readonly headers?: Words;
}

/** An answer as it came. */
export interface Answered {
  readonly status: number;
  readonly type: string;
  readonly headers: Headers;
  readonly text: string;
  /** The fields: of JSON, or of what is below the root of XML. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Name of the XML root; null of JSON. */
  readonly root: string | null;
}

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
const sorted = (words: Words): string =>
  Object.keys(words)
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map((name) => `${encode(name)}=${encode(words[name] ?? "")}`)
    .join("&");

/** All parameters of a signed RPC call. */
export function signedParams(words: Words, options: CallOptions = {}): Words {
  const { accessKeyId = "demo-ak", secret = "demo-sk", method = "GET", at = Date.now(), common = {} } = options;
  const all: Record<string, string> = {};
  const standard = {
    Version: "2017-08-01",
    AccessKeyId: accessKeyId,
    SignatureMethod: "HMAC-SHA1",
    SignatureVersion: "1.0",
    SignatureNonce: randomUUID(),
    Timestamp: `${new Date(at).toISOString().slice(0, 19)}Z`,
  };
  for (const [name, value] of Object.entries({ ...standard, ...words, ...common })) {
    if (value !== undefined) all[name] = value;
  }
  const text = `${method}&%2F&${encode(sorted(all))}`;
  const signature = createHmac("sha1", `${secret}&`).update(text).digest("base64");
  return { ...all, Signature: signature, ...options.tamper };
}

/** Calls an action, RPC V1. */
export async function call(url: string, words: Words, options: CallOptions = {}): Promise<Answered> {
  const params = Object.entries(signedParams(words, options));
  const { method = "GET", form = () => true, headers = {} } = options;
  if (method === "GET") return await answered(await fetch(`${url}/?${new URLSearchParams(params)}`, { headers }));
  const query = new URLSearchParams(params.filter(([name]) => !form(name)));
  const body = new URLSearchParams(params.filter(([name]) => form(name)));
  return await answered(await fetch(`${url}/?${query}`, { method, body, headers }));
}

/** Reads an answer, whatever its format. */
export async function answered(response: Response): Promise<Answered> {
  const text = await response.text();
  const type = response.headers.get("content-type") ?? "";
  const common = { status: response.status, type, headers: response.headers, text };
  if (type.startsWith("application/json")) return { ...common, fields: JSON.parse(text), root: null };
  const { "?xml": _, ...tree } = new XMLParser({ ignoreAttributes: false, parseTagValue: false }).parse(text);
  const [root = ""] = Object.keys(tree);
  return { ...common, fields: tree[root], root };
}

/** What of an ACS3 call can be chosen. */
export interface Acs3Options {
  readonly at?: number;
  readonly nonce?: string;
  /** Sent as it is; its hash is signed unless `bodyHash` says otherwise. */
  readonly body?: string;
  readonly bodyHash?: string;
  readonly headers?: Words;
  /** Not signed. */
  readonly unsigned?: readonly string[];
}

/** A signed ACS3 request, ready for fetch. */
export function acs3Request(url: string, words: Words, options: Acs3Options = {}): Request {
  const { Action = "", ...query } = words;
  const { at = Date.now(), nonce = randomUUID(), body = "", headers = {}, unsigned = [] } = options;
  const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
  const all: Record<string, string> = {
    host: new URL(url).host,
    "x-acs-action": Action,
    "x-acs-content-sha256": options.bodyHash ?? hash(body),
    "x-acs-date": `${new Date(at).toISOString().slice(0, 19)}Z`,
    "x-acs-signature-nonce": nonce,
    "x-acs-version": "2017-08-01",
  };
  const names = Object.keys(all).filter((name) => !unsigned.includes(name));
  const lines = names.map((name) => `${name}:${all[name]}\n`).join("");
  const canonical = ["POST", "/", sorted(query), lines, names.join(";"), all["x-acs-content-sha256"]].join("\n");
  const signature = createHmac("sha256", "demo-sk")
    .update(`ACS3-HMAC-SHA256\n${hash(canonical)}`)
    .digest("hex");
  const authorization = `ACS3-HMAC-SHA256 Credential=demo-ak,SignedHeaders=${names.join(";")},Signature=${signature}`;
  const { host: _, ...sent } = all;
  return new Request(`${url}/?${sorted(query)}`, {
    method: "POST",
    body,
    headers: { "content-type": "application/x-www-form-urlencoded", ...sent, ...headers, authorization },
  });
}
