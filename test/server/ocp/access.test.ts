/** Who may do what through OCP's API, and how somebody proves who they are (acceptance case 41). */
import { createHash, createHmac } from "node:crypto";
import { ManualClock } from "@belay/engine/testing";
import { afterEach, expect, test } from "vitest";
import { basic, clusters, type OcpRigOptions, type OcpServer, ocpServer, readAnswer, SEED_START, user } from "./rig.ts";

const FAILOVER = "/api/v2/ob/clusters/6/failover";
const LIST = "/api/v2/tasks/instances";
const KEY = {
  id: "cqammmxBpfGjFlto",
  secret: "2fc0c299cc94c6be266f2ceece765d4d",
  name: "app",
  role: "operator",
} as const;

let server: OcpServer;
afterEach(async () => await server.close());

async function open(options: OcpRigOptions = {}): Promise<OcpServer> {
  const users = await Promise.all([
    user("admin", "belay-demo", { role: "admin" }),
    user("watcher", "belay-demo", { role: "viewer" }),
    user("switcher", "belay-demo", { role: "operator", plans: ["oceanbase-switch*"] }),
  ]);
  server = await ocpServer({ users, accessKeys: [KEY], ...options });
  return server;
}

interface Signing {
  readonly method?: "GET" | "POST";
  readonly url?: string;
  readonly at?: number;
  readonly body?: string;
  readonly id?: string;
  readonly secret?: string;
  readonly own?: Readonly<Record<string, string>>;
}

/** A signed request, put in. */
async function signed(signing: Signing = {}) {
  const {
    method = "GET",
    url = LIST,
    at = SEED_START,
    body = "",
    id = KEY.id,
    secret = KEY.secret,
    own = {},
  } = signing;
  const date = new Date(at).toUTCString();
  const md5 = body === "" ? "" : createHash("md5").update(body).digest("hex").toUpperCase();
  const lines = Object.entries(own).map(([name, value]) => `${name}:${value}`);
  const text = [method, md5, "application/json", date, "127.0.0.1:8080", lines.join("\n"), url].join("\n");
  const authorization = `OCP-ACCESS-KEY-HMACSHA1 ${id}:${createHmac("sha1", secret).update(text).digest("base64")}`;
  const headers = { authorization, date, host: "127.0.0.1:8080", "content-type": "application/json", ...own };
  return readAnswer(await server.app.inject({ method, url, headers, ...(body === "" ? {} : { payload: body }) }));
}

test("case 41: nobody is 401 with 30000, a wrong secret 401 with 30004, each with a challenge", async () => {
  await open();
  const nobody = await server.post(FAILOVER, {});
  expect(nobody).toMatchObject({ status: 401, body: { successful: false, status: 401, error: { code: 30000 } } });
  expect(nobody.headers["www-authenticate"]).toContain("Basic");
  for (const authorization of [
    basic("admin", "wrong"),
    basic("nobody", "belay-demo"),
    "Basic !!!",
    "Digest x",
    "Basic",
  ]) {
    expect(await server.get(LIST, { authorization })).toMatchObject({ status: 401, body: { error: { code: 30004 } } });
  }
  expect((await server.get("/api/v2/nothing", {})).status).toBe(404);
});

test("a viewer reads, and starts and steers nothing: 403 with 30014, written down", async () => {
  const rig = clusters();
  rig.break("lock");
  await open({ clusters: rig });
  const { id } = (await server.post(FAILOVER)).data;
  await server.rest(id);
  const viewer = { authorization: basic("watcher", "belay-demo") };
  const sid = (await server.get(`${LIST}/${id}`, viewer)).data.subtasks[0].id;
  expect((await server.get(LIST, viewer)).status).toBe(200);
  expect((await server.get(`${LIST}/${id}/subtasks/${sid}/log`, viewer)).status).toBe(200);
  const steering = [
    FAILOVER,
    "/api/v2/ob/clusters/6/switchover",
    "/api/v2/ob/clusters/6/failoverPreCheck",
    ...["retry", "rollback", "downloadDiagnosis"].map((verb) => `${LIST}/${id}/${verb}`),
    ...["retry", "skip", "cancel"].map((verb) => `${LIST}/${id}/subtasks/${sid}/${verb}`),
  ];
  for (const url of steering) {
    expect(await server.post(url, viewer)).toMatchObject({ status: 403, body: { error: { code: 30014 } } });
  }
  const refused = server.host.audit.youngest(100, ({ outcome }) => outcome === "FORBIDDEN");
  expect(refused.map(({ action, who, surface }) => `${action} ${who} ${surface}`).reverse()).toEqual(
    ["start", "start", "failoverPreCheck", "retry", "rollback", "downloadDiagnosis", "retry", "skip", "cancel"].map(
      (action) => `${action} watcher ocp`,
    ),
  );
});

