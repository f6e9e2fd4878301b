/** Envelopes: formats, content types, roots, and that no answer is anything else, whatever was asked. Cases 17 and 19 of the reference. */
import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renderAnswer, renderError } from "../../../packages/server/src/polardb/envelope.ts";
import { MYSQL, type Rig, startRig } from "./polar-rig.ts";
import { acs3Request, answered, call, signedParams } from "./signer.ts";

const UUID = /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/;
const XML_ERROR = "text/xml;charset=utf-8";

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ limits: { bodyBytes: 4096, perMinute: 500 } });
});
afterAll(async () => {
  await rig.close();
});

describe("case 17: XML unless the request says JSON", () => {
  test.each([
    [undefined, "application/xml"],
    ["XML", "application/xml"],
    ["json", "application/json; charset=utf-8"],
    ["JSON", "application/json; charset=utf-8"],
    ["Json", "application/json; charset=utf-8"],
  ])("Format %s is answered as %s, errors alike", async (format, type) => {
    const words = format === undefined ? {} : { Format: format };
    const found = await call(rig.url, { Action: "DescribeDBClusters", ...words });
    const refused = await call(rig.url, { Action: "FailoverDBCluster", DBClusterId: "pc-none", ...words });
    expect([found.status, found.type]).toEqual([200, type]);
    expect([refused.status, refused.type]).toEqual([404, type === "application/xml" ? XML_ERROR : type]);
    const isXml = type === "application/xml";
    expect([found.root, refused.root]).toEqual(isXml ? ["DescribeDBClustersResponse", "Error"] : [null, null]);
    expect(found.fields).not.toHaveProperty("Code");
    expect(refused.fields).toMatchObject({
      RequestId: expect.stringMatching(UUID),
      HostId: rig.endpoint,
      Code: "InvalidDBCluster.NotFound",
      Message: "The DBClusterId provided does not exist in our records.",
      Recommend: expect.stringContaining("InvalidDBCluster.NotFound"),
    });
  });

  test("a failover without Format: root FailoverDBClusterResponse with the RequestId alone", async () => {
    const found = await call(rig.url, { Action: "FailoverDBCluster", DBClusterId: MYSQL });
    expect([found.status, found.type, found.root]).toEqual([200, "application/xml", "FailoverDBClusterResponse"]);
    expect(found.fields).toEqual({ RequestId: expect.stringMatching(UUID) });
    expect(found.text).toMatch(/^<\?xml version="1.0" encoding="UTF-8"\?><FailoverDBClusterResponse>/);
    await rig.settled();
  });

  test("ACS3 has no Format: `accept` decides, JSON by itself", async () => {
    for (const [accept, type] of [
      ["application/json", "application/json; charset=utf-8"],
      ["*/*", "application/json; charset=utf-8"],
      ["application/xml", "application/xml"],
    ] as const) {
      const request = acs3Request(rig.url, { Action: "DescribeDBClusters" }, { headers: { accept } });
      expect((await answered(await fetch(request))).type, accept).toBe(type);
    }
  });
});

