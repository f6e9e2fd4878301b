/** Who is not answered, and with which code: parts of signatures, keys, times, nonces, roles. Cases 18 and 23 of the reference. */
import { ManualClock } from "@belay/engine/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MYSQL, type Rig, startRig } from "./polar-rig.ts";
import { type Answered, acs3Request, answered, type CallOptions, call, signedParams } from "./signer.ts";

const MINUTE_MS = 60_000;
const ACTION = { Action: "DescribeDBClusters", Format: "JSON" };

let clock: ManualClock;
let rig: Rig;
beforeEach(async () => {
  clock = new ManualClock();
  rig = await startRig({
    clock,
    keys: [
      { name: "reader", role: "viewer", id: "viewer-ak", secret: "viewer-sk" },
      { name: "other", role: "operator", plans: ["postgres-*"], id: "other-ak", secret: "other-sk" },
      { name: "op", role: "operator", plans: ["polardb-*"], id: "op-ak", secret: "op-sk" },
    ],
  });
});
afterEach(async () => {
  await rig.close();
});

const ask = (options: CallOptions = {}): Promise<Answered> => call(rig.url, ACTION, { at: clock.now(), ...options });
const code = ({ status, fields }: Answered): readonly unknown[] => [status, fields["Code"] ?? "OK"];

describe("case 18: bad signatures, replayed nonces and stale time stamps are refused", () => {
  test.each<[string, CallOptions, readonly [number, string]]>([
    ["a wrong secret", { secret: "wrong" }, [400, "SignatureDoesNotMatch"]],
    ["a parameter changed afterwards", { tamper: { PageSize: "5" } }, [400, "SignatureDoesNotMatch"]],
    ["an unknown key", { accessKeyId: "nobody" }, [404, "InvalidAccessKeyId.NotFound"]],
    ["an access key of other letters' case", { accessKeyId: "DEMO-AK" }, [404, "InvalidAccessKeyId.NotFound"]],
    ["no nonce", { common: { SignatureNonce: undefined } }, [400, "IncompleteSignature"]],
    ["no time stamp", { common: { Timestamp: undefined } }, [400, "IncompleteSignature"]],
    ["another method of signing", { common: { SignatureMethod: "HMAC-MD5" } }, [400, "IncompleteSignature"]],
    ["no signature", { tamper: { Signature: "" } }, [400, "IncompleteSignature"]],
    ["a time stamp that is none", { common: { Timestamp: "yesterday" } }, [400, "IllegalTimestamp"]],
    ["a day that is none", { common: { Timestamp: "2025-13-01T00:00:00Z" } }, [400, "IllegalTimestamp"]],
    ["no key at all", { common: { AccessKeyId: undefined } }, [400, "MissingParameter"]],
  ])("RPC V1: %s", async (_, options, refused) => {
    expect(code(await ask(options))).toEqual(refused);
  });

  test("time stamps within 15 minutes of the server's clock are accepted, in both directions, with milliseconds too", async () => {
    for (const offset of [-15 * MINUTE_MS, 15 * MINUTE_MS]) {
      expect(code(await ask({ at: clock.now() + offset }))).toEqual([200, "OK"]);
    }
    for (const offset of [-15 * MINUTE_MS - 1000, 15 * MINUTE_MS + 1000]) {
      expect(code(await ask({ at: clock.now() + offset }))).toEqual([400, "InvalidTimeStamp.Expired"]);
    }
    expect(code(await ask({ common: { Timestamp: new Date(clock.now()).toISOString() } }))).toEqual([200, "OK"]);
  });

  test("a nonce is accepted once; after the window the time stamp itself is stale", async () => {
    const common = { SignatureNonce: "n-1" };
    expect(code(await ask({ common }))).toEqual([200, "OK"]);
    expect(code(await ask({ common }))).toEqual([400, "SignatureNonceUsed"]);
    expect(code(await ask({ common, method: "POST" }))).toEqual([400, "SignatureNonceUsed"]);
    const replay = signedParams(ACTION, { at: clock.now(), common: { SignatureNonce: "n-2" } });
    const send = async () => code(await answered(await fetch(`${rig.url}/?${new URLSearchParams(replay)}`)));
    expect(await send()).toEqual([200, "OK"]);
    expect(await send()).toEqual([400, "SignatureNonceUsed"]);
    await clock.elapse(15 * MINUTE_MS + 1000);
    expect(await send()).toEqual([400, "InvalidTimeStamp.Expired"]);
  });

  test("a wrong signature uses up nobody's nonce", async () => {
    const common = { SignatureNonce: "n-1" };
    expect(code(await ask({ common, secret: "wrong" }))).toEqual([400, "SignatureDoesNotMatch"]);
    expect(code(await ask({ common }))).toEqual([200, "OK"]);
  });

  test.each<[string, Parameters<typeof acs3Request>[2], readonly [number, string]]>([
    ["everything right", {}, [200, "OK"]],
    ["another body than the hash says", { body: "a=1", bodyHash: "0".repeat(64) }, [400, "SignatureDoesNotMatch"]],
    ["a header changed afterwards", { headers: { "x-acs-action": "DescribeHALogs" } }, [400, "SignatureDoesNotMatch"]],
    ["a host that is not signed", { unsigned: ["host"] }, [400, "IncompleteSignature"]],
    ["an action that is not signed", { unsigned: ["x-acs-action"] }, [400, "IncompleteSignature"]],
    ["a body that is not signed", { unsigned: ["x-acs-content-sha256"] }, [400, "IncompleteSignature"]],
  ])("ACS3: %s", async (_, options, expected) => {
    const request = acs3Request(rig.url, { Action: "DescribeDBClusters" }, { at: clock.now(), ...options });
    expect(code(await answered(await fetch(request)))).toEqual(expected);
  });

  test.each(["__proto__", "constructor"])("ACS3: a signed header %s that is not there is no header", async (name) => {
    const request = acs3Request(rig.url, { Action: "DescribeDBClusters" }, { at: clock.now() });
    const authorization = request.headers.get("authorization") ?? "";
    request.headers.set("authorization", authorization.replace("SignedHeaders=", `SignedHeaders=${name};`));
    expect(code(await answered(await fetch(request)))).toEqual([400, "SignatureDoesNotMatch"]);
  });

  test("ACS3: a nonce is accepted once, and a time stamp is stale after 15 minutes", async () => {
    const send = async (nonce: string, at: number) =>
      code(await answered(await fetch(acs3Request(rig.url, { Action: "DescribeDBClusters" }, { at, nonce }))));
    expect(await send("n", clock.now())).toEqual([200, "OK"]);
    expect(await send("n", clock.now())).toEqual([400, "SignatureNonceUsed"]);
    expect(await send("m", clock.now() - 16 * MINUTE_MS)).toEqual([400, "InvalidTimeStamp.Expired"]);
  });

  test("a scheme that is not known is no signature", async () => {
    for (const authorization of ["AWS4-HMAC-SHA256 Credential=a", "ACS3-RSA-SHA256 Credential=a", "Basic ZGVtbw=="]) {
      const response = await fetch(`${rig.url}/?Format=JSON`, { headers: { authorization } });
      expect(code(await answered(response)), authorization).toEqual([400, "IncompleteSignature"]);
    }
  });
});

