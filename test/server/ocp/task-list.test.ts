/** The task list: what is a task, filters, order, pages, in the documented shape. */
import { definePlan } from "@belay/engine";
import { heldAction, ManualClock } from "@belay/engine/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clusters, type OcpServer, ocpServer, SEED_START } from "./rig.ts";

const other = definePlan({ belay: 1, name: "rotate", title: "Rotate keys", nodes: [{ id: "a", action: "hang" }] });

let server: OcpServer;
/** 1: rolled back. 2: a failover that FAILED. 3: one that is no OCP plan, RUNNING. And two that are no tasks. */
beforeAll(async () => {
  const rig = clusters();
  const clock = new ManualClock(SEED_START);
  const hang = heldAction({ letGoOnAbort: true });
  const site = { ...rig.site, actions: { ...rig.site.actions, hang: hang.action }, plans: [other] };
  server = await ocpServer({ clusters: rig, site, clock });
  for (const verb of ["rollback", undefined]) {
    rig.break("lock");
    const { id } = (await server.post("/api/v2/ob/clusters/6/failover")).data;
    await server.rest(id);
    if (verb !== undefined) await server.post(`/api/v2/tasks/instances/${id}/${verb}`);
    await server.rest(id);
    clock.advance(1000);
  }
  await server.host.engine.start(other, { runId: "3", who: "robot" });
  await server.host.engine.start(other, { runId: "no-number" });
  await server.host.engine.start(other, { runId: "1234567890" });
});
afterAll(async () => await server.close());

const ids = async (query: string): Promise<number[]> =>
  (await server.get(`/api/v2/tasks/instances?${query}`)).data.contents.map(({ id }: { id: number }) => id);

test("a page has its contents and the four numbers of the documents; the youngest task is first", async () => {
  const { status, data } = await server.get("/api/v1/tasks/instances");
  expect(status).toBe(200);
  expect(data.page).toEqual({ number: 1, size: 10, totalElements: 3, totalPages: 1 });
  expect(data.contents.map(({ id }: { id: number }) => id)).toEqual([3, 2, 1]);
  const [running, failed, rolledBack] = data.contents;
  expect(Object.keys(rolledBack)).toEqual([
    "cluster",
    "creator",
    "finishTime",
    "id",
    "name",
    "startTime",
    "status",
    "subtasks",
  ]);
  expect(rolledBack).toMatchObject({
    cluster: { id: 6, name: "obcluster_standby", obClusterId: 6, type: "STANDBY" },
    ...{ creator: { name: "admin" }, name: "Failover OB cluster", status: "SUCCESSFUL" },
    startTime: "2022-09-05T13:39:18.441+08:00",
  });
  expect(Object.keys(failed.subtasks[0])).toEqual(["description", "id", "name", "operation", "status"]);
  expect(running).toMatchObject({ creator: { name: "robot" }, name: "Rotate keys", status: "RUNNING" });
  expect(running).not.toHaveProperty("finishTime");
});

test.for([
  ["status=RUNNING", [3]],
  ["status=RUNNING,FAILED", [3, 2]],
  ["status=RUNNING&status=SUCCESSFUL", [3, 1]],
  ["name=FAILOVER", [2, 1]],
  ["keyword=rotate", [3]],
  ["keyword=standby", [2, 1]],
  ["clusterName=STANDBY", [2, 1]],
  ["cluterName=standby", [2, 1]],
  ["clusterId=6", [2, 1]],
  ["clusterId=5", []],
  ["creator=robot", [3]],
  ["type=MANUAL", [3, 2, 1]],
  ["type=SYS_ONECE", []],
  ["tenantId=100", []],
  ["hostId=1", []],
  ["sort=id,asc", [1, 2, 3]],
  ["sort=id", [1, 2, 3]],
  ["sort=name,asc", [1, 2, 3]],
  ["sort=startTime,desc", [3, 2, 1]],
  ["sort=status,asc", [2, 3, 1]],
  ["page=1&size=2", [3, 2]],
  ["page=2&size=2", [1]],
  ["page=9&size=2000", []],
  ["taskInstanceId=5&nothing=1&status=&page=", [3, 2, 1]],
] as const)("%s lists %j", async ([query, expected]) => {
  expect(await ids(query)).toEqual(expected);
});

test.for([
  "page=0",
  "page=-1",
  "page=x",
  "size=0",
  "size=2001",
  "size=1e3",
  "status=DONE",
  "type=ANY",
  "sort=creator",
  "sort=id,up",
  "clusterId=six",
])("%s is refused with 10001, naming the parameter", async (query) => {
  const answer = await server.get(`/api/v2/tasks/instances?${query}`);
  expect(answer).toMatchObject({ status: 400, body: { error: { code: 10001 } } });
  expect(answer.body.error?.message).toContain(query.split("=")[0]);
});
