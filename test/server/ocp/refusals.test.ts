/** Whatever becomes of a request, its answer is in OCP's envelope. */

import { BelayError, type ErrorCode } from "@belay/engine";
import type { InjectOptions } from "fastify";
import { afterEach, expect, test } from "vitest";
import { ocpErrorOf } from "../../../packages/server/src/ocp/errors.ts";
import { faultOf } from "../../../packages/server/src/web/fault.ts";
import { ADMIN, clusters, type OcpServer, ocpServer, readAnswer } from "./rig.ts";

const LIST = "/api/v2/tasks/instances";
const FIELDS = ["duration", "error", "server", "status", "successful", "timestamp", "traceId"];

let server: OcpServer;
afterEach(async () => await server.close());

async function refused(request: InjectOptions) {
  const answer = readAnswer(await server.app.inject(request));
  expect(Object.keys(answer.body)).toEqual(FIELDS);
  expect(answer.body).toMatchObject({ successful: false, status: answer.status });
  expect(answer.headers["content-type"]).toBe("application/json; charset=utf-8");
  expect(answer.headers["x-content-type-options"]).toBe("nosniff");
  return { status: answer.status, code: answer.body.error?.code };
}

test.for<[string, InjectOptions, number, number]>([
  ["an unknown path", { method: "GET", url: "/api/v2/none" }, 404, 10002],
  ["an unknown version", { method: "GET", url: "/api/v3/tasks/instances" }, 404, 10002],
  ["the bare prefix", { method: "GET", url: "/api" }, 404, 10002],
  ["another method", { method: "DELETE", url: LIST }, 404, 10002],
  ["a path that does not decode", { method: "GET", url: `${LIST}/%ff` }, 400, 10001],
  ["a number that is too long", { method: "GET", url: `${LIST}/${"9".repeat(300)}` }, 414, 10001],
  ["a page of another origin", { method: "GET", url: LIST, headers: { origin: "http://evil.example" } }, 403, 30014],
  ["another name of the server", { method: "GET", url: LIST, headers: { host: "evil.example" } }, 421, 30014],
])("%s", async ([, request, status, code]) => {
  server = await ocpServer();
  const headers = { authorization: ADMIN, ...(request.headers as Record<string, string>) };
  expect(await refused({ ...request, headers })).toEqual({ status, code });
});

test("a body that is too large is 413 before anybody looks at it", async () => {
  server = await ocpServer({ limits: { bodyBytes: 1024 } });
  const request = { method: "POST", url: `${LIST}/1/retry`, payload: "x".repeat(1025) } as const;
  expect(await refused(request)).toEqual({ status: 413, code: 10001 });
});

test("too many requests are 429 with code 0, OCP's words and its three headers", async () => {
  server = await ocpServer({ limits: { perMinute: 2 } });
  for (const left of ["1", "0"]) {
    const { headers, status } = await server.get(LIST);
    expect([status, headers["ratelimit-limit"], headers["ratelimit-remaining"]]).toEqual([200, "2", left]);
  }
  const { status, body, headers } = await server.get(LIST);
  expect([status, body.error]).toEqual([
    429,
    {
      code: 0,
      message: "Excessive number of requests. You have exceeded the request limit for the current throttling window.",
    },
  ]);
  expect(headers).toMatchObject({ "ratelimit-limit": "2", "ratelimit-remaining": "0" });
  expect(Number(headers["ratelimit-reset"])).toBeGreaterThan(0);
});

test("a fault of the server is 500 with 10010 and says nothing of what it was", async () => {
  const rig = clusters();
  const site = {
    ...rig.site,
    ocp: {
      clusters: async () => {
        throw new Error("password=secret of the database");
      },
    },
  };
  server = await ocpServer({ site });
  const response = await server.app.inject({ method: "GET", url: LIST, headers: { authorization: ADMIN } });
  expect(response.body).not.toContain("secret");
  expect(readAnswer(response)).toMatchObject({ status: 500, body: { error: { code: 10010 } } });
  expect(server.errors).toHaveLength(1);
});

test("duration is what the server took, in milliseconds, of answers and of refusals", async () => {
  const slow = async () => {
    for (const end = performance.now() + 6; performance.now() < end; ) {
      // The clock of requests is the machine's.
    }
    return [];
  };
  const rig = clusters();
  const site = { ...rig.site, ocp: { clusters: slow } };
  server = await ocpServer({ site });
  for (const { body } of [await server.get(LIST), await server.post("/api/v2/ob/clusters/6/failover")]) {
    expect(body["duration"]).toBeGreaterThanOrEqual(6);
  }
});

test("a site without OceanBase knows no cluster, and has an empty list", async () => {
  server = await ocpServer({ site: { actions: {} } });
  expect(await server.post("/api/v2/ob/clusters/6/failover")).toMatchObject({
    status: 404,
    body: { error: { code: 10002 } },
  });
  expect((await server.get(LIST)).data).toEqual({
    contents: [],
    page: { number: 1, size: 10, totalElements: 0, totalPages: 0 },
  });
});

/** Every refusal of the engine, in OCP's number. */
const NUMBERS: Readonly<Record<ErrorCode, readonly [status: number, code: number]>> = {
  STATE_INVALID: [400, 20003],
  ROLLBACK_PROHIBITED: [400, 20004],
  LOCKED: [409, 50002],
  FORBIDDEN: [403, 30014],
  NOT_FOUND: [404, 10002],
  INVALID_ARGUMENT: [400, 10001],
  PARAMS_INVALID: [400, 10001],
  IDEMPOTENT_PARAMETER_MISMATCH: [409, 10001],
  FENCED: [409, 20003],
  SECRET_MISSING: [409, 20003],
  PLAN_CHANGED: [409, 20003],
  CLOSED: [503, 10010],
  PLAN_INVALID: [500, 10010],
  UNKNOWN_ACTION: [500, 10010],
  JOURNAL_FAILED: [500, 10010],
  JOURNAL_IN_USE: [500, 10010],
  JOURNAL_CORRUPT: [500, 10010],
  ENVIRONMENT: [500, 10010],
  INTERNAL: [500, 10010],
};

test.for(Object.entries(NUMBERS))("%s is %j", async ([name, [status, code]]) => {
  server = await ocpServer();
  const fault = faultOf(new BelayError(name as ErrorCode, "words"));
  expect(ocpErrorOf(fault, true)).toMatchObject({ status, code });
});