describe("case 19: GET and POST, query and form", () => {
  test.each([
    ["all in the query of a GET", {}],
    ["all in the form of a POST", { method: "POST" }],
    ["all in the query of a POST", { method: "POST", form: () => false }],
    [
      "the client's parameters in the form, the others in the query",
      { method: "POST", form: (name: string) => name === "DBClusterId" },
    ],
  ] as const)("%s", async (_, options) => {
    const words = { Action: "DescribeDBClusterAttribute", DBClusterId: MYSQL, Format: "JSON" };
    const found = await call(rig.url, words, options);
    expect([found.status, found.fields["DBClusterId"]]).toEqual([200, MYSQL]);
  });

  test("a form in chunks", async () => {
    const words = signedParams({ Action: "DescribeDBClusters", Format: "JSON" }, { method: "POST" });
    const form = new URLSearchParams(Object.entries(words)).toString();
    const status = await new Promise((resolve, reject) => {
      const headers = { "content-type": "application/x-www-form-urlencoded", "transfer-encoding": "chunked" };
      const sent = httpRequest(`${rig.url}/`, { method: "POST", headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.on("error", reject);
      for (const part of form.match(/.{1,7}/g) ?? []) sent.write(part);
      sent.end();
    });
    expect(status).toBe(200);
  });
});

describe("no answer is anything but an envelope", () => {
  const form = { "content-type": "application/x-www-form-urlencoded" };

  test.each<[string, string, RequestInit, readonly [number, string]]>([
    ["nothing at all", "/", {}, [400, "MissingParameter"]],
    ["a method that is none of the API's", "/?Format=JSON", { method: "PUT" }, [403, "UnsupportedHTTPMethod"]],
    [
      "a body that is too large",
      "/?Format=JSON",
      { method: "POST", headers: form, body: "a".repeat(5000) },
      [413, "RequestTooLarge"],
    ],
    [
      "a body that is no form",
      "/?Format=JSON",
      { method: "POST", headers: { "content-type": "application/json" }, body: "{}" },
      [415, "UnsupportedMediaType"],
    ],
    ["broken encoding", "/?Format=JSON&a=%zz", {}, [400, "InvalidParameter"]],
    ["a parameter twice", "/?Format=JSON&Action=a&Action=b", {}, [400, "InvalidParameter"]],
    ["a page of another origin", "/?Format=JSON", { headers: { origin: "http://evil.example" } }, [403, "Forbidden"]],
  ])("%s", async (_, path, init, expected) => {
    const json = path.includes("Format=JSON");
    const refused = await answered(await fetch(`${rig.url}${path}`, init));
    expect([refused.status, refused.fields["Code"]]).toEqual(expected);
    expect(refused.type).toBe(json ? "application/json; charset=utf-8" : XML_ERROR);
    expect(refused.fields).toMatchObject({ RequestId: expect.stringMatching(UUID), HostId: rig.endpoint });
  });

  test("an unknown action, an unknown version, another vendor's version of the same action", async () => {
    const ask = async (words: Record<string, string>) => {
      const { status, fields } = await call(rig.url, { Format: "JSON", ...words });
      return [status, fields["Code"], fields["Message"]];
    };
    const notFound = [404, "InvalidAction.NotFound", expect.any(String)];
    const invalid = [400, "InvalidParameter", 'The specified parameter "Action or Version" is not valid.'];
    expect(await ask({ Action: "DeleteDBCluster" })).toEqual(notFound);
    expect(await ask({ Action: "toString" })).toEqual(notFound);
    expect(await ask({ Action: "DescribeDBClusters", Version: "2014-10-31" })).toEqual(invalid);
    expect(await ask({})).toEqual(invalid);
  });

  test("an error that nobody foresaw is InternalError, and says nothing of itself", async () => {
    const broken = await startRig();
    Object.defineProperty(broken.host.site.polardb, "clusters", {
      get: () => {
        throw new Error("secret inside");
      },
    });
    const refused = await call(broken.url, { Action: "DescribeDBClusters", Format: "JSON" });
    expect([refused.status, refused.fields["Code"]]).toEqual([500, "InternalError"]);
    expect(refused.text).not.toContain("secret inside");
    expect(broken.errors.length).toBe(1);
    await broken.close();
  });

  test("too many requests: Throttling.User, with the time to wait", async () => {
    const narrow = await startRig({ limits: { perMinute: 2 } });
    for (let turn = 0; turn < 2; turn++) await call(narrow.url, { Action: "DescribeDBClusters" });
    const refused = await call(narrow.url, { Action: "DescribeDBClusters", Format: "JSON" });
    expect([refused.status, refused.fields["Code"]]).toEqual([429, "Throttling.User"]);
    expect(refused.headers.get("x-ratelimit-user-api")).toMatch(/TimeLeft:[0-9]+000$/);
    await narrow.close();
  });
});

describe("what XML cannot hold does not break it", () => {
  test("control characters and half characters are replaced, marks are escaped", () => {
    const { body } = renderAnswer("A", { RequestId: "<&>\u0000\u0008\ud800 ok" }, false);
    expect(body).toContain("<RequestId>&lt;&amp;&gt;\uFFFD\uFFFD\uFFFD ok</RequestId>");
  });

  test("a flat list is an element with an element per item, an empty one an empty element", () => {
    const body = (nodes: readonly { readonly DBNodeId: string }[]): string =>
      renderAnswer("A", { RequestId: "R", DBNodes: nodes.map((node) => ({ ...node })) }, false).body;
    expect(body([{ DBNodeId: "a" }, { DBNodeId: "b" }])).toContain(
      "<DBNodes><DBNode><DBNodeId>a</DBNodeId></DBNode><DBNode><DBNodeId>b</DBNodeId></DBNode></DBNodes>",
    );
    expect(body([])).toContain("<DBNodes/>");
  });

  test("an error's fields, in the documented order", () => {
    const error = { status: 400, code: "C", message: "M" };
    const { body } = renderError(error, { requestId: "R", hostId: "H", json: true });
    expect(Object.keys(JSON.parse(body))).toEqual(["RequestId", "HostId", "Code", "Message", "Recommend"]);
  });
});
