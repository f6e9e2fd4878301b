/** OCP's failover over HTTP: the documented answer, field by field, and the task to its end (acceptance cases 27 to 33, 44). */
import { ManualClock, settleTurns } from "@belay/engine/testing";
import { afterEach, expect, test } from "vitest";
import { failoverAnswer, type OcpAnswerTask } from "../../oceanbase/ocp-samples.ts";
import { ADMIN, clusters, type OcpServer, ocpServer, SEED_START } from "./rig.ts";

const FAILOVER = "/api/v2/ob/clusters/6/failover";
const CHECK = "Failover to Primary Check";

let server: OcpServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** The task with names in place of the numbers of its subtasks. */
function byName(task: OcpAnswerTask) {
  const names = new Map(task.subtasks.map(({ id, name }) => [id, name]));
  const named = (ids: readonly number[]) => ids.map((id) => names.get(id));
  const { id: _, executor: __, ...rest } = task;
  return {
    ...rest,
    subtasks: task.subtasks.map(({ id: ___, upstreams, downstreams, ...fields }) => ({
      ...fields,
      upstreams: named(upstreams),
      downstreams: named(downstreams),
    })),
  };
}

test("case 27, 28: the answer is that of the documents, field by field, in its order, at its time", async () => {
  server = await ocpServer();
  const { status, data, body } = await server.post(FAILOVER);
  const seed = failoverAnswer();
  expect(status).toBe(200);
  expect(byName(data)).toEqual(byName(seed.data));
  expect(Object.keys(data)).toEqual(Object.keys(seed.data));
  expect(Object.keys(data.subtasks[0])).toEqual(Object.keys(seed.data.subtasks[0] as object));
  expect(Object.keys(body)).toEqual(Object.keys(seed));
  expect(data).toMatchObject({ id: 1, executor: "10.0.0.1", startTime: "2022-09-05T13:39:18.441+08:00" });
});

test("case 27: a switchover answers the published one, but for its numbers and times", async () => {
  const rig = clusters();
  server = await ocpServer({ clusters: rig });
  const { data } = await server.post("/api/v2/ob/clusters/6/switchover");
  expect(data).toMatchObject({ name: "Switchover OB cluster", status: "RUNNING", prohibitRollback: false });
  expect(data.subtasks.map(({ name, seriesId }: { name: string; seriesId: number }) => [name, seriesId])).toEqual([
    ["Switchover Update Role Task", 3],
    ["Prepare switchover", 5],
    ["Switchover to primary", 2],
    ["Mc lock ob clusters", 0],
    ["Switchover to primary check", 1],
    ["Switchover to standby", 6],
    ["Mc unlock ob clusters", 4],
  ]);
});

