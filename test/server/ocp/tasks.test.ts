/** What may be asked of a task and its subtasks, and when: OCP's state table over HTTP (acceptance cases 35 to 40, 42). */
import { definePlan, type Plan } from "@belay/engine";
import { heldAction, ManualClock, settleTurns } from "@belay/engine/testing";
import { afterEach, describe, expect, test } from "vitest";
import type { OcpAnswerTask } from "../../oceanbase/ocp-samples.ts";
import { ADMIN, type Clusters, clusters, type OcpServer, ocpServer, SEED_START } from "./rig.ts";

const FAILOVER = "/api/v2/ob/clusters/6/failover";

let server: OcpServer;
afterEach(async () => await server.close());

/** A failover, and short words for what follows. */
async function failover(rig: Clusters = clusters(), clock = new ManualClock(SEED_START)) {
  server = await ocpServer({ clusters: rig, clock });
  const { id } = (await server.post(FAILOVER)).data;
  const base = `/api/v2/tasks/instances/${id}`;
  const task = async (): Promise<OcpAnswerTask> => (await server.get(base)).data;
  const subtask = async (name: string) => (await task()).subtasks.find((one) => one.name === name);
  return {
    ...{ id: id as number, clock, task, subtask },
    rest: () => server.rest(id),
    post: (verb: string) => server.post(`${base}/${verb}`),
    at: async (name: string, verb: string) => server.post(`${base}/subtasks/${(await subtask(name))?.id}/${verb}`),
    states: async () => (await task()).subtasks.map((one) => `${one.status}/${one["operation"]}`),
  };
}

const STATE_INVALID = { status: 400, body: { successful: false, error: { code: 20003 } } };

test("case 35: failed before the check, a task is rolled back: all PENDING, SUCCESSFUL with operation ROLLBACK", async () => {
  const rig = clusters();
  rig.break("lock");
  const { id, rest, task, post, states } = await failover(rig);
  await rest();
  expect(await task()).toMatchObject({ status: "FAILED", operation: "EXECUTE", prohibitRollback: false });
  const { status, body } = await post("rollback");
  expect([status, "data" in body]).toEqual([200, false]);
  await rest();
  expect(await task()).toMatchObject({ id, status: "SUCCESSFUL", operation: "ROLLBACK" });
  expect((await states()).sort()).toEqual(["PENDING/ROLLBACK", ...Array(8).fill("PENDING/EXECUTE")].sort());
  expect(rig.model.lockOwner(6)).toBeUndefined();
  expect(await post("rollback")).toMatchObject(STATE_INVALID);
  expect(await post("retry")).toMatchObject(STATE_INVALID);
  expect((await server.post(FAILOVER)).status).toBe(200);
});

test("case 36: failed in the failover, a rollback is refused with 20004 naming why; a retry goes on to the end", async () => {
  const rig = clusters();
  rig.break("failover");
  const { id, rest, task, post, subtask } = await failover(rig);
  await rest();
  expect(await task()).toMatchObject({ status: "FAILED", prohibitRollback: true });
  expect(await post("rollback")).toMatchObject({ status: 400, body: { error: { code: 20004 } } });
  expect((await post("rollback")).body.error?.message).toBe(
    `Task ${id} cannot be rolled back: "Failover to Primary Check", "Failover to Primary" prohibit it once started.`,
  );
  const retried = await post("retry");
  expect(retried).toMatchObject({
    status: 200,
    data: { id, status: "RUNNING", operation: "RETRY", creator: { name: "admin" } },
  });
  expect(retried.data.subtasks.filter(({ runTime }: { runTime: number }) => runTime === 2)).toMatchObject([
    { name: "Failover to Primary", operation: "RETRY" },
  ]);
  expect(retried.data).not.toHaveProperty("finishTime");
  await rest();
  expect(await task()).toMatchObject({ status: "SUCCESSFUL", operation: "RETRY" });
  expect(await subtask("Failover to Primary")).toMatchObject({ status: "SUCCESSFUL", operation: "RETRY", runTime: 2 });
});

