/** How long a server keeps runs that have ended: in its engine, its journal, and its client tokens. */
import { definePlan, MemoryJournal } from "@belay/engine";
import { ManualClock, settleTurns } from "@belay/engine/testing";
import { expect, test } from "vitest";
import { AuditLog } from "../../../packages/server/src/host/audit-log.ts";
import { Host } from "../../../packages/server/src/host/host.ts";
import { dropOldRuns } from "../../../packages/server/src/host/retention.ts";

const asker = { principal: { name: "adam", role: "admin" }, surface: "native", remote: null, requestId: null } as const;
const done = definePlan({ belay: 1, name: "done", nodes: [{ id: "a", action: "belay.noop" }] });
const waits = definePlan({ belay: 1, name: "waits", nodes: [{ id: "a", action: "belay.signal" }] });

async function hostWith(keepEndedMs?: number) {
  const clock = new ManualClock();
  const keep = keepEndedMs === undefined ? {} : { keepEndedMs };
  const site = { actions: {} };
  const journal = new MemoryJournal();
  const host = await Host.open({
    site,
    catalog: new Map(),
    journal,
    audit: await AuditLog.open(undefined),
    clock,
    ...keep,
  });
  for (const plan of [done, waits]) await host.start(plan, { clientToken: plan.document.name }, asker);
  await settleTurns();
  return { clock, host };
}

test("runs that ended too long ago are dropped, those that have not ended stay", async () => {
  const { clock, host } = await hostWith(3_600_000);
  await clock.elapse(3_500_000);
  expect(await host.summaries()).toHaveLength(2);
  await clock.elapse(1_000_000);
  expect((await host.summaries()).map(({ planName }) => planName)).toEqual(["waits"]);
  expect(host.engine.runs()).toHaveLength(1);
  await host.close(false);
});

test("without a time they are kept for ever", async () => {
  const { clock, host } = await hostWith();
  await clock.elapse(1e12);
  expect(await host.summaries()).toHaveLength(2);
  await host.close(false);
});

test("a failure is told, and the next look tries again; after the end nothing is looked at", async () => {
  const clock = new ManualClock();
  let looks = 0;
  const told: unknown[] = [];
  const prune = async (): Promise<number> => {
    looks += 1;
    throw new Error("the disk is full");
  };
  const end = dropOldRuns({ prune }, clock, 1000, (error) => told.push(error));
  await clock.elapse(1_300_000);
  expect([looks, told.length]).toEqual([3, 3]);
  end();
  await clock.elapse(1_300_000);
  expect(looks).toBe(3);
});
