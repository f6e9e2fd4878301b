/**
 * Drawn requests, signed and not: whatever is asked, the answer is an envelope that a client can parse, and never a failure of the
 * server's. They are put in without a network, each from an address of its own, so that nobody is taken for a guesser.
 */
import fc from "fast-check";
import type { InjectOptions } from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { MYSQL, POSTGRES, type Rig, SECOND, startRig } from "./polar-rig.ts";
import { answered, signedParams } from "./signer.ts";

const REQUESTS = Number(process.env["FUZZ_REQUESTS"] ?? 2000);
const SEED = Number(process.env["FUZZ_SEED"] ?? 23);
const UUID = /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/;
const FORM = "application/x-www-form-urlencoded";

let rig: Rig;
let addresses = 0;
beforeAll(async () => {
  rig = await startRig({ limits: { perMinute: 0, bodyBytes: 8192 } });
});
afterAll(async () => {
  await rig.close();
});

/** Answers the code; undefined of a success. */
async function expectEnvelope(request: InjectOptions): Promise<unknown> {
  addresses += 1;
  const remoteAddress = `10.${addresses >> 16}.${(addresses >> 8) & 255}.${addresses & 255}`;
  const { statusCode, body, headers } = await rig.app.inject({ ...request, remoteAddress });
  expect(statusCode, JSON.stringify(request)).toBeLessThan(500);
  const type = String(headers["content-type"]);
  const { fields, root } = await answered(new Response(body, { headers: { "content-type": type } }));
  expect(fields["RequestId"]).toMatch(UUID);
  if (statusCode === 200) expect(fields).not.toHaveProperty("Code");
  else
    expect([root ?? "Error", typeof fields["Code"], typeof fields["Message"]]).toEqual(["Error", "string", "string"]);
  return fields["Code"];
}

const word = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: "binary-ascii" }),
  fc.constantFrom("", "true", "0", "-1", "1e9", "2025-01-01T00:00:00Z", "%00", "&", "=", "\u0000", "__proto__"),
);

test(`${REQUESTS} drawn requests, seed ${SEED}: nothing that is not signed breaks an envelope`, async () => {
  const drawn = fc.record({
    method: fc.constantFrom("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"),
    query: fc.oneof(
      fc.string({ unit: "binary-ascii" }),
      fc.constantFrom("Format=JSON", "Format=XML&Action=a", "a=%zz"),
    ),
    body: fc.oneof(
      fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
      word,
    ),
    type: fc.constantFrom(FORM, `${FORM}; charset=utf-8`, "application/json", "text/plain", "a/b", ";", "x"),
    authorization: fc.oneof(fc.constantFrom("", "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=00"), word),
    accept: fc.constantFrom("*/*", "application/json", "application/xml", ";;"),
  });
  await fc.assert(
    fc.asyncProperty(drawn, async ({ method, query, body, type, authorization, accept }) => {
      if (method === "HEAD") return;
      const headers = { "content-type": type, authorization: printable(authorization), accept };
      const url = `/?${printable(query)}`;
      await expectEnvelope({ method: method as "GET", url, body, headers });
    }),
    { numRuns: REQUESTS, seed: SEED },
  );
  expect(rig.errors).toEqual([]);
}, 120_000);

/** What HTTP lets through in a header or a URL. */
function printable(text: string): string {
  return text.replace(/[^\x21-\x7e]|[#\\]/g, "");
}

test(`${REQUESTS} drawn requests, seed ${SEED}: nothing that is signed does either, and one cluster never has two writers`, async () => {
  const codes = new Set<unknown>();
  const names = [
    ...["DBClusterId", "TargetDBNodeId", "TargetZoneType", "RollBackForDisaster", "ClientToken", "LogType", "PageSize"],
    ...[
      "PageNumber",
      "StartTime",
      "EndTime",
      "DBNodeId",
      "DBClusterIds",
      "DBClusterStatus",
      "DBType",
      "OwnerId",
      "Format",
    ],
  ];
  const value = fc.oneof(
    fc.constantFrom(MYSQL, POSTGRES, SECOND, "Primary", "HaSwitchLogList", "5", "json", "t"),
    word,
  );
  const drawn = fc.record({
    action: fc.oneof(
      fc.constantFrom("FailoverDBCluster", "DescribeDBClusters", "DescribeDBClusterAttribute", "DescribeHALogs"),
      word,
    ),
    cluster: fc.constantFrom(MYSQL, POSTGRES, "pc-none"),
    params: fc.dictionary(fc.oneof(fc.constantFrom(...names), word), value, { maxKeys: 6 }),
    post: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(drawn, async ({ action, cluster, params, post }) => {
      const method = post ? "POST" : "GET";
      const words = { DBClusterId: cluster, ...params, Action: action };
      const text = new URLSearchParams(signedParams(words, { method })).toString();
      const code = await expectEnvelope(
        post ? { method, url: "/", body: text, headers: { "content-type": FORM } } : { method, url: `/?${text}` },
      );
      codes.add(code ?? "OK");
    }),
    { numRuns: REQUESTS, seed: SEED },
  );
  await rig.settled();
  expect([...codes]).toEqual(expect.arrayContaining(["OK", "InvalidParameter", "InvalidDBNodeId.Malformed"]));
  expect([...codes].filter((code) => /Signature/.test(String(code)))).toEqual([]);
  expect([rig.errors, rig.model(MYSQL).mostWriters, rig.model(POSTGRES).mostWriters]).toEqual([[], 1, 1]);
}, 120_000);