test("an operator has the plans that are named for them, and no others", async () => {
  await open();
  const operator = { authorization: basic("switcher", "belay-demo") };
  expect(await server.post(FAILOVER, operator)).toMatchObject({ status: 403 });
  expect(await server.post("/api/v2/ob/clusters/6/switchover", operator)).toMatchObject({
    status: 200,
    data: { creator: "switcher" },
  });
});

test("case 41: a signed request is carried out in the name of its key", async () => {
  await open();
  expect((await signed()).status).toBe(200);
  expect((await signed({ url: `${LIST}?page=1&size=5` })).status).toBe(200);
  const started = await signed({
    method: "POST",
    url: FAILOVER,
    body: '{"any":"body"}',
    own: { "x-ocp-origin": "test" },
  });
  expect(started).toMatchObject({ status: 200, data: { creator: "app" } });
});

test("case 41: another secret, key, path, body, or no Date, is 401 with 30004", async () => {
  await open();
  const refused = { status: 401, body: { error: { code: 30004 } } };
  expect(await signed({ secret: "x" })).toMatchObject(refused);
  expect(await signed({ id: "unknown" })).toMatchObject(refused);
  const authorization = "OCP-ACCESS-KEY-HMACSHA1 cqammmxBpfGjFlto:TsQD6HDOuZuJ409m0wdnZPmijlc=";
  expect(await server.get(LIST, { authorization })).toMatchObject(refused);
  expect(await server.get(LIST, { authorization: "OCP-ACCESS-KEY-HMACSHA1 x" })).toMatchObject(refused);
});

test("case 41: a Date 15 minutes or more off is refused, earlier and later", async () => {
  await open();
  const limit = 15 * 60_000;
  // A Date has seconds: the clock of this server reads 441 ms more.
  const base = SEED_START - 441;
  for (const at of [base - limit + 1000, base + limit]) expect((await signed({ at })).status).toBe(200);
  for (const at of [base - limit, base + limit + 1000]) {
    const answer = await signed({ at });
    expect(answer).toMatchObject({ status: 401, body: { error: { code: 30004 } } });
    expect(answer.body.error?.message).toContain("15 minutes");
  }
});

test("a signed request that changes something counts once; one that only reads may come again", async () => {
  const rig = clusters();
  const clock = new ManualClock(SEED_START);
  await open({ clusters: rig, clock });
  rig.break("lock");
  const start = { method: "POST", url: FAILOVER } as const;
  const { id } = (await signed(start)).data;
  await server.rest(id);
  const again = await signed(start);
  expect(again).toMatchObject({ status: 401, body: { error: { code: 30004 } } });
  expect(again.body.error?.message).toContain("carried out already");
  const check = { method: "POST", url: "/api/v2/ob/clusters/6/failoverPreCheck" } as const;
  for (const signing of [check, check, {}, {}]) expect((await signed(signing)).status).toBe(200);
  const retry = { method: "POST", url: `${LIST}/${id}/retry` } as const;
  expect((await signed(retry)).status).toBe(200);
  clock.advance(29 * 60_000);
  expect((await signed(retry)).status).toBe(401);
});

test("who guesses keys has to wait, with 429 and code 0, whatever they send then", async () => {
  const clock = new ManualClock(SEED_START);
  await open({ clock });
  for (let guess = 0; guess < 20; guess++) expect((await signed({ secret: `guess ${guess}` })).status).toBe(401);
  const throttled = await signed();
  expect(throttled).toMatchObject({ status: 429, body: { error: { code: 0 } } });
  expect(throttled.headers["retry-after"]).toBe("60");
  expect((await server.get(LIST)).status).toBe(429);
  clock.advance(60_000);
  expect((await signed({ at: SEED_START + 60_000 })).status).toBe(200);
});
