/** A change of role that was given up: what it leaves must not keep the next one from starting. */
import { MemoryJournal } from "@belay/engine";
import { afterEach, expect, test } from "vitest";
import type { Asker } from "../../../packages/server/src/host/host.ts";
import { clusters, type OcpServer, ocpServer } from "./rig.ts";

const FAILOVER = "/api/v2/ob/clusters/6/failover";
const ANN: Asker = { principal: { name: "ann", role: "admin" }, surface: "native", remote: null, requestId: null };

let server: OcpServer;
afterEach(async () => await server.close());

test("R40: an abandoned failover keeps its platform lock from nobody, in the next server either", async () => {
  const rig = clusters();
  const journal = new MemoryJournal();
  server = await ocpServer({ clusters: rig, journal });
  rig.break("failover");
  const { data: first } = await server.post(FAILOVER);
  expect((await server.rest(first.id))?.status).toBe("FAILED");
  expect((await server.post(FAILOVER)).body.error?.code).toBe(50002);
  await server.host.verb(String(first.id), { verb: "abandon" }, ANN);
  expect([5, 6].map((id) => rig.model.lockOwner(id))).toEqual(["1", "1"]);

  await server.close();
  server = await ocpServer({ clusters: rig, journal });
  const { data: second } = await server.post(FAILOVER);
  const run = await server.rest(second.id);
  expect([run?.id, run?.status]).toEqual(["2", "SUCCESSFUL"]);
  expect([5, 6].map((id) => rig.model.lockOwner(id))).toEqual([undefined, undefined]);
  const lines = (await server.host.journal.logs("2")).map(({ message }) => message);
  expect(lines.filter((line) => line.includes("taken over"))).toHaveLength(1);
});

test("the platform lock of a run that rests, or that nobody here knows, is taken over by nobody", async () => {
  const rig = clusters();
  server = await ocpServer({ clusters: rig });
  const refused = async (clusterId: number): Promise<unknown> => {
    const { id, settled } = await server.host
      .start(server.host.plan("oceanbase-switchover"), { params: { clusterId } }, ANN)
      .then((run) => ({ id: run.id, settled: run.settled() }));
    const { status, nodes } = await settled;
    await server.host.verb(id, { verb: "abandon" }, ANN);
    return [status, nodes[0]?.error?.code];
  };
  await rig.model.lock([6], "of another platform");
  expect(await refused(6)).toEqual(["FAILED", "LOCKED"]);
  await rig.model.unlock("of another platform");

  rig.break("failover");
  const { data } = await server.post(FAILOVER);
  expect((await server.rest(data.id))?.status).toBe("FAILED");
  expect(await refused(5)).toEqual(["FAILED", "LOCKED"]);
  expect([5, 6].map((id) => rig.model.lockOwner(id))).toEqual([String(data.id), String(data.id)]);
});
