/** What every answer of a surface looks like, whatever was asked: what its clients parse before they know anything else. */
import { XMLParser, XMLValidator } from "fast-xml-parser";
import { expect } from "vitest";
import type { Surface } from "../../../packages/server/src/web/surface.ts";

/** An answer to be held against an envelope. */
export interface Seen {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

type Fields = Readonly<Record<string, unknown>>;

function native({ status, headers, text }: Seen): void {
  expect(headers["x-request-id"]).toMatch(/^[0-9A-F-]{36}$/);
  if (status === 204 || status === 304) {
    expect(text).toBe("");
  } else if (status < 400 && /^text\/(plain|event-stream)/.test(String(headers["content-type"]))) {
    expect(text).not.toBe("");
  } else {
    expect(headers["content-type"]).toMatch(/^application\/json/);
    const body = JSON.parse(text) as Fields;
    if (status >= 400) refusal(body["error"] as Fields, headers["x-request-id"]);
  }
}

function refusal(error: Fields, id: unknown): void {
  const { code, message, requestId, details = {}, ...rest } = error;
  expect([typeof code, typeof message, requestId]).toEqual(["string", "string", id]);
  expect([typeof details, rest]).toEqual(["object", {}]);
}

function ocp({ status, headers, text }: Seen): void {
  expect(headers["content-type"]).toMatch(/^application\/json/);
  const body = JSON.parse(text) as Fields;
  expect(typeof body["successful"]).toBe("boolean");
  if (status >= 400) expect(body["error"]).toMatchObject({ message: expect.any(String) });
}

function polardb({ headers, text }: Seen): void {
  const body = String(headers["content-type"]).includes("json") ? (JSON.parse(text) as Fields) : xmlRoot(text);
  expect(typeof body["RequestId"], text).toBe("string");
}

function xmlRoot(text: string): Fields {
  expect(XMLValidator.validate(text), text).toBe(true);
  const { "?xml": _, ...roots } = new XMLParser({ parseTagValue: false }).parse(text) as Readonly<
    Record<string, Fields>
  >;
  expect(Object.keys(roots)).toHaveLength(1);
  return Object.values(roots)[0] as Fields;
}

/** By the name of the surface; each throws when the answer is none of it. */
export const ENVELOPES: Readonly<Record<Surface["name"], (seen: Seen) => void>> = { native, ocp, polardb };
