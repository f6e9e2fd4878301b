/**
 * The envelopes of PolarDB's RPC API, in JSON and in XML. Owns: content types, roots and fields. A success never has a field `Code`: one
 * family of clients takes any answer with one for an error, whatever its HTTP status.
 *
 * Lists that the JSON form has flat (`DBNodes: [...]`) are one element with an element per item in XML; those that JSON wraps
 * (`Items: { DBCluster: [...] }`) are wrapped alike. The names of flat lists' items are Alibaba's convention: no page shows them.
 */
import type { Json } from "@belay/engine";
import type { PolarApiError } from "@belay/failover-plans/polardb";
import { XMLBuilder } from "fast-xml-parser";
import type { Rendered } from "../web/surface.ts";

/** Fields of an answer, `RequestId` among them. */
export type Answer = { readonly RequestId: string } & { readonly [field: string]: Json };

/** One client parses XML errors only under exactly this type. */
const XML_ERROR = "text/xml;charset=utf-8";
const XML_SUCCESS = "application/xml";
const JSON_TYPE = "application/json; charset=utf-8";
const PROLOG = '<?xml version="1.0" encoding="UTF-8"?>';

/** Item of a list that JSON has flat, by the list's name. */
const ITEMS: Readonly<Record<string, string>> = { DBNodes: "DBNode", HaLogItems: "HaLogItem" };

const builder = new XMLBuilder({ suppressEmptyNode: true });

/** A success: the root is the action's name and `Response`. */
export function renderAnswer(action: string, answer: Answer, json: boolean): Rendered {
  if (json) return { status: 200, type: JSON_TYPE, body: JSON.stringify(answer) };
  return { status: 200, type: XML_SUCCESS, body: xml({ [`${action}Response`]: answer }) };
}

/** About the request that is refused. */
export interface RefusedRequest {
  readonly requestId: string;
  /** Host header, as the client sent it. */
  readonly hostId: string;
  readonly json: boolean;
}

/** A refusal. */
export function renderError(error: PolarApiError, { requestId, hostId, json }: RefusedRequest): Rendered {
  const { status, code, message } = error;
  const fields = { RequestId: requestId, HostId: hostId, Code: code, Message: message, Recommend: recommend(code) };
  if (json) return { status, type: JSON_TYPE, body: JSON.stringify(fields) };
  return { status, type: XML_ERROR, body: xml({ Error: fields }) };
}

/** Where the vendor explains the code. */
function recommend(code: string): string {
  return `https://api.aliyun.com/troubleshoot?q=${encodeURIComponent(code)}&product=polardb`;
}

function xml(tree: Readonly<Record<string, Json>>): string {
  return `${PROLOG}${builder.build(shaped(tree))}`;
}

/** The tree with its flat lists wrapped, and without what XML 1.0 cannot hold. */
function shaped(value: Json): Json {
  if (typeof value === "string") return value.replace(UNSPEAKABLE, "\uFFFD");
  if (Array.isArray(value)) return value.map(shaped);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      const item = Array.isArray(field) ? ITEMS[name] : undefined;
      return [name, shaped(item === undefined ? field : { [item]: field })];
    }),
  );
}

/** All but the characters of XML 1.0. */
const UNSPEAKABLE = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;
