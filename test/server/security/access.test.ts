/** Who may what: roles for every route, permission for plans, guessing, and that two people are two. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createRig, PEOPLE, type Rig, startHeld } from "../native/rig.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await createRig();
});
afterEach(async () => {
  expect(rig.faults).toEqual([]);
  await rig.close();
});

/** Who may at least ask it, by operationId: anyone, a viewer, an operator. */
const LEAST: Readonly<Record<string, "anyone" | "viewer" | "operator">> = {
  getHealth: "anyone",
  getOpenApi: "anyone",
  listPlans: "viewer",
  getPlan: "viewer",
  getPlanGraph: "viewer",
  checkPlan: "viewer",
  listRuns: "viewer",
  getRun: "viewer",
  getRunLogs: "viewer",
  getRunAudit: "viewer",
  streamRunEvents: "viewer",
  previewRun: "viewer",
  getAudit: "viewer",
  listLocks: "viewer",
  getInventory: "viewer",
  getCluster: "viewer",
  startRun: "operator",
  failOver: "operator",
  retryRun: "operator",
  skipRun: "operator",
  cancelRun: "operator",
  rollbackRun: "operator",
  skipRollbackRun: "operator",
  approveRun: "operator",
  rejectRun: "operator",
  signalRun: "operator",
  pauseRun: "operator",
  resumeRun: "operator",
  abandonRun: "operator",
};

interface Asked {
  readonly id: string;
  readonly method: "GET" | "POST";
  readonly path: string;
}

/** Every route of the API's own description, with parameters that exist. */
async function routes(run: string): Promise<Asked[]> {
  const { json } = await rig.call("GET", "/v1/openapi.json", { as: null });
  return Object.entries(json.paths as Record<string, Record<string, { operationId: string }>>).flatMap(([path, item]) =>
    Object.entries(item).map(([method, { operationId }]) => ({
      id: operationId,
      method: method.toUpperCase() as "GET" | "POST",
      path: path.replace("/v1/clusters/{id}", "/v1/clusters/6").replace("{id}", run).replace("{name}", "steps"),
    })),
  );
}

describe("roles", () => {
  test("every route is in the table", async () => {
    expect((await routes("x")).map(({ id }) => id).toSorted()).toEqual(Object.keys(LEAST).toSorted());
  });

  test("nobody, or somebody with a wrong secret, gets no further than the door", async () => {
    for (const { id, method, path } of await routes("x")) {
      if (LEAST[id] === "anyone") continue;
      for (const headers of [{}, { authorization: "Bearer wrong" }]) {
        const { statusCode, headers: sent } = await rig.app.inject({
          method,
          url: path,
          headers: { host: "127.0.0.1", ...headers },
          remoteAddress: `10.0.0.${Object.keys(LEAST).indexOf(id)}`,
        });
        expect([id, statusCode]).toEqual([id, 401]);
        expect(sent["www-authenticate"]).toContain("Bearer");
      }
    }
  });

  test("a viewer reads and steers nothing, an operator steers", async () => {
    const { id: run } = await startHeld(rig, "a");
    (await rig.held.next()).succeed();
    await rig.host.engine.run(run)?.settled();
    for (const { id, method, path } of await routes(run)) {
      const body = method === "POST" ? {} : undefined;
      const ask = async (as: string) => (await rig.call(method, path, { as, body })).status;
      const isSteering = LEAST[id] === "operator";
      expect([id, (await ask("vera")) === 403]).toEqual([id, isSteering]);
      // What an operator's request lacks is another matter.
      expect([id, await ask("olga")]).not.toEqual([id, 403]);
    }
  });

  test("a verb by a viewer changes nothing, whatever the way to say who one is", async () => {
    const { id } = await startHeld(rig, "a");
    for (const verb of ["cancel", "pause", "abandon", "rollback"]) {
      expect((await rig.call("POST", `/v1/runs/${id}/${verb}`, { as: "vera", body: {} })).status).toBe(403);
    }
    const posing = await rig.call("POST", `/v1/runs/${id}/pause`, { as: "vera", body: { who: "adam" } });
    expect(posing.status).toBe(403);
    expect(rig.host.engine.run(id)?.snapshot().status).toBe("RUNNING");
    expect((await rig.call("POST", "/v1/runs", { as: "vera", body: {} })).status).toBe(403);
    const refused = rig.host.audit.youngest(6, ({ who }) => who === "vera");
    const written = refused.map(({ action, runId, outcome }) => [action, runId, outcome]).reverse();
    expect(written).toEqual([
      ...["cancel", "pause", "abandon", "rollback", "pause"].map((verb) => [verb, id, "FORBIDDEN"]),
      ["start", null, "FORBIDDEN"],
    ]);
  });
});

