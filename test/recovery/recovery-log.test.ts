/**
 * Anti-flap: what every recovery log must do, in memory and in files, and when a recovery is refused.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ActionContext } from "@belay/engine";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openRecoveryLog } from "../../packages/failover-plans/src/recovery/recovery-file.ts";
import { memoryRecoveryLog, type RecoveryLog } from "../../packages/failover-plans/src/recovery/recovery-log.ts";
import {
  announceAction,
  checkRecentAction,
  withdrawAction,
} from "../../packages/failover-plans/src/recovery/recovery-steps.ts";
import type { RouteEntry } from "../../packages/failover-plans/src/route/route.ts";

let directory = "";
let logs = 0;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "belay-recovery-"));
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

const MINUTE = 60_000;
const AT = 1_700_000_000_000;
const recovery = (runId: string, at: number, cluster = "orders") => ({ cluster, runId, at, from: "a", to: "b" });
const KINDS: readonly (readonly [string, () => Promise<RecoveryLog>])[] = [
  ["in memory", async () => memoryRecoveryLog()],
  ["in files", () => openRecoveryLog(join(directory, String(logs++)))],
];

describe.each(KINDS)("a recovery log %s", (_, open) => {
  test("lists a cluster's recoveries, the youngest first, and nobody else's", async () => {
    const log = await open();
    await log.note(recovery("one", AT));
    await log.note(recovery("two", AT + 2));
    await log.note(recovery("three", AT + 1, "../billing"));
    expect((await log.list("orders")).map(({ runId }) => runId)).toEqual(["two", "one"]);
    expect(await log.list("../billing")).toEqual([{ ...recovery("three", AT + 1, "../billing"), acknowledged: null }]);
    expect(await log.list("unheard of")).toEqual([]);
  });

  test("keeps the first note of a run: a step that is carried out again after a crash does not make it younger", async () => {
    const log = await open();
    await log.note(recovery("one", AT));
    await log.note({ ...recovery("one", AT + MINUTE), to: "c" });
    expect(await log.list("orders")).toEqual([{ ...recovery("one", AT), acknowledged: null }]);
  });

  test("takes back only what that run noted", async () => {
    const log = await open();
    await log.note(recovery("one", AT));
    await log.note(recovery("two", AT + 1));
    await log.withdraw("orders", "two");
    await log.withdraw("orders", "never");
    await log.withdraw("billing", "one");
    expect((await log.list("orders")).map(({ runId }) => runId)).toEqual(["one"]);
  });

  test("acknowledges what nobody has acknowledged, once", async () => {
    const log = await open();
    await log.note(recovery("one", AT));
    const first = { who: "ann", why: "a bad disk", at: AT + 1 };
    expect(await log.acknowledge("orders", first)).toBe(1);
    await log.note(recovery("two", AT + 2));
    const second = { who: "bob", why: "the other disk", at: AT + 3 };
    expect(await log.acknowledge("orders", second)).toBe(1);
    expect(await log.acknowledge("orders", second)).toBe(0);
    expect((await log.list("orders")).map(({ acknowledged }) => acknowledged)).toEqual([second, first]);
  });
});

test("a log in files is read by the next process, and an entry that goes away meanwhile is no error", async () => {
  const file = join(directory, "shared");
  const one = await openRecoveryLog(file);
  const other = await openRecoveryLog(file);
  await one.note(recovery("one", AT));
  expect(await other.list("orders")).toHaveLength(1);
  await Promise.all([other.list("orders"), one.withdraw("orders", "one")]);
  expect(await other.list("orders")).toEqual([]);
});

/** The only entry of a log in that directory. */
async function entryOf(file: string): Promise<string> {
  const [name = ""] = (await readdir(file)).filter((one) => one.endsWith(".json"));
  return join(file, name);
}

test("a log in files leaves alone what another process is writing at the same time", async () => {
  const file = join(directory, "at-once");
  const log = await openRecoveryLog(file);
  await log.note(recovery("one", AT));
  const other = `${await entryOf(file)}.new`;
  await writeFile(other, "half of");
  await log.acknowledge("orders", { who: "ann", why: "a bad disk", at: AT + 1 });
  expect(await readFile(other, "utf8")).toBe("half of");
  expect(await log.list("orders")).toHaveLength(1);
});

test("a log in files keeps the first note of two that come at once", async () => {
  const file = join(directory, "twice");
  const log = await openRecoveryLog(file);
  await Promise.all([1, 2, 3, 4, 5].map((at) => log.note({ ...recovery("one", AT + at), to: `b${at}` })));
  const [{ at, to } = { at: 0, to: "" }] = await log.list("orders");
  expect(to).toBe(`b${at - AT}`);
  expect(await readdir(file)).toHaveLength(1);
});