test("case 29: six fields are around every answer, with a time that has an offset and milliseconds", async () => {
  server = await ocpServer();
  for (const { body, status } of [await server.get("/api/v2/tasks/instances"), await server.get("/api/v2/nothing")]) {
    expect(body).toMatchObject({
      duration: expect.any(Number),
      server: "10.0.0.1",
      status,
      successful: status === 200,
      timestamp: "2022-09-05T13:39:18.441+08:00",
      traceId: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    expect(Number.isInteger(body["duration"])).toBe(true);
  }
});

test("case 30, 31, 32: each step follows the one above; prohibitRollback turns when the check starts; the task ends SUCCESSFUL", async () => {
  const rig = clusters();
  server = await ocpServer({ clusters: rig });
  const { get, post, rest } = server;
  const [lock, check] = [rig.hold("lock"), rig.hold("readServers")];
  const { id } = (await post(FAILOVER)).data;
  const seen = async () => (await get(`/api/v2/tasks/instances/${id}`)).data;
  const stateOf = (task: OcpAnswerTask, name: string) => task.subtasks.find((subtask) => subtask.name === name)?.status;
  const held = await lock;
  const locking = await seen();
  expect([stateOf(locking, "Mc lock ob clusters"), stateOf(locking, CHECK), locking.prohibitRollback]).toEqual([
    "RUNNING",
    "PENDING",
    false,
  ]);
  held.release();
  const checking = await check;
  const begun = await seen();
  expect([stateOf(begun, CHECK), begun.prohibitRollback]).toEqual(["RUNNING", true]);
  expect(begun.subtasks.filter(({ status }: { status: string }) => status !== "PENDING")).toHaveLength(2);
  checking.release();
  await rest(id);
  const ended = await seen();
  expect(ended).toMatchObject({
    status: "SUCCESSFUL",
    operation: "EXECUTE",
    creator: { name: "admin" },
    cluster: { id: 6, name: "obcluster_standby", obClusterId: 6, type: "PRIMARY" },
    finishTime: "2022-09-05T13:39:18.441+08:00",
  });
  expect(ended.subtasks.every(({ status }: { status: string }) => status === "SUCCESSFUL")).toBe(true);
  expect((await rig.model.readCluster(6)).role).toBe("PRIMARY");
});

test("case 33: while a task of the cluster moves, and while it rests FAILED, another one is refused with 409", async () => {
  const rig = clusters();
  server = await ocpServer({ clusters: rig });
  const { post, rest } = server;
  const lock = rig.hold("lock");
  const { id } = (await post(FAILOVER)).data;
  const refused = {
    status: 409,
    body: { error: { code: 50002, message: expect.stringContaining("being changed by task 1") } },
  };
  expect(await post(FAILOVER)).toMatchObject(refused);
  (await lock).fail();
  await rest(id);
  expect(await post(FAILOVER)).toMatchObject(refused);
  expect(await post("/api/v2/ob/clusters/6/switchover")).toMatchObject(refused);
  expect((await post(`/api/v2/tasks/instances/${id}/retry`)).status).toBe(200);
  await rest(id);
  const primary = await post(FAILOVER);
  expect(primary).toMatchObject({ status: 409, body: { error: { code: 50002 } } });
  expect(primary.body.error?.message).toContain("is the primary");
});

test("case 44: an id that is no number matches no route; an unknown cluster is 404 with 10002", async () => {
  server = await ocpServer();
  for (const id of ["six", "6a", "-6", "6.0", "%36x"]) {
    expect(await server.post(`/api/v2/ob/clusters/${id}/failover`)).toMatchObject({
      status: 404,
      body: { successful: false },
    });
  }
  const error = { code: 10002, message: "Cluster 7 does not exist." };
  for (const word of ["failover", "switchover", "failoverPreCheck", "switchoverPreCheck"]) {
    expect(await server.post(`/api/v2/ob/clusters/7/${word}`)).toMatchObject({ status: 404, body: { error } });
  }
  expect(await server.post("/api/v1/ob/clusters/6/failover")).toMatchObject({ status: 404 });
  expect(await server.get(FAILOVER)).toMatchObject({ status: 404 });
  expect(await server.post("/api/v2/ob/clusters/99999999999999999999/failover")).toMatchObject({ status: 404 });
});

test("bodies and unknown parameters are of no interest, as to OCP's own client that repeats path ids there", async () => {
  server = await ocpServer();
  const response = await server.app.inject({
    method: "POST",
    url: `${FAILOVER}?id=6&unknown=1`,
    headers: { authorization: ADMIN, "content-type": "application/json" },
    payload: "{ this is no JSON",
  });
  expect(response.statusCode).toBe(200);
});

test("R43: an Idempotency-Key gives the same task again, also after its end; for another call it is refused", async () => {
  const rig = clusters();
  server = await ocpServer({ clusters: rig });
  const { post, rest } = server;
  const key = { authorization: ADMIN, "idempotency-key": "change-4711" };
  const answers = await Promise.all([post(FAILOVER, key), post(FAILOVER, key), post(FAILOVER, key)]);
  const ids = new Set(answers.map(({ data }) => data.id));
  expect(ids.size).toBe(1);
  const [id] = [...ids];
  await rest(id);
  expect(await post(FAILOVER, key)).toMatchObject({ status: 200, data: { id, status: "SUCCESSFUL" } });
  expect(await post("/api/v2/ob/clusters/6/switchover", key)).toMatchObject({
    status: 409,
    body: { error: { code: 10001 } },
  });
  const wrong = { authorization: ADMIN, "idempotency-key": "x".repeat(61) };
  expect(await post(FAILOVER, wrong)).toMatchObject({ status: 400, body: { error: { code: 10001 } } });
});

test("case 34: a pre-check says valid, or why not, with 200 either way, and starts nothing", async () => {
  const rig = clusters();
  server = await ocpServer({ clusters: rig });
  const { post, get } = server;
  const fine = await post("/api/v2/ob/clusters/6/failoverPreCheck");
  expect(fine).toMatchObject({
    status: 200,
    data: { clusterId: 6, clusterName: "obcluster_standby", result: { messages: [], valid: true } },
  });
  const switching = await post("/api/v2/ob/clusters/6/switchoverPreCheck");
  expect(switching).toMatchObject({ status: 200, data: { clusterId: 6, result: { valid: false } } });
  rig.model.setServer(rig.model.save().clusters[0]?.servers[0]?.[0] ?? "", true);
  const refused = await post("/api/v2/ob/clusters/6/failoverPreCheck");
  expect(refused).toMatchObject({ status: 200, body: { successful: true }, data: { result: { valid: false } } });
  expect(refused.data.result.messages).toEqual([expect.stringContaining("An alive OBServer exists in the primary")]);
  expect((await get("/api/v2/tasks/instances")).data.page.totalElements).toBe(0);
  expect(rig.model.statements).toEqual([]);
});

test("case 34: a check that gets no answer is not valid, and says so", async () => {
  const rig = clusters();
  const clock = new ManualClock(SEED_START);
  server = await ocpServer({ clusters: rig, clock });
  const reading = rig.hold("readServers");
  const answer = server.post("/api/v2/ob/clusters/6/failoverPreCheck");
  const held = await reading;
  await clock.elapse(30_000);
  expect((await answer).data.result).toEqual({
    messages: [expect.stringContaining("no answer within 30 s")],
    valid: false,
  });
  held.release();
  await settleTurns();
});