describe("permission for plans", () => {
  test("an operator of some plans starts and steers only their runs", async () => {
    const { id } = await startHeld(rig, "a");
    expect((await rig.call("POST", "/v1/runs", { as: "liam", body: { plan: "waiting" } })).json.error).toMatchObject({
      code: "FORBIDDEN",
      details: { role: "operator", plan: "waiting" },
    });
    expect((await rig.call("POST", `/v1/runs/${id}/cancel`, { as: "liam", body: {} })).status).toBe(403);
    expect((await rig.call("POST", "/v1/clusters/6/failover", { as: "liam", body: { mode: "forced" } })).status).toBe(
      403,
    );
    expect(
      (await rig.call("POST", "/v1/clusters/pc-1/failover", { as: "liam", body: { mode: "forced" } })).status,
    ).toBe(201);
  });

  test("R43: a client token is no way to another's run", async () => {
    const body = { plan: "waiting", clientToken: "t" };
    await rig.call("POST", "/v1/runs", { as: "olga", body });
    expect((await rig.call("POST", "/v1/runs", { as: "liam", body })).status).toBe(403);
  });

  test("R37: approvals are counted by people: one person is one, whatever they say", async () => {
    const { json } = await rig.call("POST", "/v1/runs", { as: "olga", body: { plan: "approval" } });
    const approve = async (as: string, body: object = {}) =>
      await rig.call("POST", `/v1/runs/${json.id}/approve`, { as, body: { node: "ok", ...body } });
    expect((await approve("olga")).status).toBe(200);
    expect((await approve("olga")).json.error.code).toBe("STATE_INVALID");
    expect((await approve("olga", { who: "otto" })).status).toBe(400);
    expect((await approve("olga", { requestId: "again" })).status).toBe(409);
    expect((await approve("vera")).status).toBe(403);
    expect(rig.host.engine.run(json.id)?.snapshot().status).toBe("RUNNING");
    expect((await approve("otto")).status).toBe(200);
    const run = await rig.host.engine.run(json.id)?.settled();
    expect(run?.nodes[0]?.output).toEqual({ approvedBy: ["olga", "otto"] });
  });
});