test("case 37: skipping what FAILED passes it, and the rest runs", async () => {
  const rig = clusters();
  rig.break("removeCluster");
  const { rest, task, subtask, at } = await failover(rig);
  await rest();
  const { status, body } = await at("Remove standby cluster", "skip");
  expect([status, "data" in body]).toEqual([200, false]);
  await rest();
  expect(await task()).toMatchObject({ status: "SUCCESSFUL" });
  expect(await subtask("Remove standby cluster")).toMatchObject({ status: "SUCCESSFUL", operation: "SKIP" });
  expect(await subtask("Mc unlock ob clusters")).toMatchObject({ status: "SUCCESSFUL", operation: "EXECUTE" });
  expect(rig.model.statements.some((statement) => statement.includes("REMOVE"))).toBe(false);
});

test("case 38: canceling what RUNS makes it FAILED, tried again by nobody; a subtask retry answers the subtask", async () => {
  const rig = clusters();
  const { id, rest, subtask, at, task } = await failover(rig);
  const reading = rig.hold("readServers");
  const held = await reading;
  const { status, body } = await at("Failover to Primary Check", "cancel");
  expect([status, "data" in body]).toEqual([200, false]);
  expect(await subtask("Failover to Primary Check")).toMatchObject({ status: "CANCELING" });
  expect(await at("Failover to Primary Check", "cancel")).toMatchObject(STATE_INVALID);
  held.fail();
  await rest();
  expect(await subtask("Failover to Primary Check")).toMatchObject({
    status: "FAILED",
    operation: "CANCEL",
    runTime: 1,
  });
  expect(await task()).toMatchObject({ status: "FAILED" });
  for (const name of ["Failover to Primary Check", "Mc lock ob clusters", "Wait node"]) {
    expect(await at(name, "cancel")).toMatchObject(STATE_INVALID);
  }
  const retried = await at("Failover to Primary Check", "retry");
  expect(retried).toMatchObject({
    status: 200,
    data: { name: "Failover to Primary Check", runTime: 2, operation: "RETRY" },
  });
  expect(retried.data.id).toBe((await subtask("Failover to Primary Check"))?.id);
  expect(retried.data.id).toBe(id * 1_000_000 + 2);
  await rest();
  expect(await task()).toMatchObject({ status: "SUCCESSFUL" });
});

test("case 39: a step that takes too long is FAILED; what it answers later is ignored", async () => {
  const rig = clusters();
  const clock = new ManualClock(SEED_START);
  const locking = rig.hold("lock");
  const { rest, subtask } = await failover(rig, clock);
  const held = await locking;
  await clock.elapse(60_000);
  expect(await subtask("Mc lock ob clusters")).toMatchObject({ status: "CANCELING" });
  await clock.elapse(5000);
  await rest();
  expect(await subtask("Mc lock ob clusters")).toMatchObject({ status: "FAILED", operation: "EXECUTE" });
  held.release();
  await settleTurns();
  expect(await subtask("Mc lock ob clusters")).toMatchObject({ status: "FAILED" });
  expect(await subtask("Failover to Primary Check")).toMatchObject({ status: "PENDING" });
});

test("case 40: a task that is not there is 404 with 20000, a subtask of another task 404 with 10002", async () => {
  const rig = clusters();
  rig.break("lock");
  const { id, rest, task, post } = await failover(rig);
  await rest();
  const own = (await task()).subtasks[0]?.id;
  const other = (id + 1) * 1_000_000 + 1;
  const none = { status: 404, body: { error: { code: 20000, message: "Task 77 does not exist." } } };
  expect(await server.get("/api/v2/tasks/instances/77")).toMatchObject(none);
  for (const verb of ["retry", "rollback", "downloadDiagnosis"]) {
    expect(await server.post(`/api/v2/tasks/instances/77/${verb}`)).toMatchObject(none);
  }
  expect(await server.get(`/api/v2/tasks/instances/77/subtasks/${own}/log`)).toMatchObject(none);
  for (const verb of ["retry", "skip", "cancel"]) {
    expect(await post(`subtasks/${other}/${verb}`)).toMatchObject({ status: 404, body: { error: { code: 10002 } } });
  }
  for (const huge of ["0", "9".repeat(9), "9".repeat(40)]) {
    expect(await server.get(`/api/v2/tasks/instances/${huge}`)).toMatchObject({
      status: 404,
      body: { error: { code: 20000 } },
    });
  }
  expect(await server.get("/api/v2/tasks/instances/x")).toMatchObject({
    status: 404,
    body: { error: { code: 10002 } },
  });
  expect((await server.get(`/api/v1/tasks/instances/00${id}`)).data.id).toBe(id);
});

