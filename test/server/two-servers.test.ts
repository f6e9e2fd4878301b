/** Two servers on one journal in PostgreSQL: each shows and steers the runs of the other, and takes them over when it goes. */
import { definePlan } from "@belay/engine";
import { heldAction } from "@belay/engine/testing";
import type { BelayServer } from "@belay/server";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Asker } from "../../packages/server/src/host/host.ts";
import { JournalServer } from "../journal-postgres/journal-server.ts";
import { ask, endAll, serve } from "./rig.ts";

const PLAN = definePlan({
  belay: 1,
  name: "p",
  locks: ["the-lock"],
  nodes: [
    { id: "a", action: "hold" },
    { id: "ok", action: "belay.approval", upstreams: ["a"] },
  ],
});
/** Without a lock that a run of another test may have. */
const FREE = definePlan({ belay: 1, name: "free", nodes: [{ id: "a", action: "hold" }] });
const ANN: Asker = { principal: { name: "ann", role: "operator" }, surface: "native", remote: null, requestId: null };

let database: JournalServer;
beforeAll(async () => {
  database = await JournalServer.start({ fsync: false });
});
afterEach(endAll);
afterAll(async () => {
  await database.stop();
});

async function two(): Promise<{ one: BelayServer; other: BelayServer; held: ReturnType<typeof heldAction> }> {
  const held = heldAction({ letGoOnAbort: true });
  const site = { plans: [PLAN, FREE], actions: { hold: { idempotent: true, run: held.action } } };
  const journal = urlOf(database);
  return { one: await serve(site, { journal }), other: await serve(site, { journal }), held };
}

describe("two servers on one journal", () => {
  test("R44, R37: a run of the one is shown and steered through the other, and taken over when the one goes down", async () => {
    const { one, other, held } = await two();
    const run = await one.host.start(PLAN, { clientToken: "t" }, ANN);
    await held.next();
    expect(await other.host.snapshot(run.id)).toMatchObject({ id: run.id, status: "RUNNING", startedBy: "ann" });
    await expect(other.host.start(PLAN, {}, ANN)).rejects.toMatchObject({
      code: "LOCKED",
      details: { heldBy: run.id },
    });
    const paused = await other.host.verb(run.id, { verb: "pause", why: "lunch" }, ANN);
    expect(paused.status).toBe("PAUSED");
    expect(run.snapshot().status).toBe("PAUSED");
    const refused = other.host.verb(run.id, { verb: "skipRollback", node: "a" }, ANN);
    await expect(refused).rejects.toMatchObject({ code: "STATE_INVALID" });
    await other.host.verb(run.id, { verb: "resume" }, ANN);
    await one.close();
    // The other engine hears of it by itself; asked for, it takes the run up at once.
    const taken = await other.host.engine.find(run.id);
    (await held.next()).succeed();
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (taken?.snapshot().nodes[1]?.status === "RUNNING") resolve();
        else taken?.once("node:started", look);
      };
      look();
    });
    await other.host.verb(run.id, { verb: "approve", node: "ok", who: "ann" }, ANN);
    expect((await taken?.settled())?.status).toBe("SUCCESSFUL");
  });

  test("R43: a token is answered by the other server too: the same run, 200", async () => {
    const { one, other, held } = await two();
    const body = { plan: "p", clientToken: "over HTTP" };
    const first = await ask(one, "/v1/runs", { body });
    await held.next();
    const second = await ask(other, "/v1/runs", { body });
    expect([first.status, second.status]).toEqual([201, 200]);
    const [a, b] = [await first.json(), await second.json()] as { readonly id: string }[];
    expect(b?.id).toBe(a?.id);
    const mismatch = await ask(other, "/v1/runs", { body: { ...body, plan: "free" } });
    expect(mismatch.status).toBe(409);
    await ask(other, `/v1/runs/${a?.id}/cancel`, { body: {} });
    await ask(other, `/v1/runs/${a?.id}/abandon`, { body: {} });
  });

  test("R43: a token given to both at once starts one run", async () => {
    const { one, other } = await two();
    const started = await Promise.all([one, other, one, other].map(({ host }) => startOrFind(host)));
    expect(new Set(started).size).toBe(1);
  });

  test("R37: a request id that another request had is refused, not answered for what was never done", async () => {
    const { one, other, held } = await two();
    const run = await one.host.start(FREE, {}, ANN);
    await held.next();
    const pause = { verb: "pause", requestId: "mine" } as const;
    expect((await other.host.verb(run.id, pause, ANN)).status).toBe("PAUSED");
    expect((await other.host.verb(run.id, pause, ANN)).status).toBe("PAUSED");
    const resume = other.host.verb(run.id, { verb: "resume", requestId: "mine" }, ANN);
    await expect(resume).rejects.toMatchObject({ code: "IDEMPOTENT_PARAMETER_MISMATCH" });
    expect(run.snapshot().status).toBe("PAUSED");
  });
});

function urlOf({ address }: JournalServer): string {
  const { host, port, user, password, database: name } = address;
  return `postgres://${user}:${encodeURIComponent(String(password))}@${host}:${port}/${name}`;
}

async function startOrFind(host: BelayServer["host"]): Promise<string> {
  try {
    return (await host.start(PLAN, { clientToken: "both" }, ANN)).id;
  } catch (error) {
    // The token's run is executed by the other engine.
    const { code, details } = error as { readonly code: string; readonly details: { readonly runId?: string } };
    expect(code).toBe("FENCED");
    return details.runId ?? "";
  }
}
