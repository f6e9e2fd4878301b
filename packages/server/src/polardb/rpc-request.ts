/**
 * One request as both signature styles and all actions read it. Owns: where its parts come from (query, form, headers) and in which format
 * the client wants its answer. Does not own: whether it is signed.
 */
import type { FastifyRequest } from "fastify";
import { refused } from "./api-fault.ts";
import { byName, decodePairs, type Pair } from "./encoding.ts";

/** RPC signature in the parameters, or ACS3 in the Authorization header. */
export type SignatureStyle = "v1" | "acs3";

/** See the head of this file. */
export interface RpcRequest {
  readonly method: string;
  /** Of the URL alone, in their order: ACS3 signs these, and the body by its hash. */
  readonly query: readonly Pair[];
  /** Query and form together. */
  readonly params: ReadonlyMap<string, string>;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** As it came, empty when there was none. */
  readonly body: Buffer;
  readonly style: SignatureStyle;
}

/** What may be known of a request that was refused before it was read. */
export type Unread = Pick<FastifyRequest, "url" | "headers"> & { readonly body?: unknown };

const FORM = "application/x-www-form-urlencoded";

/** Reads a request. Refuses parameters that are there twice, no UTF-8, or in a body that is no form. */
export function readRpc(request: Pick<FastifyRequest, "method" | "url" | "headers" | "body">): RpcRequest {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  if (body.length > 0 && !isForm(request)) throw refused("MediaType");
  const query = decodePairs(queryOf(request.url));
  const params = byName([...query, ...decodePairs(body.toString("utf8"))]);
  return { method: request.method, query, params, headers: headersOf(request), body, style: styleOf(request) };
}

function headersOf({ headers }: Pick<FastifyRequest, "headers">): Readonly<Record<string, string | undefined>> {
  const texts = Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(",") : value]);
  // Clients name the headers that they sign: `constructor` is none of them.
  return Object.assign(Object.create(null), Object.fromEntries(texts)) as Readonly<Record<string, string | undefined>>;
}

function styleOf({ headers }: Pick<FastifyRequest, "headers">): SignatureStyle {
  return /^ACS3-/i.test(headers.authorization ?? "") ? "acs3" : "v1";
}

function queryOf(url: string): string {
  const place = url.indexOf("?");
  return place < 0 ? "" : url.slice(place + 1);
}

function isForm({ headers }: Pick<FastifyRequest, "headers">): boolean {
  const [type = ""] = (headers["content-type"] ?? "").split(";", 1);
  return type.trim().toLowerCase() === FORM;
}

/**
 * Whether the answer is JSON: `Format` says so, in any case of letters; XML is what RPC answers without it. ACS3 knows no Format, there
 * `accept` decides. Of a body that was not read `accept` is all there is to go by. Reads what is raw: it must work for any request.
 */
export function wantsJson(request: Unread): boolean {
  const form = Buffer.isBuffer(request.body) && isForm(request) ? request.body.toString("latin1") : "";
  const format = /(?:^|&)Format=([^&]*)/.exec(queryOf(request.url)) ?? /(?:^|&)Format=([^&]*)/.exec(form);
  if (format !== null) return format[1]?.toLowerCase() === "json";
  const accept = request.headers.accept ?? "";
  if (styleOf(request) === "acs3") return !/xml/i.test(accept) || /json/i.test(accept);
  const unread = request.body === undefined && request.headers["content-type"] !== undefined;
  return unread && /json/i.test(accept);
}
