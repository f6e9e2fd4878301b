/** Requests that are made to hurt: too large, too slow, too deep, or saying what they must not. */

import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createRig, type Rig, startHeld } from "../native/rig.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await createRig({ limits: { bodyBytes: 100_000, headerBytes: 8192, requestMs: 150 } });
});
afterEach(async () => {
  expect(rig.faults).toEqual([]);
  await rig.close();
});

const post = async (path: string, body: unknown, headers = {}) => await rig.call("POST", path, { body, headers });

/** Sends bytes to a listening server and reads all that comes until the connection ends. */
async function raw(...parts: readonly string[]): Promise<string> {
  if (!rig.app.server.listening) await rig.app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = rig.app.server.address() as AddressInfo;
  return await new Promise((resolve) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => {
      for (const part of parts) socket.write(part);
    });
    socket.on("data", (bytes) => {
      text += String(bytes);
    });
    // A server that ends a connection whose sender goes on may reset it.
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(text));
  });
}

describe("size", () => {
  test("a body beyond the limit is 413, in the envelope", async () => {
    const { status, json } = await post("/v1/runs", { plan: "steps", params: { name: "x".repeat(100_000) } });
    expect([status, json.error.code]).toEqual([413, "TOO_LARGE"]);
  });

  test("a body that does not say its length is cut off at the limit too", async () => {
    const chunk = `2710\r\n${"x".repeat(10_000)}\r\n`;
    const head = "POST /v1/runs HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer adam-token\r\n";
    const type = "content-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    expect(await raw(`${head}${type}`, ...Array.from({ length: 12 }, () => chunk))).toMatch(/^HTTP\/1.1 413 /);
  });

  test("headers beyond the limit are 431, and the connection ends", async () => {
    const answer = await raw(`GET /v1/health HTTP/1.1\r\nhost: 127.0.0.1\r\nx-long: ${"x".repeat(9000)}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 431 /);
    expect(answer).toContain('"code":"TOO_LARGE"');
    expect(answer).toContain("connection: close");
  });

  test("a parameter of a path beyond the limit is refused", async () => {
    expect((await rig.call("GET", `/v1/runs/${"x".repeat(300)}`)).status).toBe(414);
  });
});

describe("time", () => {
  test("headers that come drop by drop are cut off (slow loris)", async () => {
    expect(await raw("GET /v1/health HTTP/1.1\r\nhost: 127.0.0.1\r\n")).toMatch(/^HTTP\/1.1 408 /);
  });

  test("a body that never comes is cut off", async () => {
    const head = "POST /v1/runs HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer adam-token\r\n";
    const answer = await raw(`${head}content-type: application/json\r\ncontent-length: 1000\r\n\r\n{`);
    expect(answer).toMatch(/^HTTP\/1.1 408 |^$/);
  });

  test("a connection that says nothing at all is ended", async () => {
    expect(await raw()).toMatch(/^HTTP\/1.1 408 |^$/);
  });

  test("who asks for much and reads nothing is disconnected", async () => {
    await rig.close();
    rig = await createRig({ limits: { idleMs: 100 } });
    await rig.app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = rig.app.server.address() as AddressInfo;
    const socket = connect(port, "127.0.0.1").pause();
    socket.on("error", () => undefined);
    socket.write("GET /v1/openapi.json HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".repeat(400));
    const connections = async () =>
      await new Promise<number>((resolve) => {
        rig.app.server.getConnections((_, count) => resolve(count));
      });
    await expect.poll(connections).toBe(1);
    await expect.poll(connections, { timeout: 10_000 }).toBe(0);
    socket.destroy();
  });

  test("what is no HTTP is answered in one piece, and the connection ends", async () => {
    expect(await raw("\u0016\u0003\u0001hello\r\n\r\n")).toMatch(/^HTTP\/1.1 400 /);
    const smuggled = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    expect(await raw(smuggled)).toMatch(/^HTTP\/1.1 400 /);
  });
});

describe("what a body may be", () => {
  const malformed = async (text: string) => {
    const { status, json } = await post("/v1/runs", text);
    return [status, json.error.code];
  };

  test("nested without end is refused before anything walks it", async () => {
    for (const depth of [100, 40_000]) {
      expect(await malformed(`{"plan":"steps","params":${"[".repeat(depth)}${"]".repeat(depth)}}`)).toEqual([
        400,
        "MALFORMED",
      ]);
      expect(await malformed(`${'{"a":'.repeat(depth / 4)}1${"}".repeat(depth / 4)}`)).toEqual([
        400,
        depth > 300 ? "MALFORMED" : "INVALID_ARGUMENT",
      ]);
    }
  });

  test.each([
    ["one key twice", '{"plan":"steps","plan":"waiting"}'],
    ["an integer that no number holds", '{"plan":"steps","params":{"name":9007199254740993}}'],
    ["no JSON", "{plan: steps}"],
    ["half of one", '{"plan":'],
    ["a NUL", '{"plan":"a\u0000"}'],
  ])("%s is refused, not guessed at", async (_, text) => {
    expect(await malformed(text)).toEqual([400, "MALFORMED"]);
  });

  test("a body that is no object is refused", async () => {
    for (const text of ["[]", "1", '"a"', "null", "true"]) {
      const { status } = await post("/v1/runs", text);
      expect(status, text).toBe(400);
    }
  });

  test.each([
    "text/plain",
    "application/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "json",
  ])("a body of type %s is 415", async (type) => {
    const { status, json } = await post("/v1/runs", '{"plan":"waiting"}', { "content-type": type });
    expect([status, json.error.code]).toEqual([415, "MEDIA_TYPE"]);
    expect(await rig.host.summaries()).toEqual([]);
  });

  test("fields that nobody knows are named with their place", async () => {
    const { status, json } = await post("/v1/runs", { plan: 1, who: "root", validateOnly: "yes", params: [] });
    expect(status).toBe(400);
    expect(json.error.details.faults.map(({ place }: { place: string }) => place).toSorted()).toEqual([
      "body.params",
      "body.plan",
      "body.validateOnly",
      "body.who",
    ]);
  });

  test("__proto__ and constructor are data, and change nobody's prototype", async () => {
    const bodies = [
      '{"plan":"steps","params":{"name":"a","__proto__":{"polluted":true}}}',
      '{"plan":"steps","__proto__":{"validateOnly":true}}',
      '{"plan":"__proto__"}',
      '{"plan":"constructor","params":{"constructor":{"prototype":{"polluted":true}}}}',
    ];
    for (const body of bodies) {
      const { status } = await post("/v1/runs", body);
      expect([400, 404, 422], body).toContain(status);
    }
    expect((await rig.call("GET", "/v1/plans/__proto__")).status).toBe(404);
    expect((await rig.call("GET", "/v1/clusters/constructor")).status).toBe(404);
    expect((await post("/v1/runs/x/constructor", {})).status).toBe(404);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
});

describe("plans that are made to hurt", () => {
  const codes = async (text: string) => {
    const { status, json } = await post("/v1/plans/check", { text });
    expect(status).toBe(200);
    expect(json.valid).toBe(false);
    return json.diagnostics.map(({ code }: { code: string }) => code);
  };

  test("R4: aliases are refused, not expanded (a billion laughs)", async () => {
    const levels = Array.from(
      { length: 9 },
      (_, n) => `l${n}: &l${n} [${Array(10).fill(n === 0 ? "lol" : `*l${n - 1}`)}]`,
    );
    expect(await codes(levels.join("\n"))).toContain("YAML_FEATURE");
  });

  test("R4: depth, tags, and a text beyond the limit for YAML are refused", async () => {
    expect(await codes(`a: ${"[".repeat(20_000)}`)).toContain("LIMIT");
    expect(await codes("a: !!js/function 'function () {}'")).toContain("YAML_FEATURE");
  });

  test("R3: an action beyond the registry is none, whatever objects have by that name", async () => {
    for (const action of ["constructor", "__proto__", "toString", "../../etc/passwd", "node:fs"]) {
      const { json } = await post("/v1/plans/check", {
        document: { belay: 1, name: "x", nodes: [{ id: "a", action }] },
      });
      expect(json.valid, action).toBe(false);
    }
  });

  test("R4: an expression that would walk a string for ever is refused", async () => {
    const when = '"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!".matches("(a+)+$")';
    expect(
      await codes(JSON.stringify({ belay: 1, name: "x", nodes: [{ id: "a", action: "test.look", when }] })),
    ).toContain("EXPRESSION");
  });
});

describe("ids, cursors and words", () => {
  test.each(["..%2f..%2fetc%2fpasswd", "%2e%2e%2f", "..%5c..", "%00", "%0d%0aset-cookie:a", "a%20b", "%ff"])(
    "an id such as %s leads nowhere",
    async (id) => {
      for (const path of [`/v1/runs/${id}`, `/v1/runs/${id}/logs`, `/v1/plans/${id}`, `/v1/clusters/${id}`]) {
        const { status, headers } = await rig.call("GET", path);
        expect([400, 404], path).toContain(status);
        expect(headers["set-cookie"]).toBeUndefined();
      }
    },
  );

  test("a path that climbs is one that nobody has", async () => {
    for (const path of ["/v1/../package.json", "/v1/runs/../../../etc/passwd", "//etc/passwd", "/%2e%2e/etc"]) {
      const { status } = await rig.call("GET", path);
      expect([400, 404], path).toContain(status);
    }
  });

  test("a cursor that was tampered with is refused", async () => {
    for (let n = 0; n < 3; n++) await startHeld(rig, `r${n}`);
    const { json } = await rig.call("GET", "/v1/runs?limit=1");
    const cursor: string = json.nextCursor;
    const inside = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")) as unknown[];
    const made = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const tampered = [
      "",
      "%00",
      cursor.slice(0, -3),
      made({ at: 1 }),
      made([Number.MAX_VALUE, inside[1], inside[2]]),
      made([inside[0], { $ne: "" }, inside[2]]),
      made([inside[0], inside[1], "other"]),
      made([[["x"]], null, null]),
    ];
    for (const wrong of tampered) {
      const answer = await rig.call("GET", `/v1/runs?limit=1&cursor=${wrong}`);
      expect([answer.status, answer.json.error.code], wrong).toEqual([400, "INVALID_ARGUMENT"]);
    }
    expect((await rig.call("GET", `/v1/runs?limit=2&cursor=${cursor}`)).json.runs).toHaveLength(2);
    expect((await rig.call("GET", `/v1/runs?plan=steps&cursor=${cursor}`)).json.error.message).toContain(
      "other filters",
    );
  });

  test("limits of lists hold", async () => {
    for (const query of [
      "limit=0",
      "limit=201",
      "limit=-1",
      "limit=1e9",
      "limit=a",
      "limit=1&limit=2",
      "x=1",
      "from=soon",
      "status=NONE",
    ]) {
      expect((await rig.call("GET", `/v1/runs?${query}`)).status, query).toBe(400);
    }
  });

  test("a reason cannot forge a line of a log", async () => {
    for (const why of ["a\r\nb", "a\nb", "a\u0000", "a\u2028b", "\u001b[2J", "x".repeat(501)]) {
      expect((await post("/v1/runs", { plan: "waiting", why })).status, JSON.stringify(why)).toBe(400);
    }
  });

  test("a header cannot be split by what a request says", async () => {
    const { headers } = await rig.call("GET", "/v1/health", { headers: { "x-request-id": "forged" } });
    expect(headers["x-request-id"]).toMatch(/^[0-9A-F-]{36}$/);
  });
});
