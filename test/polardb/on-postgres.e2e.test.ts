/**
 * The PolarDB plan on real PostgreSQL servers. One cluster serves all cases, since each must leave it whole: one writer, on the route, all
 * others follow it and hold every acknowledged row.
 */
import type { ActionRegistry, Json } from "@belay/engine";
import { injectFailure } from "@belay/failover-plans";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { query } from "../../packages/failover-plans/src/postgres/client.ts";
import { dropRoute, restoreRoute } from "../../packages/failover-plans/src/route/route-steps.ts";
import { cutOffEverywhere, explain, stepsOf } from "../crash/trap.ts";
import { controlBut } from "../postgres/live-drill.ts";
import { failures, nodeOf, planThat, statuses } from "./model-run.ts";
import { CLUSTER, idOf, PolarDrill, serverOf } from "./polar-drill.ts";
import { callOf, PORT_CASES } from "./port-cases.ts";

const CASE_TIMEOUT_MS = 60_000;
const OPERATOR = { who: "op", why: "the drill goes on" };

let drill: PolarDrill;
beforeAll(async () => {
  drill = await PolarDrill.create();
});
afterAll(async () => {
  await drill?.close();
});

/** Node ids: the writer, and its readers in the order in which they are preferred. */
async function ids(): Promise<{ from: string; first: string; second: string; timeline: number }> {
  const { primary, standbys, timeline } = await drill.live.roles();
  const [first = "", second = ""] = standbys.map(idOf).toSorted().reverse();
  return { from: idOf(primary), first, second, timeline };
}

async function expectWhole(writer: string, timeline: number): Promise<void> {
  await drill.live.expectHealthy(serverOf(writer), timeline);
  expect((await drill.records.read(CLUSTER)).status).toBe("Running");
}

test(
  "R21: the reader of the highest priority takes over; never two servers take writes; the log has the switch",
  async () => {
    const { from, first, timeline } = await ids();
    await drill.live.keepRow(serverOf(from));
    const most = await drill.mostWriters(async () => {
      const { snapshot } = await drill.start();
      expect(snapshot.status, JSON.stringify(failures(snapshot))).toBe("SUCCESSFUL");
    });
    expect(most).toBe(1);
    await expectWhole(first, timeline + 1);
    const [entry] = (await drill.records.read(CLUSTER)).haLog;
    expect(entry?.finishedAt).toBeGreaterThanOrEqual(entry?.startedAt ?? Number.POSITIVE_INFINITY);
  },
  CASE_TIMEOUT_MS,
);

test(
  "a target that is named takes over, on engine PostgreSQL too; within ten minutes the next switch is refused",
  async () => {
    const { second, timeline } = await ids();
    const { snapshot } = await drill.start({ targetNodeId: second }, { engine: "PostgreSQL" });
    expect(snapshot.status, JSON.stringify(failures(snapshot))).toBe("SUCCESSFUL");
    await expectWhole(second, timeline + 1);
    const again = await drill.start({}, { switchIntervalSeconds: 600 });
    expect(failures(again.snapshot)).toEqual({ checkRecent: "RECOVERY_BLOCKED" });
    await expectWhole(second, timeline + 1);
  },
  CASE_TIMEOUT_MS,
);

test(
  "refused, and nothing is touched: the writer, an unknown node, no target on PostgreSQL, a reader that does not stream",
  async () => {
    const { from, first, timeline } = await ids();
    const { control } = drill.live.cluster;
    const refusalOf = async (...args: Parameters<PolarDrill["start"]>): Promise<unknown> => {
      const { snapshot } = await drill.start(...args);
      expect(snapshot.status).toBe("ROLLED_BACK");
      return Object.values(failures(snapshot));
    };
    expect(await refusalOf({ targetNodeId: from })).toEqual(["NODE_TYPE"]);
    expect(await refusalOf({ targetNodeId: "pi-9" })).toEqual(["NODE_UNKNOWN"]);
    expect(await refusalOf({}, { engine: "PostgreSQL" })).toEqual(["PARAMETER_MISSING"]);
    await control.stop(serverOf(first));
    expect(await refusalOf({ targetNodeId: first })).toEqual(["UNHEALTHY_REPLICATION"]);
    await control.start(serverOf(first));
    await expectWhole(from, timeline);
  },
  CASE_TIMEOUT_MS,
);

test(
  "R21: a candidate that dies while the old writer stops is undone, and the next one takes over; it follows again",
  async () => {
    const { from, first, second, timeline } = await ids();
    const { control } = drill.live.cluster;
    let killed = false;
    const deadly = controlBut(control, {
      stop: async (name) => {
        if (!killed && name === serverOf(from)) await control.kill(serverOf(first));
        killed = true;
        await control.stop(name);
      },
    });
    const most = await drill.mostWriters(async () => {
      const { snapshot } = await drill.start({}, { control: deadly });
      expect(snapshot.status, JSON.stringify(snapshot.nodes.map(({ id, error }) => ({ id, error })))).toBe(
        "SUCCESSFUL",
      );
      expect(statuses(snapshot)).toMatchObject({ "switch[0]": "COMPENSATED", "switch[1]": "SUCCESSFUL" });
    });
    expect([killed, most]).toEqual([true, 1]);
    await expectWhole(second, timeline + 1);
  },
  CASE_TIMEOUT_MS,
);

test(
  "R21, R30: when the old writer cannot be fenced nobody is promoted: every candidate has its reason, it takes writes again",
  async () => {
    const { from, timeline } = await ids();
    const { control } = drill.live.cluster;
    const zombie = controlBut(control, {
      isRunning: async (name) => name === serverOf(from) || control.isRunning(name),
    });
    const { snapshot } = await drill.start({}, { control: zombie });
    expect(snapshot.status).toBe("ROLLED_BACK");
    expect(failures(snapshot)).toEqual({ "switch[0]": "FENCE_FAILED", "switch[1]": "FENCE_FAILED" });
    await expectWhole(from, timeline);
  },
  CASE_TIMEOUT_MS,
);

