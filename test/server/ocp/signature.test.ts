/** OCP's signatures: the published vectors, the readings of what the documents leave open, and that nothing else is right. */
import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import {
  isSignedBy,
  readAuthorization,
  requestDate,
  type SignedRequest,
  signedTexts,
} from "../../../packages/server/src/ocp/signature.ts";

const SECRET = "2fc0c299cc94c6be266f2ceece765d4d";
const HOST = "ocp.alibaba.net:8080";

interface Vector {
  readonly title: string;
  readonly secret: string;
  readonly signature: string;
  readonly request: SignedRequest;
}

const VECTORS: readonly Vector[] = [
  {
    title: "GET without a body",
    secret: SECRET,
    signature: "TsQD6HDOuZuJ409m0wdnZPmijlc=",
    request: {
      method: "GET",
      url: "/api/v2/compute/idcs?size=100",
      rawHeaders: [
        "Content-Type",
        "application/json;charset=utf-8",
        "Date",
        "Tue, 17 Jan 2023 04:14:02 GMT",
        "Host",
        HOST,
      ],
      body: Buffer.alloc(0),
    },
  },
  {
    title: "POST with a body and a header of its own with two values",
    secret: SECRET,
    signature: "XN8P+O+v3vUabB16ZCooq5wMJoY=",
    request: {
      method: "POST",
      url: "/api/v2/compute/idcs",
      rawHeaders: [
        ...["Host", HOST, "Content-Type", "application/json", "Date", "Tue, 17 Jan 2023 09:13:57 GMT"],
        ...["x-ocp-data", "A", "x-ocp-data", "1"],
      ],
      body: Buffer.from('{"name":"test01","description":"test","regionId":1}'),
    },
  },
  {
    title: "GET with a query that has to be sorted and encoded",
    secret: "d75332c5eed8d440a84a35ac6248d397",
    signature: "To11kg1EsB/dPWyDnnpuUzIUoQk=",
    request: {
      method: "GET",
      url:
        "/api/v2/monitor/top?metrics=host_disk_total&labels=svr_ip:127.0.0.1&groupBy=app,svr_ip,device,mount_point" +
        "&startTime=2024-04-15T14:29:55+08:00&endTime=2024-04-15T14:30:55+08:00&maxPoints=360",
      rawHeaders: [
        ...["x-ocp-origin", "for-test", "Content-Type", "application/json", "Host", "127.0.0.1:8080"],
        ...["Date", "Mon, 15 Apr 2024 09:25:02 GMT"],
      ],
      body: Buffer.alloc(0),
    },
  },
];

test.for(VECTORS)("case 41: the published vector verifies: $title", ({ request, secret, signature }) => {
  expect(isSignedBy(request, secret, signature)).toBe(true);
});

test.for(VECTORS)("case 41: one letter more or less in anything signed, and it does not: $title", (vector) => {
  const { request, secret, signature } = vector;
  const signed = (change: Partial<SignedRequest>): boolean => isSignedBy({ ...request, ...change }, secret, signature);
  expect(signed({ method: "PUT" })).toBe(false);
  expect(signed({ url: `${request.url}x` })).toBe(false);
  expect(signed({ body: Buffer.concat([request.body, Buffer.from(" ")]) })).toBe(false);
  expect(signed({ rawHeaders: [...request.rawHeaders, "x-ocp-more", "1"] })).toBe(false);
  for (let place = 1; place < request.rawHeaders.length; place += 2) {
    expect(signed({ rawHeaders: request.rawHeaders.with(place, `${request.rawHeaders[place]}1`) })).toBe(false);
  }
  expect(isSignedBy(request, `${secret}x`, signature)).toBe(false);
  expect(isSignedBy(request, secret, signature.toLowerCase())).toBe(false);
});

const plain: SignedRequest = {
  method: "GET",
  url: "/api/v2/x",
  rawHeaders: ["Host", "h", "Date", "Tue, 17 Jan 2023 04:14:02 GMT", "Content-Type", "application/json"],
  body: Buffer.alloc(0),
};
const head = "GET\n\napplication/json\nTue, 17 Jan 2023 04:14:02 GMT\nh\n";

test("a repeated key of the query is one, its values sorted and joined", () => {
  const [text] = signedTexts({ ...plain, url: "/api/v2/x?b=2&a=3&a=1&a=2&c" });
  expect(text).toBe(`${head}\n/api/v2/x?a=1,2,3&b=2&c=`);
});

test("blanks, stars and tildes are signed as RFC 3986 or as Java writes them", () => {
  expect(signedTexts({ ...plain, url: "/api/v2/x?a=%20*~" })).toEqual([
    `${head}\n/api/v2/x?a=%20%2A~`,
    `${head}\n/api/v2/x?a=+*%7E`,
  ]);
});

test("headers of its own are signed as they were sent, or in lower case; nothing is asked twice", () => {
  const rawHeaders = [...plain.rawHeaders, "X-OCP-B", "2", "x-ocp-a", "1"];
  expect(signedTexts({ ...plain, rawHeaders })).toEqual([
    `${head}X-OCP-B:2\nx-ocp-a:1\n/api/v2/x`,
    `${head}x-ocp-a:1\nx-ocp-b:2\n/api/v2/x`,
  ]);
  expect(signedTexts(plain)).toHaveLength(1);
});

test("a query that is no UTF-8 is signed as it stands, and never throws", () => {
  expect(signedTexts({ ...plain, url: "/api/v2/x?a=%ff%&=&&%" })).toHaveLength(1);
});

test.for([
  ["Tue, 17 Jan 2023 04:14:02 GMT", 1_673_928_842_000],
  ["Tue, 3 Jun 2008 11:05:30 GMT", 1_212_491_130_000],
  ["3 Jun 2008 11:05:30 GMT", 1_212_491_130_000],
  ["2023-01-17T04:14:02Z", undefined],
  ["Tue, 17 Jan 2023 04:14:02 +0100", undefined],
  ["Tue, 99 Jan 2023 04:14:02 GMT", undefined],
  ["1673928842", undefined],
] as const)("a Date of %s is %s", ([text, at]) => {
  expect(requestDate(["Date", text])?.at).toBe(at);
  expect(requestDate(["x-ocp-date", text])?.at).toBe(at);
});

test("the header is the scheme in upper case, one blank, the key, a colon, 20 bytes in base64", () => {
  const signature = createHmac("sha1", "s").update("t").digest("base64");
  expect(readAuthorization(`OCP-ACCESS-KEY-HMACSHA1 ak:${signature}`)).toEqual({ accessKeyId: "ak", signature });
  for (const wrong of [
    `OCP-ACCESS-KEY-HMACSHA1  ak:${signature}`,
    `OCP-ACCESS-KEY-hmacsha1 ak:${signature}`,
    `OCP-ACCESS-KEY-HMACSHA256 ak:${signature}`,
    `OCP-ACCESS-KEY-HMACSHA1 ak:${signature}x`,
    "OCP-ACCESS-KEY-HMACSHA1 ak:",
    `OCP-ACCESS-KEY-HMACSHA1 :${signature}`,
  ]) {
    expect(readAuthorization(wrong)).toBeUndefined();
  }
});