test.each(["", "{}", "null", '{"cluster":"orders"}', "half of"])(
  "an entry that cannot be read is named with its remedy, and is not passed over: %j",
  async (damaged) => {
    const file = await mkdtemp(join(directory, "damaged-"));
    const log = await openRecoveryLog(file);
    await log.note(recovery("one", AT));
    const entry = await entryOf(file);
    await writeFile(join(file, "notes.json"), "somebody's");
    await writeFile(join(file, ".left"), "half of");
    expect(await log.list("orders")).toHaveLength(1);
    await writeFile(entry, damaged);
    const said = expect.stringContaining(`${entry} is no entry of a log of recoveries`);
    await expect(log.list("orders")).rejects.toMatchObject({ code: "ENVIRONMENT", message: said });
  },
);

describe("recoveries in a row", () => {
  let now = AT;
  const route: RouteEntry = { writer: null, epoch: 7 };
  const setUp = () => {
    const recoveries = memoryRecoveryLog();
    const access = {
      recoveries,
      now: () => now,
      route: { current: async () => route, publish: () => Promise.reject(new Error("nothing is published here")) },
    };
    const ctx = <I>(runId: string, input: I): ActionContext<I> => ({ runId, input }) as unknown as ActionContext<I>;
    return {
      recoveries,
      check: async (runId: string, input: { blockSeconds?: number; acknowledge?: string } = {}) =>
        await checkRecentAction(access).run(ctx(runId, { cluster: "orders", ...input })),
      announce: async (runId: string, epoch = 7) =>
        await announceAction(access).run(ctx(runId, { cluster: "orders", from: "a", to: "b", epoch })),
      withdraw: async (runId: string) => await withdrawAction(access).run(ctx(runId, { cluster: "orders" })),
    };
  };

  test("RECOVERY_BLOCKED: the second is refused until the block period is over, with what happened as data", async () => {
    const { check, announce } = setUp();
    now = AT;
    expect(await check("one")).toEqual({ last: null, acknowledged: false });
    await announce("one");
    now = AT + 20 * MINUTE;
    await expect(check("two")).rejects.toMatchObject({
      code: "RECOVERY_BLOCKED",
      message: expect.stringMatching(
        /orders was recovered 20 min ago \(a was replaced by b\).*another 40 min.*acknowledge/,
      ),
      details: { last: { runId: "one", at: AT }, until: AT + 60 * MINUTE },
    });
    now = AT + 60 * MINUTE - 1;
    await expect(check("two")).rejects.toMatchObject({ code: "RECOVERY_BLOCKED" });
    now = AT + 60 * MINUTE;
    expect(await check("two")).toMatchObject({ last: { runId: "one" }, acknowledged: false });
  });

  test("an acknowledgement lets the next one pass, is kept with its reason, and counts for one recovery only", async () => {
    const { check, announce, recoveries } = setUp();
    now = AT;
    await announce("one");
    expect(await check("two", { acknowledge: "the rack lost power" })).toMatchObject({ acknowledged: true });
    expect((await recoveries.list("orders"))[0]?.acknowledged).toEqual({
      who: "run two",
      why: "the rack lost power",
      at: AT,
    });
    expect(await check("two")).toMatchObject({ acknowledged: false });
    await announce("two");
    await expect(check("three")).rejects.toMatchObject({
      code: "RECOVERY_BLOCKED",
      details: { last: { runId: "two" } },
    });
  });

  test("a plan may shorten the period, to none", async () => {
    const { check, announce } = setUp();
    now = AT;
    await announce("one");
    now = AT + MINUTE;
    await expect(check("two", { blockSeconds: 61 })).rejects.toMatchObject({ code: "RECOVERY_BLOCKED" });
    expect(await check("two", { blockSeconds: 60 })).toMatchObject({ acknowledged: false });
    now = AT;
    expect(await check("two", { blockSeconds: 0 })).toMatchObject({ acknowledged: false });
  });

  test("a run that was rolled back has recovered nothing, and one that goes on after a crash is not in its own way", async () => {
    const { check, announce, withdraw } = setUp();
    now = AT;
    await announce("one");
    expect(await check("one")).toMatchObject({ last: { runId: "one" } });
    await withdraw("one");
    expect(await check("two")).toEqual({ last: null, acknowledged: false });
  });

  test("ROUTE_TAKEN: a controller that was overtaken announces nothing", async () => {
    const { announce, recoveries } = setUp();
    await expect(announce("late", 6)).rejects.toMatchObject({ code: "ROUTE_TAKEN", message: /no longer leads/ });
    await expect(announce("early", 8)).rejects.toMatchObject({ code: "ROUTE_TAKEN", message: /it went back/ });
    expect(await recoveries.list("orders")).toEqual([]);
  });
});
