/**
 * Browsers: pages of other origins get nothing, whatever name they reach the server by, and every answer says what it must not be used
 * for.
 */

import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createRig, type Rig } from "../native/rig.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await createRig({ hostNames: ["belay.example.org"], limits: { bodyBytes: 2000 } });
});
afterEach(async () => await rig.close());

const ask = async (headers: Record<string, string>) => await rig.call("GET", "/v1/runs", { headers });

describe("origins", () => {
  test.each(["http://evil.example", "null", "http://127.0.0.1:81", "https://belay.example.org.evil.example", "x"])(
    "a page of %s is not answered",
    async (origin) => {
      const { status, json, headers } = await ask({ origin, host: "127.0.0.1:80" });
      expect([status, json.error.code]).toEqual([403, "FOREIGN"]);
      expect(headers["access-control-allow-origin"]).toBeUndefined();
    },
  );

  test("the server's own page is answered, without any permission for others", async () => {
    const { status, headers } = await ask({ origin: "http://127.0.0.1:8080", host: "127.0.0.1:8080" });
    expect(status).toBe(200);
    expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
  });

  test("a browser that says it comes from another site is not answered", async () => {
    expect((await ask({ "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect((await ask({ "sec-fetch-site": "same-origin" })).status).toBe(200);
  });

  test("a preflight finds nothing", async () => {
    const answer = await rig.app.inject({
      method: "OPTIONS",
      url: "/v1/runs",
      headers: { host: "127.0.0.1", origin: "http://evil.example", "access-control-request-method": "POST" },
    });
    expect(answer.statusCode).toBe(403);
    expect(answer.headers["access-control-allow-methods"]).toBeUndefined();
  });
});

describe("names", () => {
  test.each(["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "x", "belay.example.org.", "[::1"])(
    "by the name %j the server is not reached (DNS rebinding)",
    async (host) => {
      const { status, json } = await ask({ host });
      expect([status, json.error.code]).toEqual([421, "FOREIGN"]);
    },
  );

  test.each([
    "127.0.0.1",
    "127.0.0.1:8080",
    "localhost:1",
    "LOCALHOST",
    "[::1]:8080",
    "10.1.2.3",
    "belay.example.org:443",
  ])("by its own name %s it is", async (host) => {
    expect((await ask({ host })).status).toBe(200);
  });
});

const SAFE: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

describe("headers of every answer", () => {
  test("whatever became of the request", async () => {
    const big = { plan: "steps", params: { name: "x".repeat(3000) } };
    const answers = [
      await rig.call("GET", "/v1/health", { as: null }),
      await rig.call("GET", "/v1/openapi.json", { as: null }),
      await rig.call("GET", "/v1/runs", { as: null }),
      await rig.call("GET", "/v1/runs/nothing"),
      await rig.call("GET", "/v1/nothing"),
      await rig.call("GET", "/nothing"),
      await rig.call("GET", "/v1/runs/%ff"),
      await rig.call("GET", `/v1/runs/${"x".repeat(300)}`),
      await rig.call("POST", "/v1/runs", { as: "vera", body: {} }),
      await rig.call("POST", "/v1/runs", { body: "{" }),
      await rig.call("POST", "/v1/runs", { body: big }),
      await rig.call("POST", "/v1/runs", { body: "x", headers: { "content-type": "text/plain" } }),
      await rig.call("POST", "/v1/runs", { body: { plan: "waiting" } }),
      await rig.call("GET", "/v1/runs", { headers: { host: "evil.example" } }),
      await rig.call("GET", "/v1/runs", { headers: { origin: "http://evil.example" } }),
      await rig.call("GET", "/api/v2/nothing"),
      await rig.call("GET", "/"),
    ];
    expect(new Set(answers.map(({ status }) => status)).size).toBeGreaterThan(8);
    for (const { headers, status, text } of answers) {
      expect(headers, text).toMatchObject(SAFE);
      expect(headers["x-powered-by"]).toBeUndefined();
      if (status >= 400) expect(text).not.toMatch(/node_modules|\.ts:|at [A-Z]\w+ \(/);
    }
  });

  test("what is no HTTP too", async () => {
    await rig.app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = rig.app.server.address() as AddressInfo;
    const text = await new Promise<string>((resolve) => {
      let read = "";
      const socket = connect(port, "127.0.0.1", () => socket.write("NONSENSE\r\n\r\n"));
      socket.on("data", (bytes) => {
        read += String(bytes);
      });
      socket.on("close", () => resolve(read));
    });
    for (const [name, value] of Object.entries(SAFE)) expect(text).toContain(`${name}: ${value}`);
  });
});
