/** The native API: plans to look at, to draw and to check. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRig, type Rig } from "./rig.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await createRig();
});
afterAll(async () => await rig.close());

describe("plans", () => {
  test("the list says of each plan whether it can be started here, and whether by me", async () => {
    const { status, json } = await rig.call("GET", "/v1/plans", { as: "liam" });
    expect(status).toBe(200);
    const byName = new Map<string, Record<string, unknown>>(
      json.plans.map((plan: { name: string }) => [plan.name, plan]),
    );
    expect(byName.get("polardb-failover")).toMatchObject({ startable: true, allowed: true, missingActions: [] });
    expect(byName.get("steps")).toMatchObject({ startable: true, allowed: false });
    expect(byName.get("postgres-failover")).toMatchObject({ startable: false });
    expect(byName.get("postgres-failover")?.["missingActions"]).toContain("postgres.promote");
  });

  test("R33: a plan is shown whole, with the schema of its parameters and its points of no return", async () => {
    const { json } = await rig.call("GET", "/v1/plans/postgres-failover", { as: "vera" });
    expect(json.pointsOfNoReturn).toEqual(["promote", "rejoinOld"]);
    expect(json.params.required).toEqual(["cluster", "primary", "standbys"]);
    expect(json.document.nodes[0].id).toBe("checkRecent");
    expect(json.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  test("a plan that nobody has is NOT_FOUND and lists the known ones", async () => {
    const { status, json } = await rig.call("GET", "/v1/plans/nothing");
    expect([status, json.error.code]).toEqual([404, "NOT_FOUND"]);
    expect(json.error.details.known).toContain("steps");
  });

  test.each([
    ["mermaid", "text/plain", "flowchart TD"],
    ["dot", "text/plain", "digraph"],
    ["json", "application/json", '"edges"'],
  ])("a plan is drawn as %s", async (format, type, part) => {
    const { headers, text } = await rig.call("GET", `/v1/plans/steps/graph?format=${format}`);
    expect(headers["content-type"]).toContain(type);
    expect(text).toContain(part);
  });
});

describe("checking a plan", () => {
  const check = async (body: unknown) => await rig.call("POST", "/v1/plans/check", { as: "vera", body });

  test("R1: every fault comes at once, with its line", async () => {
    const text =
      "belay: 1\nname: x\nnodes:\n  - id: a\n    action: test.look\n    upstreams: [b]\n  - id: c\n    acton: test.look\n";
    const { status, json } = await check({ text });
    expect(status).toBe(200);
    expect(json.valid).toBe(false);
    expect(json.diagnostics.map(({ code, line }: { code: string; line: number }) => [code, line])).toEqual([
      ["UNKNOWN_NODE", 6],
      ["MISSING_FIELD", 7],
      ["UNKNOWN_FIELD", 8],
    ]);
  });

  test("R3: a plan may come as a document; actions that nobody registered are named", async () => {
    const document = { belay: 1, name: "x", nodes: [{ id: "a", action: "test.lok" }] };
    const { json } = await check({ document });
    expect(json.diagnostics[0]).toMatchObject({ code: "UNKNOWN_ACTION", severity: "error" });
    const fine = await check({ document: { ...document, nodes: [{ id: "a", action: "test.look" }] } });
    expect(fine.json).toMatchObject({ valid: true, diagnostics: [] });
  });

  test("nothing of a checked plan is kept", async () => {
    await check({ document: { belay: 1, name: "smuggled", nodes: [{ id: "a", action: "test.look" }] } });
    expect((await rig.call("GET", "/v1/plans/smuggled")).status).toBe(404);
    expect((await rig.call("POST", "/v1/runs", { body: { plan: "smuggled" } })).status).toBe(404);
  });

  test("one of text and document is given, not both, not none", async () => {
    expect((await check({})).json.error.message).toBe("body takes either text or document");
    expect((await check({ text: "a", document: {} })).status).toBe(400);
  });
});
