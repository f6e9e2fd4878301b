/** A server from start to end: what runs is journaled when it goes down and goes on at the next start; nothing is left open. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { definePlan } from "@belay/engine";
import { heldAction } from "@belay/engine/testing";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Asker } from "../../packages/server/src/host/host.ts";
import { ask, endAll, serve } from "./rig.ts";

const PLAN = definePlan({ belay: 1, name: "p", nodes: [{ id: "a", action: "hold" }] });
const ANN: Asker = { principal: { name: "ann", role: "operator" }, surface: "native", remote: null, requestId: "R-1" };
let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "belay-server-"));
});
afterEach(endAll);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("a server", () => {
  test("R42: a run that was under way when it went down goes on at the next start, under its id and its token", async () => {
    const first = heldAction({ letGoOnAbort: true });
    const site = (held: typeof first) => ({ plans: [PLAN], actions: { hold: { idempotent: true, run: held.action } } });
    const before = await serve(site(first), { data: directory });
    const run = await before.host.start(PLAN, { clientToken: "t", why: "CHG-1" }, ANN);
    await first.next();
    await before.close();
    const second = heldAction();
    const after = await serve(site(second), { data: directory });
    (await second.next()).succeed("done");
    const snapshot = await after.host.engine.run(run.id)?.settled();
    expect(snapshot).toMatchObject({ id: run.id, status: "SUCCESSFUL", startedBy: "ann", clientToken: "t" });
    const again = await after.host.start(PLAN, { clientToken: "t" }, ANN);
    expect(again.id).toBe(run.id);
    const written = after.host.audit
      .youngest(10)
      .map(({ action, who, runId, why, outcome }) => [action, who, runId, why, outcome]);
    expect(written.at(-1)).toEqual(["start", "ann", run.id, "CHG-1", "ok"]);
  });

  test("who may not steer is refused before anything is asked, and that is written down", async () => {
    const server = await serve({ plans: [PLAN], actions: { hold: heldAction().action } });
    const eve: Asker = { ...ANN, principal: { name: "eve", role: "operator", plans: ["other"] } };
    await expect(server.host.start(PLAN, {}, eve)).rejects.toMatchObject({ code: "FORBIDDEN" });
    const run = await server.host.start(PLAN, {}, ANN);
    await expect(server.host.verb(run.id, { verb: "cancel" }, eve)).rejects.toMatchObject({ code: "FORBIDDEN" });
    await expect(server.host.verb("none", { verb: "cancel" }, ANN)).rejects.toMatchObject({ code: "NOT_FOUND" });
    const outcomes = server.host.audit.youngest(4).map(({ action, who, outcome }) => `${action} ${who} ${outcome}`);
    expect(outcomes).toEqual(["cancel ann NOT_FOUND", "cancel eve FORBIDDEN", "start ann ok", "start eve FORBIDDEN"]);
  });

  test("R37: a verb carries the principal's name, whatever the request says", async () => {
    const approval = definePlan({ belay: 1, name: "q", nodes: [{ id: "ok", action: "belay.approval" }] });
    const server = await serve({ plans: [approval] });
    const run = await server.host.start(approval, {}, ANN);
    await new Promise((resolve) => run.once("node:started", resolve));
    await server.host.verb(run.id, { verb: "approve", node: "ok", who: "somebody else" }, ANN);
    const snapshot = await run.settled();
    expect(snapshot.nodes[0]?.output).toEqual({ approvedBy: ["ann"] });
  });

  test("an address that is in use is told with the remedy, and the journal is free again", async () => {
    const data = join(directory, "second");
    const first = await serve({});
    const port = Number(new URL(first.url).port);
    await expect(serve({}, { port, data })).rejects.toThrow(/in use; give another --port/);
    const second = await serve({}, { data });
    expect((await ask(second, "/v1/health")).status).toBe(200);
  });

  test("going down ends connections that say nothing", async () => {
    const server = await serve({});
    const { port } = new URL(server.url);
    const socket = connect(Number(port), "127.0.0.1");
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => undefined);
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.write("GET /v1/health HTTP/1.1\r\nhost: 127.0.0.1\r\n");
    await server.close();
    await closed;
  });

  test("a journal that is no URL of PostgreSQL is refused, a site that is none too", async () => {
    await expect(serve({}, { journal: "mysql://x" })).rejects.toThrow("postgres://");
  });
});
