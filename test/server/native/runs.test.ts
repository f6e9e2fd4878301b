/** The native API: the list of runs, logs, locks, audit and inventory. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createRig, type Rig, startHeld } from "./rig.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await createRig({
    native: { patienceMs: 20 },
    site: {
      clusters: [
        { id: "hangs", system: "x", nodes: () => new Promise(() => undefined) },
        {
          id: "fails",
          system: "x",
          nodes: () =>
            Promise.reject(Object.assign(new Error("postgres://u:pa55@h/ refused"), { code: "ECONNREFUSED" })),
        },
        {
          id: "well",
          system: "x",
          nodes: async () => [{ id: "n1", role: "writer", status: "up", endpoint: "10.0.0.1:5432", password: "pa55" }],
        },
      ] as never,
    },
  });
});
afterEach(async () => await rig.close());

const get = async (path: string, as = "vera") => await rig.call("GET", path, { as });

interface Row {
  readonly id: string;
}

describe("the list of runs", () => {
  const fifteen = async (): Promise<string[]> => {
    const ids: string[] = [];
    for (let n = 0; n < 15; n++) ids.push((await startHeld(rig, `r${n}`)).id);
    return ids;
  };

  test("pages do not move while runs are started, and end", async () => {
    const before = await fifteen();
    const seen: string[] = [];
    let cursor = "";
    for (let page = 0; page < 4; page++) {
      const { json } = await get(`/v1/runs?limit=4${cursor}`);
      seen.push(...json.runs.map(({ id }: Row) => id));
      await startHeld(rig, `later${page}`);
      if (json.nextCursor === null) break;
      cursor = `&cursor=${json.nextCursor}`;
    }
    expect(seen).toHaveLength(15);
    expect(new Set(seen)).toEqual(new Set(before));
  });

  test("filters go together", async () => {
    await fifteen();
    await rig.call("POST", "/v1/runs", { as: "olga", body: { plan: "waiting" } });
    const { json } = await rig.call("POST", "/v1/runs", { as: "otto", body: { plan: "waiting" } });
    await rig.call("POST", `/v1/runs/${json.id}/pause`, { as: "otto", body: {} });
    const ids = async (query: string) => (await get(`/v1/runs?${query}`)).json.runs.map(({ id }: Row) => id);
    expect(await ids("plan=waiting&startedBy=otto")).toEqual([json.id]);
    expect(await ids("status=PAUSED")).toEqual([json.id]);
    expect(await ids("status=PAUSED,RUNNING")).toHaveLength(17);
    expect(await ids("to=2000-01-01T00:00:00Z")).toEqual([]);
    expect(await ids(`from=2000-01-01T00:00:00Z&plan=steps&limit=200`)).toHaveLength(15);
  });

  test("a row says what the journal knows of a run", async () => {
    const { id } = await startHeld(rig, "a");
    const { json } = await get("/v1/runs");
    expect(json.runs[0]).toMatchObject({ id, plan: "steps", status: "RUNNING", startedBy: "adam", locks: ["steps/a"] });
  });
});

describe("what is kept of runs", () => {
  test("lines of a run are read by offset, until it is complete", async () => {
    const { id } = await startHeld(rig, "a");
    const attempt = await rig.held.next();
    const first = await get(`/v1/runs/${id}/logs`);
    expect(first.json).toMatchObject({ lines: [{ node: "look", message: "looked", attempt: 1 }], nextOffset: 1 });
    expect(first.json.complete).toBe(false);
    attempt.succeed();
    await rig.host.engine.run(id)?.settled();
    const page = await get(`/v1/runs/${id}/logs?offset=1&limit=2`);
    expect(page.json.lines.map(({ message }: { message: string }) => message)).toEqual(["line 0", "line 1"]);
    expect([page.json.nextOffset, page.json.complete]).toEqual([3, false]);
    const rest = await get(`/v1/runs/${id}/logs?offset=3&node=last`);
    expect(rest.json).toMatchObject({ lines: [{ details: { n: 2 } }], nextOffset: 4, complete: true });
    expect((await get(`/v1/runs/${id}/logs?offset=999`)).json).toEqual({ lines: [], nextOffset: 4, complete: true });
    expect((await get("/v1/runs/nothing/logs")).status).toBe(404);
  });

  test("R40: locks say who holds them, and since when", async () => {
    const { id } = await startHeld(rig, "a");
    const { json } = await get("/v1/locks");
    expect(json.locks).toMatchObject([{ resource: "steps/a", runId: id, plan: "steps" }]);
    expect(json.locks[0].owner).not.toBeNull();
  });

  test("the audit log shows everybody's to admins, to others their own, refused requests too", async () => {
    await rig.call("POST", "/v1/runs", { as: "olga", body: { plan: "waiting", why: "test" } });
    const refused = await rig.call("POST", "/v1/runs", { as: "liam", body: { plan: "waiting" } });
    await rig.call("GET", "/v1/runs", { as: "nobody" });
    const whos = async (as: string, query = "") =>
      (await get(`/v1/audit${query}`, as)).json.entries.map(({ who, action, outcome }: Record<string, string>) => [
        who,
        action,
        outcome,
      ]);
    expect(await whos("adam")).toEqual([
      [null, "authenticate", "UNAUTHENTICATED"],
      ["liam", "start", "FORBIDDEN"],
      ["olga", "start", "ok"],
    ]);
    expect(await whos("olga")).toEqual([["olga", "start", "ok"]]);
    expect(await whos("vera")).toEqual([]);
    const { json } = await get("/v1/audit?outcome=FORBIDDEN", "adam");
    expect(json.entries[0].requestId).toBe(refused.headers["x-request-id"]);
  });
});

describe("clusters", () => {
  test("the inventory lists them with the plan of each mode, and nothing that could be a credential", async () => {
    const { json } = await get("/v1/inventory");
    expect(json.clusters[0]).toEqual({
      id: "pc-1",
      system: "polardb",
      description: "a model",
      planned: { plan: "polardb-failover", takesTarget: true },
      forced: { plan: "polardb-failover", takesTarget: true },
    });
  });

  test("a cluster that cannot be reached is said, not an error, without the words of its system", async () => {
    const fails = await get("/v1/clusters/fails");
    expect(fails.status).toBe(200);
    expect(fails.json).toMatchObject({ nodes: null, problem: "its nodes cannot be asked: ECONNREFUSED" });
    expect(fails.text).not.toContain("pa55");
  });

  test("a cluster that hangs is given up, and asked once for all who wait", async () => {
    const answers = await Promise.all([get("/v1/clusters/hangs"), get("/v1/clusters/hangs")]);
    for (const { json } of answers) expect(json).toMatchObject({ nodes: null, problem: "no answer within 0.02 s" });
  });

  test("nodes are shown with what the contract has of them, and no more", async () => {
    const { json } = await get("/v1/clusters/well");
    expect(json.nodes).toEqual([{ id: "n1", role: "writer", status: "up", endpoint: "10.0.0.1:5432" }]);
    expect((await get("/v1/clusters/none")).json.error.details.known).toContain("well");
  });
});
