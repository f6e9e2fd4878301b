/** Numbers of tasks: from the journal alone, also when several servers of one journal start tasks at once. */
import { createEngine, definePlan, MemoryJournal } from "@belay/engine";
import { afterEach, expect, test } from "vitest";
import type { Asker } from "../../../packages/server/src/host/host.ts";
import { runIdOf, TaskIds, taskNumber } from "../../../packages/server/src/ocp/task-ids.ts";
import { type OcpServer, ocpServer } from "./rig.ts";

const plan = definePlan({ belay: 1, name: "p", nodes: [{ id: "a", action: "belay.noop" }] });
const asker: Asker = {
  principal: { name: "a", role: "admin" },
  ...{ surface: "ocp", remote: null, requestId: null },
};

const servers: OcpServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function hosts(count: number, journal: MemoryJournal) {
  for (let left = count; left > 0; left--)
    servers.push(await ocpServer({ journal, site: { actions: {}, plans: [plan] } }));
  return servers.map(({ host }) => host);
}

test("R44: tasks that three servers start at once have numbers of their own, without a gap", async () => {
  const allocators = (await hosts(3, new MemoryJournal())).map((host) => new TaskIds(host));
  const starts = Array.from({ length: 30 }, (_, place) => allocators[place % 3]?.start(plan, {}, asker));
  const runs = await Promise.all(starts);
  const numbers = runs.map((run) => Number(run?.id)).sort((a, b) => a - b);
  expect(numbers).toEqual(Array.from({ length: 30 }, (_, place) => place + 1));
});

test("numbers go on above the highest one of the journal, whoever gave it", async () => {
  const journal = new MemoryJournal();
  const engine = await createEngine({ actions: {}, journal });
  for (const runId of ["7", "171603", "no-number", "9999999999", "0171604"]) await engine.start(plan, { runId });
  const [host] = await hosts(1, journal);
  if (host === undefined) throw new Error("there is one");
  const ids = new TaskIds(host);
  expect((await ids.start(plan, {}, asker)).id).toBe("171604");
  // Somebody takes the next one meanwhile, through another API.
  await host.engine.start(plan, { runId: "171605" });
  expect((await ids.start(plan, {}, asker)).id).toBe("171606");
  await engine.close();
});

test("where somebody chose the highest number there is, tasks get the lowest ones that are free", async () => {
  const [host] = await hosts(1, new MemoryJournal());
  if (host === undefined) throw new Error("there is one");
  for (const runId of ["1", "3", "999999999"]) await host.engine.start(plan, { runId });
  const ids = new TaskIds(host);
  const runs = await Promise.all([ids.start(plan, {}, asker), ids.start(plan, {}, asker)]);
  expect(runs.map(({ id }) => id).sort()).toEqual(["2", "4"]);
});

test("what is refused for another reason is refused, and not tried again", async () => {
  const [host] = await hosts(1, new MemoryJournal());
  if (host === undefined) throw new Error("there is one");
  const viewer: Asker = { ...asker, principal: { name: "v", role: "viewer" } };
  await expect(new TaskIds(host).start(plan, {}, viewer)).rejects.toMatchObject({ code: "FORBIDDEN" });
  await expect(new TaskIds(host).start(plan, { clientToken: "ä" }, asker)).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
  });
  expect(host.audit.youngest(10)).toHaveLength(2);
});

test("a task is a run whose id is a number of up to nine digits, as OCP writes numbers", () => {
  expect(["1", "171603", "999999999"].map(taskNumber)).toEqual([1, 171603, 999_999_999]);
  for (const runId of ["0", "01", "-1", "1.0", "1000000000", "x", "", "1 "]) expect(taskNumber(runId)).toBeUndefined();
  expect(["007", "0", "000", "70"].map(runIdOf)).toEqual(["7", "0", "0", "70"]);
});
