/** The native API: verbs of a run, previews, conditions of a request. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createRig, type Rig, startHeld } from "./rig.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await createRig();
});
afterEach(async () => await rig.close());

const ask = async (id: string, verb: string, body: object = {}, as = "olga") =>
  await rig.call("POST", `/v1/runs/${id}/${verb}`, { as, body });

/** A run whose step `hold` failed. */
async function failed(name: string): Promise<string> {
  const { id } = await startHeld(rig, name);
  (await rig.held.next()).fail();
  await rig.host.engine.run(id)?.settled();
  return id;
}

describe("verbs", () => {
  test("R37: retry, with who is the principal and why in the trail", async () => {
    const id = await failed("a");
    const { status, json } = await ask(id, "retry", { node: "hold", why: "the disk is back", requestId: "r-1" });
    expect([status, json.status]).toEqual([200, "RUNNING"]);
    (await rig.held.next()).succeed();
    expect((await rig.host.engine.run(id)?.settled())?.status).toBe("SUCCESSFUL");
    const { json: trail } = await rig.call("GET", `/v1/runs/${id}/audit`);
    expect(trail.entries.at(-1)).toMatchObject({
      verb: "retry",
      who: "olga",
      why: "the disk is back",
      requestId: "r-1",
    });
  });

  test("R37: a repeated request id changes nothing, under another verb it is refused", async () => {
    const id = await failed("a");
    await ask(id, "skip", { node: "hold", requestId: "r-1", output: { by: "hand" } });
    await rig.host.engine.run(id)?.settled();
    const again = await ask(id, "skip", { node: "hold", requestId: "r-1", output: { by: "hand" } });
    expect([again.status, again.json.status]).toEqual([200, "SUCCESSFUL"]);
    expect((await ask(id, "retry", { requestId: "r-1" })).json.error.code).toBe("IDEMPOTENT_PARAMETER_MISMATCH");
  });

  test("R30: rollback undoes; a verb that makes no sense says what would", async () => {
    const id = await failed("a");
    expect((await ask(id, "rollback")).status).toBe(200);
    expect((await rig.host.engine.run(id)?.settled())?.status).toBe("ROLLED_BACK");
    const { status, json } = await ask(id, "pause");
    expect([status, json.error.code]).toEqual([409, "STATE_INVALID"]);
    expect(json.error.details.allowedIn).toEqual(["RUNNING"]);
  });

  test("R37: pause, resume, cancel and abandon", async () => {
    const { id } = await startHeld(rig, "a");
    expect((await ask(id, "pause")).json.status).toBe("PAUSED");
    expect((await ask(id, "resume")).json.status).toBe("RUNNING");
    await ask(id, "cancel", { why: "wrong cluster" });
    expect((await rig.host.engine.run(id)?.settled())?.status).toBe("CANCELED");
    expect((await ask(id, "abandon")).json.status).toBe("ABANDONED");
  });

  test("R37: a signal brings a node its output", async () => {
    const { json } = await rig.call("POST", "/v1/runs", { as: "olga", body: { plan: "waiting" } });
    expect((await ask(json.id, "signal", { node: "wait", output: [1] })).status).toBe(200);
    const run = await rig.host.engine.run(json.id)?.settled();
    expect(run?.nodes[0]?.output).toEqual([1]);
  });

  test("R37: a node that is not there is NOT_FOUND, a run too", async () => {
    const id = await failed("a");
    expect((await ask(id, "retry", { node: "nothing" })).status).toBe(404);
    expect((await ask("nothing", "retry")).json.error.code).toBe("NOT_FOUND");
  });

  test.each(["skip", "skip-rollback", "approve", "reject", "signal"])("%s needs a node", async (verb) => {
    const { id } = await startHeld(rig, "a");
    const { status, json } = await ask(id, verb);
    expect([status, json.error.message]).toEqual([400, "body.node is missing"]);
  });
});

describe("conditions", () => {
  test("If-Match keeps a verb from a run that has moved on", async () => {
    const { id, etag } = await startHeld(rig, "a");
    (await rig.held.next()).fail();
    await rig.host.engine.run(id)?.settled();
    const stale = await rig.call("POST", `/v1/runs/${id}/rollback`, { body: {}, headers: { "if-match": etag } });
    expect([stale.status, stale.json.error.code]).toEqual([412, "PRECONDITION"]);
    expect(rig.host.engine.run(id)?.snapshot().status).toBe("FAILED");
    const fresh = await rig.call("POST", `/v1/runs/${id}/rollback`, {
      body: {},
      headers: { "if-match": stale.json.error.details.etag },
    });
    expect(fresh.status).toBe(200);
  });

  test("If-None-Match spares a run that has not moved", async () => {
    const { id } = await startHeld(rig, "a");
    await rig.held.next();
    const { headers } = await rig.call("GET", `/v1/runs/${id}`);
    const etag = String(headers["etag"]);
    const same = await rig.call("GET", `/v1/runs/${id}`, { headers: { "if-none-match": etag } });
    expect([same.status, same.text, same.headers["etag"]]).toEqual([304, "", etag]);
    await ask(id, "pause");
    expect((await rig.call("GET", `/v1/runs/${id}`, { headers: { "if-none-match": etag } })).status).toBe(200);
  });
});

describe("previews", () => {
  test("R38: says what a verb would do, and does nothing", async () => {
    const id = await failed("a");
    const { status, json } = await ask(id, "preview", { verb: "rollback" }, "vera");
    expect(status).toBe(200);
    expect(json).toMatchObject({ refused: null, finalStatus: "ROLLED_BACK", compensate: [{ node: "hold" }] });
    expect(rig.host.engine.run(id)?.snapshot().status).toBe("FAILED");
  });

  test("R38: what the verb would be refused with is data", async () => {
    const id = await failed("a");
    const { status, json } = await ask(id, "preview", { verb: "resume" });
    expect([status, json.refused.code]).toEqual([200, "STATE_INVALID"]);
  });

  test("R38: a field that the verb does not take is refused", async () => {
    const id = await failed("a");
    expect((await ask(id, "preview", { verb: "pause", node: "hold" })).json.error.message).toContain("body.node");
    expect((await ask(id, "preview", { verb: "approve" })).json.error.message).toContain("body.node is missing");
  });
});