test("case 23: parameters that nobody knows are ignored, but signed", async () => {
  const words = { ...ACTION, OwnerAccount: "x", Unheard: "of * this" };
  expect(code(await call(rig.url, words, { at: clock.now() }))).toEqual([200, "OK"]);
  const tampered = await call(rig.url, words, { at: clock.now(), tamper: { Unheard: "of that" } });
  expect(code(tampered)).toEqual([400, "SignatureDoesNotMatch"]);
});

test("who guesses has to wait, also with the right secret; one envelope says for how long", async () => {
  for (let guess = 0; guess < 20; guess++) await ask({ secret: `guess ${guess}` });
  const refused = await ask();
  expect(code(refused)).toEqual([429, "Throttling.User"]);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(refused.headers.get("x-ratelimit-user-api")).toMatch(/TimeLeft:[0-9]+000$/);
});

describe("what a key may is its principal's business", () => {
  const failOver = async (accessKeyId: string, secret: string, words = {}) =>
    code(
      await call(
        rig.url,
        { Action: "FailoverDBCluster", DBClusterId: MYSQL, Format: "JSON", ...words },
        { at: clock.now(), accessKeyId, secret },
      ),
    );

  test("a viewer describes, and starts nothing; an operator of other plans neither; both are written down", async () => {
    expect(code(await ask({ accessKeyId: "viewer-ak", secret: "viewer-sk" }))).toEqual([200, "OK"]);
    expect(await failOver("viewer-ak", "viewer-sk")).toEqual([403, "Forbidden.RAM"]);
    expect(await failOver("other-ak", "other-sk", { ClientToken: "t" })).toEqual([403, "Forbidden.RAM"]);
    expect(rig.host.engine.runs()).toEqual([]);
    expect(rig.host.audit.youngest(10)).toMatchObject([
      { who: "other", surface: "polardb", action: "start", outcome: "FORBIDDEN", remote: "127.0.0.1" },
      { who: "reader", surface: "polardb", action: "start", outcome: "FORBIDDEN", remote: "127.0.0.1" },
    ]);
  });

  test("an operator of this plan may, under their own name", async () => {
    expect(await failOver("op-ak", "op-sk")).toEqual([200, "OK"]);
    const [run] = await rig.settled();
    expect(run).toMatchObject({ status: "SUCCESSFUL", startedBy: "op" });
    expect(rig.host.audit.youngest(1)).toMatchObject([{ who: "op", outcome: "ok", runId: run?.id }]);
  });

  test("another one's key does not know the token, and tells nothing of it", async () => {
    const words = { ClientToken: "shared" };
    expect(await failOver("op-ak", "op-sk", words)).toEqual([200, "OK"]);
    await rig.settled();
    expect(await failOver("demo-ak", "demo-sk", words)).toEqual([200, "OK"]);
    expect((await rig.settled()).length).toBe(2);
  });
});
