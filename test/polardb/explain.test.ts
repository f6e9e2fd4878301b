/** What an operator is told of a run of the PolarDB plan, in every state that it can rest in. */
import { injectFailure } from "@belay/failover-plans";
import { explainPolardbRun } from "@belay/failover-plans/polardb";
import { expect, test } from "vitest";
import { actionsOf, planThat, play, settle, worldOf } from "./model-run.ts";

async function told(
  fail: string,
  when: "before" | "after",
  onFailure: "pause" | "rollback" = "rollback",
): Promise<string> {
  const world = worldOf();
  const plan = planThat(onFailure);
  const { run, snapshot } = await play(world, { plan, actions: injectFailure(actionsOf(world), plan, fail, when) });
  expect(run.snapshot()).toEqual(snapshot);
  return explainPolardbRun(snapshot).join("\n");
}

test("before the promotion: nothing was promoted, and whether that has to be undone yet", async () => {
  expect(await told("elect", "before")).toMatch(
    /^Choose the candidates: .*\nNothing was promoted\. The cluster is Running/,
  );
  expect(await told("begin", "after", "pause")).toContain("retry the run, or roll it back");
});

test("when every candidate failed, each one's reason", async () => {
  const world = worldOf();
  for (const id of ["pi-2", "pi-3", "pi-4"]) world.model.fault(id, "refuses-promotion");
  const text = explainPolardbRun((await play(world)).snapshot).join("\n");
  for (const id of ["pi-2", "pi-3", "pi-4"]) expect(text).toContain(`Switch to a candidate, ${id}: ${id} refuses`);
  expect(text).toContain("Nothing was promoted.");
});

test("R32: a candidate that was promoted, and counts as failed: nobody else was tried, and the way out of each state", async () => {
  const paused = await told("switch", "after", "pause");
  expect(paused).toContain("Giving up pi-2 failed: pi-2 was promoted");
  expect(paused).toContain("Nobody else was tried");
  expect(paused).toContain('Skip node "switch"');
  expect(await told("switch", "after")).toContain("By hand: publish pi-2 on the route");
});

test("one that nobody can ask: repair it, then roll back again", async () => {
  const world = worldOf();
  world.model.fault("pi-2", "silent");
  const { run } = await play(world);
  expect(explainPolardbRun(run.snapshot()).join("\n")).toContain("Repair pi-2, then roll back again");
});

test("after the promotion: it stands, whether clients know of it, and that a retry goes on", async () => {
  expect(await told("ready", "before")).toMatch(
    /pi-2 was promoted, and that stands.*\n.*nobody is on the route.*\n.*then retry/,
  );
  expect(await told("haLog", "before")).not.toContain("nobody is on the route");
});

test("a node that does not follow is named, in a run that succeeded too", async () => {
  expect(await told("oldWriter", "before")).toContain("pi-1 does not follow pi-2.");
  expect(await told("readers", "before")).toMatch(/pi-[34] does not follow pi-2\./);
});

test("an abandoned run, and one of another plan", async () => {
  const world = worldOf();
  const plan = planThat("pause");
  const { run } = await play(world, { plan, actions: injectFailure(actionsOf(world), plan, "switch", "before") });
  expect((await settle(world, run)).status).toBe("SUCCESSFUL");
  const stopped = await play(worldOf(), {
    plan,
    actions: injectFailure(actionsOf(worldOf()), plan, "begin", "before"),
  });
  await stopped.run.abandon({ who: "op", why: "by hand" });
  expect(explainPolardbRun(stopped.run.snapshot()).join("\n")).toContain("shown as Switching, it stays so");
  expect(explainPolardbRun({ ...run.snapshot(), planName: "another" })).toEqual([]);
});