describe("guessing", () => {
  const ask = async (token: string, remoteAddress: string) =>
    await rig.app.inject({
      url: "/v1/runs",
      headers: { host: "127.0.0.1", authorization: `Bearer ${token}` },
      remoteAddress,
    });

  test("an address that guesses has to wait, even with the right secret then; others do not", async () => {
    const statuses: number[] = [];
    for (let n = 0; n < 25; n++) statuses.push((await ask(`guess-${n}`, "10.9.9.9")).statusCode);
    expect(statuses.slice(0, 20)).toEqual(Array(20).fill(401));
    expect(statuses.slice(20)).toEqual(Array(5).fill(429));
    const late = await ask("adam-token", "10.9.9.9");
    expect([late.statusCode, late.json().error.code]).toEqual([429, "THROTTLED"]);
    expect(Number(late.headers["retry-after"])).toBeGreaterThan(0);
    expect((await ask("adam-token", "10.9.9.8")).statusCode).toBe(200);
    const { json } = await rig.call("GET", "/v1/audit?outcome=UNAUTHENTICATED");
    expect(json.entries).toHaveLength(20);
  });

  test("wrong credentials are written down by every API, no credentials by none", async () => {
    const get = async (url: string, authorization?: string): Promise<number> => {
      const headers = { host: "127.0.0.1", ...(authorization === undefined ? {} : { authorization }) };
      return (await rig.app.inject({ url, headers, remoteAddress: "10.9.9.4" })).statusCode;
    };
    const basic = `Basic ${Buffer.from("adam:guess").toString("base64")}`;
    const signature = `OCP-ACCESS-KEY-HMACSHA1 nobody:${"A".repeat(27)}=`;
    const polar = "SignatureMethod=HMAC-SHA1&SignatureVersion=1.0&Timestamp=x&SignatureNonce=n&Signature=x";
    expect(await get("/v1/runs", basic)).toBe(401);
    expect(await get("/api/v2/tasks/instances", basic)).toBe(401);
    expect(await get("/api/v2/tasks/instances", signature)).toBe(401);
    expect(await get(`/?AccessKeyId=nobody&${polar}`)).toBe(404);
    for (const url of ["/v1/runs", "/api/v2/tasks/instances", "/"]) await get(url);
    const written = rig.host.audit.youngest(10).map(({ surface, action, who, outcome, remote }) => {
      expect([action, who, remote]).toEqual(["authenticate", null, "10.9.9.4"]);
      return [surface, outcome];
    });
    expect(written.reverse()).toEqual([
      ["native", "UNAUTHENTICATED"],
      ["ocp", "UNAUTHENTICATED"],
      ["ocp", "UNAUTHENTICATED"],
      ["polardb", "InvalidAccessKeyId.NotFound"],
    ]);
  });

  test("an address is the connection's: no header makes up another one", async () => {
    const statuses: number[] = [];
    for (let n = 0; n < 22; n++) {
      const { statusCode } = await rig.app.inject({
        url: "/v1/runs",
        headers: {
          host: "127.0.0.1",
          authorization: "Bearer guess",
          "x-forwarded-for": `10.2.0.${n}`,
          forwarded: `for=10.2.0.${n}`,
        },
        remoteAddress: "10.9.9.6",
      });
      statuses.push(statusCode);
    }
    expect(statuses.slice(-2)).toEqual([429, 429]);
  });

  test("behind a listed proxy the client is whom the proxy says; a client adds nothing to that", async () => {
    await rig.close();
    rig = await createRig({ proxies: ["10.9.9.6", "10.8.0.0/16"] });
    const from = async (token: string, forwarded: string, remoteAddress: string): Promise<number> => {
      const headers = { host: "127.0.0.1", authorization: `Bearer ${token}`, "x-forwarded-for": forwarded };
      return (await rig.app.inject({ url: "/v1/runs", headers, remoteAddress })).statusCode;
    };
    // What the client itself sends stands on the left of what the proxies add.
    for (let n = 0; n < 20; n++) await from("guess", `10.3.0.${n}, 10.2.0.1, 10.8.4.4`, "10.9.9.6");
    expect(await from("adam-token", "10.3.0.99, 10.2.0.1", "10.9.9.6")).toBe(429);
    expect(await from("adam-token", "10.2.0.2", "10.9.9.6")).toBe(200);
    expect(await from("adam-token", "10.2.0.1", "10.9.9.5")).toBe(200);
    const { json } = await rig.call("GET", "/v1/audit?outcome=UNAUTHENTICATED");
    expect(json.entries.map((entry: { remote: string }) => entry.remote)).toEqual(Array(20).fill("10.2.0.1"));
  });

  test("what a wrong secret was stands nowhere", async () => {
    const answer = await ask("my-mistyped-secret", "10.9.9.7");
    const { text } = await rig.call("GET", "/v1/audit");
    expect(`${answer.body}${text}`).not.toContain("my-mistyped-secret");
  });

  test("more requests of an address than the limit are refused, paths that nobody has too", async () => {
    await rig.close();
    rig = await createRig({ limits: { perMinute: 10 } });
    const statuses: number[] = [];
    for (let n = 0; n < 12; n++) statuses.push((await rig.call("GET", n % 2 === 0 ? "/v1/health" : "/v1/none")).status);
    expect(statuses.slice(10)).toEqual([429, 429]);
    const { json, headers } = await rig.call("GET", "/v1/health");
    expect(json.error).toMatchObject({ code: "THROTTLED", requestId: headers["x-request-id"] });
    expect(headers["ratelimit-limit"]).toBe("10");
  });
});

describe("plans", () => {
  test("nobody puts one in, not even an admin", async () => {
    const document = { belay: 1, name: "mine", nodes: [{ id: "a", action: "test.look" }] };
    for (const method of ["POST", "PUT", "PATCH", "DELETE"] as const) {
      for (const path of ["/v1/plans", "/v1/plans/mine", "/v1/plans/steps"]) {
        const { status, json } = await rig.call(method, path, { body: document });
        expect([method, path, status, json.error.code]).toEqual([method, path, 404, "ROUTE_UNKNOWN"]);
      }
    }
    const start = await rig.call("POST", "/v1/runs", { body: { plan: document } });
    expect(start.status).toBe(400);
    const beside = await rig.call("POST", "/v1/runs", { body: { plan: "steps", document, params: { name: "a" } } });
    expect(beside.json.error.message).toContain("body.document is not known here");
    expect((await rig.call("GET", "/v1/plans")).json.plans.map(({ name }: { name: string }) => name)).not.toContain(
      "mine",
    );
  });

  test("R3: what a plan names and nobody registered is never called", async () => {
    const { json } = await rig.call("GET", "/v1/plans");
    const foreign = json.plans.filter(({ startable }: { startable: boolean }) => !startable);
    expect(foreign.length).toBeGreaterThan(3);
    for (const { name } of foreign) {
      const { status } = await rig.call("POST", "/v1/runs", { body: { plan: name, params: {} } });
      expect([name, status]).toEqual([name, 422]);
    }
    expect(await rig.host.summaries()).toEqual([]);
  });
});

test("everybody of the tests has a role", () => {
  expect(new Set(Object.values(PEOPLE).map(({ role }) => role))).toEqual(new Set(["viewer", "operator", "admin"]));
});
