/** The native API: starting runs, validating a start, the mode of a failover and the data it may lose. */

import type { Json } from "@belay/engine";
import { loadPlan } from "@belay/failover-plans";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Host } from "../../../packages/server/src/host/host.ts";
import { orderOfRun } from "../../../packages/server/src/native/start-order.ts";
import { createRig, type Rig } from "./rig.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await createRig();
});
afterEach(async () => await rig.close());

const start = async (body: object, as = "adam") => await rig.call("POST", "/v1/runs", { as, body });

describe("a start", () => {
  test("R37: answers 201 with the run, its place and its tag, in the name of whoever asked", async () => {
    const { status, headers, json } = await start({ plan: "steps", params: { name: "a" }, why: "a drill" }, "olga");
    expect(status).toBe(201);
    expect(headers["location"]).toBe(`/v1/runs/${json.id}`);
    expect(headers["etag"]).toMatch(/^"[\w-]{27}"$/);
    expect(json).toMatchObject({ planName: "steps", status: "RUNNING", startedBy: "olga" });
    const trail = await rig.call("GET", `/v1/runs/${json.id}/audit`);
    expect(trail.json.entries[0]).toMatchObject({ verb: "start", who: "olga", why: "a drill" });
  });

  test("R43: the same token and request answer the same run with 200, another request is refused", async () => {
    const body = { plan: "steps", params: { name: "a" }, clientToken: "t-1" };
    const first = await start(body);
    const second = await start(body, "olga");
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.json.id).toBe(first.json.id);
    const other = await start({ ...body, params: { name: "b" } });
    expect([other.status, other.json.error.code]).toEqual([409, "IDEMPOTENT_PARAMETER_MISMATCH"]);
  });

  test("R43: 30 starts at once with one token are one run", async () => {
    const body = { plan: "steps", params: { name: "a" }, clientToken: "t-2" };
    const answers = await Promise.all(Array.from({ length: 30 }, () => start(body)));
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(await rig.host.summaries()).toHaveLength(1);
  });

  test("R40: a held lock is refused with its holder", async () => {
    const { json } = await start({ plan: "steps", params: { name: "a" } });
    const second = await start({ plan: "steps", params: { name: "a" } });
    expect(second.status).toBe(409);
    expect(second.json.error).toMatchObject({ code: "LOCKED", details: { resource: "steps/a", heldBy: json.id } });
  });

  test("R3: parameters that do not fit are refused with every place", async () => {
    const { status, json } = await start({ plan: "steps", params: { nam: "a", refuse: 1 } });
    expect([status, json.error.code]).toEqual([422, "PARAMS_INVALID"]);
    expect(json.error.details.diagnostics.length).toBeGreaterThan(1);
  });

  test("R3: a plan whose actions are not here is refused", async () => {
    const params = { cluster: "c", primary: "p", standbys: ["s"] };
    const { status, json } = await start({ plan: "postgres-failover", params });
    expect([status, json.error.code]).toEqual([422, "UNKNOWN_ACTION"]);
  });
});

describe("a validation", () => {
  const validate = async (body: object, as = "olga") => await start({ validateOnly: true, ...body }, as);

  test("R40: says what the checks found and who holds the lock, and starts nothing", async () => {
    const fine = await validate({ plan: "steps", params: { name: "a" } });
    expect(fine.json).toEqual({ valid: true, failures: [], undecided: false, outputs: { look: { found: true } } });
    const { json } = await start({ plan: "steps", params: { name: "a" } });
    const locked = await validate({ plan: "steps", params: { name: "a" } });
    expect(locked.json).toMatchObject({
      valid: false,
      lockedBy: { resource: "steps/a", runId: json.id, plan: "steps" },
    });
    expect(await rig.host.summaries()).toHaveLength(1);
  });

  test("a check that refuses is named, with its code", async () => {
    const { json } = await validate({ plan: "steps", params: { name: "a", refuse: true } });
    expect(json).toMatchObject({
      valid: false,
      failures: [{ node: "look", code: "NOT_SO", message: "it is not as it should be" }],
    });
    expect(rig.held.attempts).toHaveLength(0);
  });

  test("R3: parameters that a start would refuse are refused alike, also of a plan without checks", async () => {
    expect((await validate({ plan: "steps", params: {} })).json.error.code).toBe("PARAMS_INVALID");
    expect((await validate({ plan: "approval", params: { x: 1 } })).json.error?.code).toBe(
      (await start({ plan: "approval", params: { x: 1 } })).json.error?.code,
    );
  });

  test("needs the permission that the start needs", async () => {
    expect((await validate({ plan: "steps", params: { name: "a" } }, "liam")).status).toBe(403);
    expect((await validate({ plan: "steps", params: { name: "a" } }, "vera")).status).toBe(403);
  });
});