describe("what a moving and an ended task refuse with 20003", () => {
  test("RUNNING: retry, rollback; retry and skip of what did not fail", async () => {
    const rig = clusters();
    const locking = rig.hold("lock");
    const { post, at, rest } = await failover(rig);
    const held = await locking;
    for (const verb of ["retry", "rollback"]) expect(await post(verb)).toMatchObject(STATE_INVALID);
    for (const verb of ["retry", "skip"]) {
      expect(await at("Mc lock ob clusters", verb)).toMatchObject(STATE_INVALID);
      expect(await at("Wait node", verb)).toMatchObject(STATE_INVALID);
    }
    held.release();
    await rest();
    for (const verb of ["retry", "rollback"]) expect(await post(verb)).toMatchObject(STATE_INVALID);
    for (const verb of ["retry", "skip", "cancel"]) {
      expect(await at("Mc lock ob clusters", verb)).toMatchObject(STATE_INVALID);
    }
    const { body } = await post("rollback");
    expect(body.error?.message).toBe("Task 1 is SUCCESSFUL/EXECUTE: rollback is not possible.");
  });
});

describe("a rollback that fails", () => {
  test("rests FAILED/ROLLBACK: no retry; a skip passes the undoing; or a rollback takes it up again", async () => {
    for (const way of ["skip", "rollback"] as const) {
      const rig = clusters();
      rig.break("lock");
      const { rest, task, post, at, subtask } = await failover(rig);
      await rest();
      rig.break("unlock");
      await post("rollback");
      await rest();
      expect(await task()).toMatchObject({ status: "FAILED", operation: "ROLLBACK" });
      expect(await subtask("Mc lock ob clusters")).toMatchObject({ status: "FAILED", operation: "ROLLBACK" });
      expect(await post("retry")).toMatchObject(STATE_INVALID);
      expect(await at("Mc lock ob clusters", "retry")).toMatchObject(STATE_INVALID);
      const answer = way === "skip" ? await at("Mc lock ob clusters", "skip") : await post("rollback");
      expect(answer.status).toBe(200);
      await rest();
      expect(await task()).toMatchObject({ status: "SUCCESSFUL", operation: "ROLLBACK" });
      const operation = way === "skip" ? "ROLLBACK_SKIP" : "ROLLBACK";
      expect(await subtask("Mc lock ob clusters")).toMatchObject({ status: "PENDING", operation });
      if (way === "skip") await server.close();
    }
  });

  test("a canceled rollback is none: cancel is refused while a subtask is undone", async () => {
    const rig = clusters();
    rig.break("lock");
    const { rest, post, at } = await failover(rig);
    await rest();
    const undoing = rig.hold("unlock");
    await post("rollback");
    const held = await undoing;
    expect(await at("Mc lock ob clusters", "cancel")).toMatchObject(STATE_INVALID);
    held.release();
    await rest();
  });
});

