/** Whatever way a request finds to a route, and whatever HTTP makes of it: the answer is in the envelope of the API that was asked. */
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createApp } from "../../../packages/server/src/web/app.ts";
import { createRig, type Rig } from "../native/rig.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await createRig();
  await rig.app.listen({ host: "127.0.0.1", port: 0 });
});
afterEach(async () => await rig.close());

/** The whole answer to a request, byte by byte as it is given here. */
async function raw(head: string, { server } = rig.app): Promise<string> {
  const { port } = server.address() as AddressInfo;
  return await new Promise((resolve) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(`${head}\r\nconnection: close\r\n\r\n`));
    socket.on("data", (bytes) => {
      text += String(bytes);
    });
    socket.on("close", () => resolve(text));
  });
}

describe("one route, one envelope", () => {
  test.each([
    ["/api/v2/tasks/instances", /"successful":false/],
    ["/%61pi/v2/tasks/instances", /"successful":false/],
    ["http://127.0.0.1/api/v2/tasks/instances?x=1", /"successful":false/],
    ["/api#x", /"successful":false/],
    ["/", /<Error><RequestId>/],
    ["/#?Action=x", /<Error><RequestId>/],
    ["*", /<Error><RequestId>/],
    ["http://127.0.0.1/?Action=x", /<Error><RequestId>/],
    ["http://127.0.0.1", /<Error><RequestId>/],
    ["/v1/runs", /\{"error":\{"code":"UNAUTHENTICATED"/],
    ["/%76%31/runs", /\{"error":\{"code":"UNAUTHENTICATED"/],
    ["//", /\{"error":\{"code":"ROUTE_UNKNOWN"/],
    ["/%2fapi", /\{"error":\{"code":"ROUTE_UNKNOWN"/],
  ])("GET %s", async (target, envelope) => {
    const answer = await raw(`GET ${target} HTTP/1.1\r\nhost: 127.0.0.1`);
    expect(answer).toMatch(/^HTTP\/1.1 4\d\d /);
    expect(answer).toMatch(envelope);
  });
});

describe("what HTTP would refuse by itself, without a word", () => {
  test("a request to no name is refused as one to a foreign name is", async () => {
    const answer = await raw("GET /api/v2/tasks/instances HTTP/1.1");
    expect(answer).toMatch(/^HTTP\/1.1 421 /);
    expect(answer).toContain('"successful":false');
    expect(answer).toContain("x-content-type-options: nosniff");
  });

  test("an expectation that nobody knows is ignored", async () => {
    const answer = await raw("GET /v1/health HTTP/1.1\r\nhost: 127.0.0.1\r\nexpect: wonders");
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
    expect(answer).toContain('{"status":"ok"}');
  });
});

test("who still asks a server that goes down is told so, in the envelope", async () => {
  let goDown = (): void => undefined;
  const down = new Promise<void>((resolve) => {
    goDown = resolve;
  });
  const slow = {
    name: "native" as const,
    owns: () => false,
    render: () => ({ status: 500, type: "text/plain", body: "" }),
    register: async (app: typeof rig.app) => void app.addHook("preClose", async () => await down),
  };
  const app = await createApp({ surfaces: [...rig.surfaces.slice(0, 2), slow], onError: () => undefined });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const closing = app.close();
  await new Promise((resolve) => setImmediate(resolve));
  const answer = await raw("GET /api/v2/tasks/instances HTTP/1.1\r\nhost: 127.0.0.1", app);
  goDown();
  await closing;
  expect(answer).toMatch(/^HTTP\/1.1 503 /);
  expect(answer).toContain('"error":{"code":10010');
  expect(answer).toContain("retry-after: 1");
  expect(answer).toContain("x-content-type-options: nosniff");
});
