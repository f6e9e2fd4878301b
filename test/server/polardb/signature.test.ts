/** Signatures, byte for byte: the known answers, what is encoded anew before it is signed, and for how long a nonce is known. */
import { describe, expect, test } from "vitest";
import { byName, canonicalQuery, decodePairs, percentEncode } from "../../../packages/server/src/polardb/encoding.ts";
import { Nonces, SKEW_MS } from "../../../packages/server/src/polardb/nonces.ts";
import { acs3Canonical, acs3Signature, rpcSignature, sha256 } from "../../../packages/server/src/polardb/signature.ts";

const QUERY =
  "AccessKeyId=testid&Action=FailoverDBCluster&ClientToken=tok%27%28%2A%29%21%20~-_.&DBClusterId=pc-live&Format=JSON&SignatureMethod=HMAC-SHA1&SignatureNonce=9a6f2c11-0c3f-4f5e-8f7e-2b0f6f6d1a01&SignatureVersion=1.0&TargetDBNodeId=pi-b&Timestamp=2026-01-02T03%3A04%3A05Z&Version=2017-08-01";
const SECRET = "testsecret";

describe("the known answers of both styles", () => {
  test.each([
    ["GET", "ivvowemx4DV54W7uNYdt9L/Id4w="],
    ["POST", "c1Ru5qJQ99q1RrOWzEL3uoy9h4M="],
  ])("RPC V1, %s: the method is signed too", (method, signature) => {
    expect(rpcSignature(method, byName(decodePairs(QUERY)), SECRET)).toBe(signature);
    expect(rpcSignature(method, byName(decodePairs(`${QUERY}&Signature=anything`)), SECRET)).toBe(signature);
  });

  test("ACS3-HMAC-SHA256: the hash of the canonical request, and the signature", () => {
    const signedHeaders = [
      "host",
      "x-acs-action",
      "x-acs-content-sha256",
      "x-acs-date",
      "x-acs-signature-nonce",
      "x-acs-version",
    ];
    const request = {
      method: "POST",
      query: decodePairs("ClientToken=tok%27%28%2A%29%21%20~-_.&DBClusterId=pc-live&TargetDBNodeId=pi-b"),
      signedHeaders,
      headers: {
        host: "127.0.0.1:8080",
        "x-acs-action": "FailoverDBCluster",
        "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-acs-date": "2026-01-02T03:04:05Z",
        "x-acs-signature-nonce": "9a6f2c11-0c3f-4f5e-8f7e-2b0f6f6d1a01",
        "x-acs-version": "2017-08-01",
        "x-acs-other": "not signed",
      },
    };
    expect(sha256(acs3Canonical(request))).toBe("de732e6534605cb5efd4f9f3841db06dbe254323c60371fde76b43ee0ca8eb13");
    expect(acs3Signature(request, SECRET)).toBe("7ecf3e1d4c1a5c644fe1abe58ba416f63e5965ce7afec614ad7bddb8ea5f2fff");
  });
});

describe("what came is decoded and encoded anew", () => {
  test("raw marks, a blank as + or %20 and lower-case hex give one canonical form", () => {
    const canonical = "a=%2A%27%28%21%29%20~-_.%2F";
    for (const wire of ["a=*'(!)+~-_.%2f", "a=%2a%27%28%21%29%20%7E-_.%2F", "a=%2A'%28!%29+~-_./"]) {
      expect(canonicalQuery(decodePairs(wire)), wire).toBe(canonical);
    }
    expect(percentEncode("é€😀")).toBe("%C3%A9%E2%82%AC%F0%9F%98%80");
  });

  test("names are sorted by their bytes, upper case before lower case", () => {
    expect(canonicalQuery(decodePairs("b=1&a=2&B=3&é=4&A=5&a.b=6&a-b=7"))).toBe("A=5&B=3&a=2&a-b=7&a.b=6&b=1&%C3%A9=4");
  });

  test("a pair without a value, and an empty one, are pairs; nothing between two signs is none", () => {
    expect(decodePairs("a&b=&&c=1=2&")).toEqual([
      ["a", ""],
      ["b", ""],
      ["c", "1=2"],
    ]);
  });

  test.each([
    ["broken hex", "a=%zz"],
    ["no UTF-8", "a=%ff%fe"],
    ["too many parameters", Array.from({ length: 501 }, (_, index) => `p${index}=1`).join("&")],
  ])("refused: %s", (_, wire) => {
    expect(() => decodePairs(wire)).toThrow("not well formatted");
  });

  test("refused: a name that is there twice, since the signed one and the one that is carried out could differ", () => {
    expect(() => byName(decodePairs("TargetDBNodeId=a&TargetDBNodeId=b"))).toThrow('"TargetDBNodeId" is not valid');
  });
});

describe("nonces are used once", () => {
  const now = Date.UTC(2026, 0, 1);
  const take = (nonces: Nonces, nonce: string, at = now, key = "ak") => nonces.take(key, nonce, { at: now, now: at });

  test("for each access key by itself", () => {
    const nonces = new Nonces();
    expect([take(nonces, "a"), take(nonces, "a"), take(nonces, "b"), take(nonces, "a", now, "other")]).toEqual([
      "fresh",
      "used",
      "fresh",
      "fresh",
    ]);
  });

  test("as long as their time stamp would be accepted, and not longer", () => {
    const nonces = new Nonces();
    expect(take(nonces, "a")).toBe("fresh");
    expect(take(nonces, "a", now + SKEW_MS)).toBe("used");
    expect(take(nonces, "a", now + SKEW_MS + 1)).toBe("fresh");
  });

  test("no more of them are kept than fit: the next one is refused, none is forgotten early, old ones make room", () => {
    const nonces = new Nonces(2);
    expect([take(nonces, "a"), take(nonces, "b"), take(nonces, "c"), take(nonces, "a")]).toEqual([
      "fresh",
      "fresh",
      "full",
      "used",
    ]);
    expect(take(nonces, "c", now + SKEW_MS + 60_001)).toBe("fresh");
  });
});
