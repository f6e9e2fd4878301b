/** Requests that nobody would write: the answer is an envelope, nothing is a fault of the server, no task starts by chance. */
import { ManualClock } from "@belay/engine/testing";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ADMIN, type OcpServer, ocpServer, SEED_START } from "./rig.ts";

const clock = new ManualClock(SEED_START);
let server: OcpServer;
beforeAll(async () => {
  server = await ocpServer({ clock });
});
afterAll(async () => await server.close());

const word = fc.oneof(
  fc.constantFrom("api", "v1", "v2", "ob", "clusters", "tasks", "instances", "subtasks", "5", "6", "0", "1000001"),
  fc.constantFrom(
    "retry",
    "rollback",
    "skip",
    "cancel",
    "log",
    "downloadDiagnosis",
    "failoverPreCheck",
    "..",
    "",
    "%00",
  ),
  fc.string({ maxLength: 12 }).map(encodeURIComponent),
);
/** Real ones, but for those that start something. */
const TASK = "/api/v2/tasks/instances/ID";
const ROUTES = [
  "/api/v1/tasks/instances",
  TASK,
  ...["retry", "rollback", "downloadDiagnosis", "subtasks/ID/log", "subtasks/1000001/skip"].map(
    (rest) => `${TASK}/${rest}`,
  ),
  "/api/v2/ob/clusters/6/failoverPreCheck",
  "/api/v2/ob/clusters/ID/switchoverPreCheck",
];

const query = fc.array(
  fc.tuple(fc.constantFrom("page", "size", "sort", "status", "name", "offset", "x"), fc.string({ maxLength: 8 })),
  { maxLength: 4 },
);
const authorization = fc.oneof(
  { weight: 4, arbitrary: fc.constant(ADMIN) },
  fc.constantFrom(
    "Basic",
    "OCP-ACCESS-KEY-HMACSHA1 a:b",
    "OCP-ACCESS-KEY-HMACSHA1 demo-ak:TsQD6HDOuZuJ409m0wdnZPmijlc=",
  ),
  fc.string({ maxLength: 20 }).map((text) => text.replaceAll(/[^\x20-\x7e]/g, "")),
);
const request = fc.record({
  method: fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH"),
  path: fc.oneof(
    fc.array(word, { maxLength: 8 }).map((words) => ["", "api", ...words].join("/")),
    fc.tuple(fc.constantFrom(...ROUTES), word).map(([route, id]) => route.replaceAll("ID", id)),
  ),
  query,
  authorization,
  type: fc.constantFrom("application/json", "text/plain", "nonsense", ""),
  body: fc.string({ maxLength: 40 }),
});

test("R1: 2,000 drawn requests", { timeout: 120_000 }, async () => {
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(request, async ({ method, path, query: fields, authorization: who, type, body }) => {
      // Guesses would be throttled, and what is throttled is of one kind only.
      clock.advance(60_000);
      const search = fields.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
      const headers = { authorization: who, ...(type === "" ? {} : { "content-type": type }) };
      const url = search === "" ? path : `${path}?${search}`;
      const response = await server.app.inject({ method: method as "GET", url, headers, payload: body });
      seen.add(response.statusCode);
      expect(response.statusCode, `${method} ${url}`).toBeLessThan(500);
      expect(response.json()).toMatchObject({ status: response.statusCode, successful: response.statusCode < 400 });
    }),
    { numRuns: 2000 },
  );
  expect(server.host.engine.runs()).toHaveLength(0);
  expect(server.errors).toEqual([]);
  expect([...seen].sort()).toEqual(expect.arrayContaining([200, 400, 401, 404]));
});