describe("mode and loss", () => {
  test.each([
    ["oceanbase-failover", "planned", 400],
    ["oceanbase-switchover", "forced", 400],
    ["steps", "forced", 400],
    ["polardb-failover", "planned", 400],
    ["polardb-failover", "forced", 200],
  ])("plan %s in mode %s answers %i", async (plan, mode, status) => {
    const params = plan.startsWith("polardb") ? { cluster: "pc-1" } : { clusterId: 6 };
    const answer = await start({ plan, mode, params, validateOnly: true });
    expect(answer.status).toBe(status);
    if (status === 400) expect(answer.json.error.message).toContain(`mode ${mode} needs a`);
  });

  test("a plan that can lose data is told not to unless the request says so itself", async () => {
    const validate = async (more: object) =>
      (
        await start({
          plan: "oceanbase-failover",
          mode: "forced",
          params: { clusterId: 6 },
          validateOnly: true,
          ...more,
        })
      ).json;
    const strict = await validate({});
    expect(strict.valid).toBe(false);
    expect(JSON.stringify(strict.failures)).toContain("loss");
    expect((await validate({ allowDataLoss: true })).valid).toBe(true);
    expect((await validate({ params: { clusterId: 6, allowDataLoss: true } })).valid).toBe(true);
    expect((await validate({ allowDataLoss: "true" })).error.code).toBe("INVALID_ARGUMENT");
    const torn = await validate({ params: { clusterId: 6, allowDataLoss: true }, allowDataLoss: false });
    expect(torn.error.message).toContain("different things");
  });

  test("a plan that knows nothing of loss takes no permission for it", async () => {
    const { status, json } = await start({ plan: "steps", params: { name: "a" }, allowDataLoss: true });
    expect([status, json.error.code]).toEqual([400, "INVALID_ARGUMENT"]);
  });
});

describe("a cluster's failover", () => {
  const failOver = async (id: string, body: object, as = "liam") =>
    await rig.call("POST", `/v1/clusters/${id}/failover`, { as, body });

  test("picks the plan and the parameters that the site has for the mode", async () => {
    const { status, json } = await failOver("pc-1", { mode: "planned", target: "pi-2" });
    expect(status).toBe(201);
    expect(json.planName).toBe("polardb-failover");
    await rig.host.engine.run(json.id)?.settled();
    expect(rig.polar.writers()).toEqual(["pi-2"]);
  });

  test("R40: the election trail says who was rejected, and why", async () => {
    const { json } = await failOver("pc-1", { mode: "forced" });
    await rig.host.engine.run(json.id)?.settled();
    const { json: run } = await rig.call("GET", `/v1/runs/${json.id}`, { as: "vera" });
    expect(run.election).toEqual({
      nodes: ["elect"],
      candidates: ["pi-2"],
      chosen: "pi-2",
      rejected: [
        { candidate: "pi-1", code: "NODE_TYPE", reason: "pi-1 is the writer", node: "elect" },
        { candidate: "pi-3", code: "NODE_NOT_RUNNING", reason: "pi-3 is Crash, not Running", node: "elect" },
      ],
    });
  });

  test("a mode without a plan, a target nobody takes and an unknown cluster are refused", async () => {
    expect((await failOver("6", { mode: "planned" }, "olga")).json.error).toMatchObject({
      code: "INVALID_ARGUMENT",
      details: { modes: ["forced"] },
    });
    expect((await failOver("6", { mode: "forced", target: "x" }, "olga")).status).toBe(400);
    expect((await failOver("7", { mode: "forced" })).status).toBe(404);
  });

  test("loses nothing unless it is allowed to", async () => {
    const strict = await failOver("6", { mode: "forced", validateOnly: true }, "olga");
    const lossy = await failOver("6", { mode: "forced", validateOnly: true, allowDataLoss: true }, "olga");
    expect([strict.json.valid, lossy.json.valid]).toEqual([false, true]);
  });

  test("an acknowledgement reaches plans that wait for one, and only these", async () => {
    const run = async (body: object) => {
      const { json } = await failOver("pc-1", { mode: "forced", ...body });
      await rig.host.engine.run(json.id)?.settled();
      return json;
    };
    await run({});
    rig.polar.setAlive("pi-1", true);
    const soon = await failOver("pc-1", { mode: "forced", validateOnly: true, target: "pi-1" });
    expect(soon.json.failures).toMatchObject([{ code: "RECOVERY_BLOCKED" }]);
    const answered = { mode: "forced", validateOnly: true, target: "pi-1", acknowledge: "the rack is fixed" };
    expect((await failOver("pc-1", answered)).json.valid).toBe(true);
    const none = await failOver("6", { mode: "forced", acknowledge: "x" }, "olga");
    expect(none.json.error.message).toContain("body.acknowledge");
  });
});

describe("a bound of what may be lost", () => {
  const host = { plan: (name: string) => loadPlan(name) } as unknown as Host;
  const order = (plan: string, params: object, body: object = {}) =>
    orderOfRun(host, { plan, params: { cluster: "c", ...params }, ...body } as Record<string, Json>).params;

  test("is 0 unless data may be lost, whatever the plan's default", () => {
    expect(order("postgres-failover", {})["lagCeilingBytes"]).toBe(0);
    expect(order("mariadb-failover", {})["lagCeiling"]).toBe(0);
    expect(order("postgres-failover", {}, { allowDataLoss: true })).not.toHaveProperty("lagCeilingBytes");
    expect(order("postgres-failover", { lagCeilingBytes: 7 }, { allowDataLoss: true })["lagCeilingBytes"]).toBe(7);
    expect(order("postgres-switchover", {})).toEqual({ cluster: "c" });
  });

  test("above 0 needs the word", () => {
    expect(() => order("postgres-failover", { lagCeilingBytes: 1 })).toThrow("needs allowDataLoss: true");
    expect(() => order("mysql-failover", { lagCeiling: 1 }, { allowDataLoss: false })).toThrow(
      "body.params.lagCeiling",
    );
    expect(() => order("postgres-switchover", {}, { allowDataLoss: true })).toThrow("nothing to allow");
  });
});