test("case 42: a retry undoes first where the plan says so", async () => {
  const [work, undo] = [heldAction(), heldAction()];
  const plan: Plan = definePlan({
    ...{ belay: 1, name: "p", title: "A plan of ours" },
    nodes: [
      {
        id: "a",
        action: "work",
        compensation: { action: "undo" },
        retry: { mode: "compensate-first", maxAttempts: 1 },
      },
    ],
  });
  server = await ocpServer({ site: { actions: { work: work.action, undo: undo.action }, plans: [plan] } });
  await server.host.engine.start(plan, { runId: "41", who: "somebody" });
  (await work.next()).fail();
  await server.rest(41);
  expect(await server.get("/api/v2/tasks/instances/41")).toMatchObject({
    data: { name: "A plan of ours", status: "FAILED", creator: { name: "somebody" } },
  });
  expect((await server.get("/api/v2/tasks/instances/41")).data).not.toHaveProperty("cluster");
  await server.post("/api/v2/tasks/instances/41/retry");
  (await undo.next()).succeed();
  (await work.next()).succeed();
  await server.rest(41);
  expect(await server.get("/api/v2/tasks/instances/41")).toMatchObject({
    data: { status: "SUCCESSFUL", operation: "RETRY" },
  });
});

test("members of a group are subtasks with numbers of their own, that stay when the group gets its members", async () => {
  const [work, list] = [heldAction({ letGoOnAbort: true }), heldAction()];
  const nodes = [
    { id: "list", action: "list" },
    { id: "each", action: "work", upstreams: ["list"], split: { over: "nodes.list.output" } },
    { id: "end", action: "work", upstreams: ["each"] },
  ];
  const plan = definePlan({ belay: 1, name: "p", nodes });
  server = await ocpServer({ site: { actions: { work: work.action, list: list.action }, plans: [plan] } });
  await server.host.engine.start(plan, { runId: "8" });
  const shown = async (): Promise<[number, number][]> =>
    (await server.get("/api/v2/tasks/instances/8")).data.subtasks.map(
      ({ id, parallelIdx }: { id: number; parallelIdx: number }) => [id, parallelIdx],
    );
  expect(await shown()).toEqual([
    [8_000_001, -1],
    [8_000_002, -1],
    [8_000_003, -1],
  ]);
  (await list.next()).succeed(["x", "y"]);
  await settleTurns();
  const expanded = await shown();
  expect(expanded[1]).toEqual([8_000_002, 0]);
  expect(new Set(expanded.map(([id]) => id)).size).toBe(4);
  for (const attempt of work.attempts) attempt.fail();
  await server.rest(8);
  const second = expanded.find(([, idx]) => idx === 1)?.[0];
  const retried = await server.post(`/api/v2/tasks/instances/8/subtasks/${second}/retry`, { authorization: ADMIN });
  expect(retried).toMatchObject({ status: 200, data: { id: second, parallelIdx: 1, runTime: 2 } });
  expect(await shown()).toEqual(expanded);
});

describe("what OCP has no word for, and the native API does", () => {
  test("undone to the point of no return, a task reads FAILED/ROLLBACK, and a retry goes forward again", async () => {
    const rig = clusters();
    rig.break("readAllClusters");
    const { id, rest, task, post } = await failover(rig);
    await rest();
    await server.host.engine.run(String(id))?.rollback({ to: "barrier" });
    await rest();
    expect(await task()).toMatchObject({ status: "FAILED", operation: "ROLLBACK", prohibitRollback: true });
    expect(await post("rollback")).toMatchObject({ status: 400, body: { error: { code: 20004 } } });
    expect((await post("retry")).status).toBe(200);
    await rest();
    expect(await task()).toMatchObject({ status: "SUCCESSFUL", operation: "RETRY" });
  });

  test("paused, a task reads RUNNING; abandoned, it reads FAILED, takes no verb, and frees its cluster", async () => {
    const rig = clusters();
    const locking = rig.hold("lock");
    const { id, rest, task, post } = await failover(rig);
    const held = await locking;
    await server.host.engine.run(String(id))?.pause();
    held.release();
    await rest();
    expect(await task()).toMatchObject({ status: "RUNNING", operation: "EXECUTE" });
    expect(await post("retry")).toMatchObject(STATE_INVALID);
    await server.host.engine.run(String(id))?.abandon();
    expect(await task()).toMatchObject({ status: "FAILED" });
    for (const verb of ["retry", "rollback"]) expect(await post(verb)).toMatchObject(STATE_INVALID);
    expect((await server.post(FAILOVER)).status).toBe(200);
  });
});