test(
  "a dead writer is replaced by the preferred reader that holds everything, and comes back as its reader",
  async () => {
    const { from, first, timeline } = await ids();
    await drill.live.loseThePrimary();
    const { snapshot } = await drill.start();
    expect(snapshot.status, JSON.stringify(failures(snapshot))).toBe("SUCCESSFUL");
    expect(nodeOf(snapshot, "elect").output).toMatchObject({ from, writerAnswered: false });
    await expectWhole(first, timeline + 1);
  },
  CASE_TIMEOUT_MS,
);

test(
  "R32, R37: a promotion whose answer is lost for good is not undone and not followed by another; skipped, it is carried out",
  async () => {
    const { first, timeline } = await ids();
    const plan = planThat("pause");
    const lose = {
      plan,
      actions: (actions: ActionRegistry) => injectFailure(actions, plan, "switch", "after"),
    };
    const { run, snapshot } = await drill.start({}, lose);
    expect(snapshot.status).toBe("FAILED");
    expect(statuses(snapshot)).toMatchObject({ "switch[0]": "COMPENSATION_FAILED", "switch[1]": "PENDING" });
    const error = nodeOf(snapshot, "switch[0]").compensation?.error;
    if (error?.code !== "PROMOTED_ALREADY") throw new Error(`not PROMOTED_ALREADY: ${JSON.stringify(error)}`);
    const { output } = error.details as { output: Json };
    expect(await drill.live.writers()).toEqual([serverOf(first)]);
    await run.skip("switch", { ...OPERATOR, output });
    expect((await run.settled()).status).toBe("SUCCESSFUL");
    await expectWhole(first, timeline + 1);
  },
  CASE_TIMEOUT_MS,
);

test(
  "R26: a promotion that was asked for and hangs is taken away before the old writer comes back: it never happens later",
  async () => {
    const { from, first, second, timeline } = await ids();
    const { control, route } = drill.control();
    const order = { clusterId: CLUSTER, from, to: first, others: [second], generation: timeline, writerAnswered: true };
    await control.checkCandidate(order, callOf());
    const { epoch } = await dropRoute({ route }, from, {});
    const candidate = drill.live.node(serverOf(first));
    const [startup] = await query<{ pid: number }>(
      candidate,
      "select pid from pg_stat_activity where backend_type = 'startup'",
    );
    const pid = startup?.pid ?? 0;
    expect(pid).toBeGreaterThan(1);
    // The process that would carry the promotion out stands still.
    process.kill(pid, "SIGSTOP");
    const given = new AbortController();
    const switching = control.switchTo({ ...order, epoch }, callOf(given.signal));
    const ended = expect(switching).rejects.toThrow("given up");
    await drill.live.eventually(async () => {
      const [asked] = await query<{ found: boolean }>(
        candidate,
        "select (pg_stat_file('promote', true)).size is not null as found",
      );
      expect(asked?.found).toBe(true);
    });
    given.abort(new Error("given up"));
    await ended;
    await control.restore(order, callOf());
    // Had it survived, it would be carried out now.
    if (isAlive(pid)) process.kill(pid, "SIGCONT");
    await restoreRoute({ route }, from);
    await expectWhole(from, timeline);
  },
  CASE_TIMEOUT_MS,
);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("the port's cases", () => {
  test.each(PORT_CASES)(
    "%s",
    async (_, run) => {
      const { control, route } = drill.control();
      await run({
        control,
        clusterId: CLUSTER,
        lead: async (from) => (await dropRoute({ route }, from, {})).epoch,
        publish: async (writer, epoch) => expect(await route.publish(writer, epoch)).toBe(true),
      });
    },
    CASE_TIMEOUT_MS,
  );
});

describe("R42: an engine that dies after every single step", () => {
  test(
    "ends as if nothing had happened",
    async () => {
      const { first, timeline } = await ids();
      const params = drill.params();
      const found = await cutOffEverywhere({ plan: planThat(), params, actions: () => drill.actions() });
      expect(found.snapshot.status, explain(found)).toBe("SUCCESSFUL");
      expect(found.cuts).toEqual(
        expect.arrayContaining(["begin", "switch[0]", "ready", "publish", "oldWriter", "end"]),
      );
      await expectWhole(first, timeline + 1);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "a candidate that is given up is undone, and the next one takes over",
    async () => {
      const { from, first, second, timeline } = await ids();
      const { control } = drill.live.cluster;
      // Somebody starts the old writer again and again, until the first candidate is given up.
      let givenUp = false;
      const restless = controlBut(control, {
        isRunning: async (name) =>
          (await control.isRunning(name)) ||
          (!givenUp && name === serverOf(from) && (await control.isMarkedStandby(name))),
        kill: async (name) => {
          givenUp ||= name === serverOf(first);
          await control.kill(name);
        },
      });
      const actions = () => drill.actions({ control: restless });
      const found = await cutOffEverywhere({ plan: planThat(), params: drill.params(), actions });
      expect(found.snapshot.status, explain(found)).toBe("SUCCESSFUL");
      expect(found.snapshot.nodes.find(({ id }) => id === "switch[0]")?.error?.code).toMatch(/^FENCE_(BROKEN|FAILED)$/);
      expect(stepsOf(found)).toContain("undo/switch");
      await expectWhole(second, timeline + 1);
    },
    CASE_TIMEOUT_MS,
  );
});
