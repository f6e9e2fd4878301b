/** The plan on a cluster in memory: who is tried, who is not, what is undone, and that never two nodes take writes. */
import { type ActionRegistry, createEngine } from "@belay/engine";
import { polardbActions } from "@belay/failover-plans/polardb";
import { afterEach, describe, expect, test } from "vitest";
import {
  actionsOf,
  CLUSTER,
  failures,
  NODES,
  nodeOf,
  type Played,
  planThat,
  play,
  settle,
  statuses,
  type World,
  worldOf,
} from "./model-run.ts";

let world: World;
afterEach(() => {
  expect(world.model.mostWriters).toBe(1);
});

async function played(
  faults: Readonly<Record<string, Parameters<World["model"]["fault"]>[1]>>,
  options = {},
): Promise<Played> {
  world = worldOf();
  for (const [nodeId, kind] of Object.entries(faults)) world.model.fault(nodeId, kind);
  return await play(world, options);
}

describe("R21: one candidate after the other", () => {
  test("the reader of the highest priority becomes the writer; the others, and the old writer, follow it", async () => {
    const { snapshot } = await played({});
    expect(snapshot.status).toBe("SUCCESSFUL");
    const { deeds, save } = { deeds: world.model.deeds, save: world.model.save() };
    expect(deeds.slice(0, 3)).toEqual(["status Switching", "fence pi-1", "promote pi-2"]);
    expect(deeds.slice(3, -1).toSorted()).toEqual(["follow pi-1", "follow pi-3", "follow pi-4"]);
    expect(deeds.at(-1)).toBe("status Running");
    expect(save.cluster).toMatchObject({ status: "Running", generation: 2 });
    expect(await world.route.current()).toEqual({ writer: "pi-2", epoch: 3 });
    expect(statuses(snapshot)).toMatchObject({
      "switch[0]": "SUCCESSFUL",
      "switch[1]": "SKIPPED",
      "switch[2]": "SKIPPED",
    });
  });

  test("a candidate that fails is undone before the next one is tried, and the next one wins", async () => {
    const { snapshot } = await played({ "pi-2": "refuses-promotion" });
    expect(snapshot.status).toBe("SUCCESSFUL");
    expect(world.model.deeds.slice(0, 5)).toEqual([
      "status Switching",
      "fence pi-1",
      "restore pi-1",
      "fence pi-1",
      "promote pi-3",
    ]);
    expect(statuses(snapshot)).toMatchObject({ "switch[0]": "COMPENSATED", "switch[1]": "SUCCESSFUL" });
    expect(nodeOf(snapshot, "switch[0]").error).toMatchObject({ code: "PROMOTION_FAILED" });
    // Emptied, given back, emptied, published: it never went back.
    expect(await world.route.current()).toEqual({ writer: "pi-3", epoch: 5 });
    expect(await world.recoveries.list(CLUSTER)).toMatchObject([{ from: "pi-1", to: "pi-3" }]);
  });

  test("a candidate whose check refuses it costs the clients nothing: the writer is not touched for it", async () => {
    const { snapshot } = await played({ "pi-2": "unhealthy" });
    expect(snapshot.status).toBe("SUCCESSFUL");
    expect(world.model.deeds.slice(0, 3)).toEqual(["status Switching", "fence pi-1", "promote pi-3"]);
    expect(failures(snapshot)).toEqual({ "switch[0]": "UNHEALTHY_REPLICATION" });
  });

  test("R26: a candidate that hangs is given up after its attempts of 30 seconds, undone, and the next one wins", async () => {
    const { snapshot } = await played({ "pi-2": "hangs" });
    expect(snapshot.status).toBe("SUCCESSFUL");
    expect(nodeOf(snapshot, "switch[0]")).toMatchObject({
      status: "COMPENSATED",
      runTime: 2,
      error: { code: "TIMEOUT" },
    });
    expect(world.model.writers()).toEqual(["pi-3"]);
  });

  test("when all fail, every one has its reason, the old writer takes writes, and the cluster is Running again", async () => {
    const { snapshot } = await played({
      "pi-2": "refuses-promotion",
      "pi-3": "unhealthy",
      "pi-4": "refuses-promotion",
    });
    expect(snapshot.status).toBe("ROLLED_BACK");
    expect(failures(snapshot)).toEqual({
      "switch[0]": "PROMOTION_FAILED",
      "switch[1]": "UNHEALTHY_REPLICATION",
      "switch[2]": "PROMOTION_FAILED",
    });
    expect(world.model.writers()).toEqual(["pi-1"]);
    expect(world.model.save().cluster).toMatchObject({ status: "Running", generation: 1 });
    expect((await world.route.current()).writer).toBe("pi-1");
    expect(await world.recoveries.list(CLUSTER)).toEqual([]);
  });

  test("with onFailure pause the run rests FAILED with every reason, the old writer back; a retry tries all again", async () => {
    const faults = { "pi-2": "refuses-promotion", "pi-3": "unhealthy", "pi-4": "refuses-promotion" } as const;
    const { run, snapshot } = await played(faults, { plan: planThat("pause") });
    expect(snapshot.status).toBe("FAILED");
    expect(Object.keys(failures(snapshot))).toEqual(["switch[0]", "switch[1]", "switch[2]"]);
    expect(world.model.writers()).toEqual(["pi-1"]);
    expect(world.model.save().cluster.status).toBe("Switching");
    world.model.fault("pi-4", null);
    await run.retry({ who: "op", why: "pi-4 is repaired" });
    expect((await settle(world, run)).status).toBe("SUCCESSFUL");
    expect(world.model.writers()).toEqual(["pi-4"]);
  });
});

describe("a candidate that was promoted is not followed by another", () => {
  test("an answer that was lost is asked for: the next attempt finds it promoted", async () => {
    const { snapshot } = await played({ "pi-2": "answer-lost" });
    expect(snapshot.status).toBe("SUCCESSFUL");
    expect(nodeOf(snapshot, "switch[0]").runTime).toBe(2);
    expect(world.model.writers()).toEqual(["pi-2"]);
  });

  test("R32: one that cannot be asked is not undone, nobody else is tried, and the old writer stays fenced", async () => {
    const { run, snapshot } = await played({ "pi-2": "silent" });
    expect(snapshot.status).toBe("ROLLBACK_FAILED");
    expect(nodeOf(snapshot, "switch[0]").compensation?.error?.code).toBe("PROMOTION_UNKNOWN");
    expect(statuses(snapshot)).toMatchObject({ "switch[1]": "PENDING", begin: "SUCCESSFUL" });
    expect(world.model.deeds).toEqual(["status Switching", "fence pi-1", "promote pi-2"]);
    // It turns out to have been promoted: rolling back again must not change that.
    world.model.fault("pi-2", null);
    await run.rollback({ who: "op", why: "pi-2 answers" });
    const again = await settle(world, run);
    expect(nodeOf(again, "switch[0]").compensation?.error?.code).toBe("PROMOTED_ALREADY");
    expect(world.model.writers()).toEqual(["pi-2"]);
  });

  test("R37: what such a candidate would have answered is in the details: skip with it, and the plan is carried out", async () => {
    const { run, snapshot } = await played({ "pi-2": "silent" }, { plan: planThat("pause") });
    expect(snapshot.status).toBe("FAILED");
    world.model.fault("pi-2", null);
    await run.retry({ who: "op", why: "pi-2 answers" });
    const again = await settle(world, run);
    expect(again.status).toBe("FAILED");
    const details = nodeOf(again, "switch[0]").compensation?.error?.details as { output: { writer: string } };
    expect(details.output).toMatchObject({ writer: "pi-2", from: "pi-1", readers: ["pi-3", "pi-4"] });
    await run.skip("switch", { who: "op", why: "pi-2 is the writer", output: details.output });
    expect((await settle(world, run)).status).toBe("SUCCESSFUL");
    expect(await world.route.current()).toMatchObject({ writer: "pi-2" });
    expect(world.model.deeds.at(-1)).toBe("status Running");
  });
});

describe("R26: a switch that ignores its abort", () => {
  /** The first candidate's switch does nothing and lets go when it is told to. */
  function deaf(): { readonly actions: ActionRegistry; letGo(): void; readonly undone: () => number } {
    let release = (): void => undefined;
    let undone = 0;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const real = actionsOf(world);
    const [forward, back] = [real["polardb.switch"], real["polardb.switch-back"]];
    if (typeof forward !== "object" || typeof back !== "object") throw new Error("no definitions");
    const run: typeof forward.run = async (ctx) => {
      if (ctx.item !== "pi-2") return await forward.run(ctx);
      await held;
      throw new Error("let go");
    };
    const undo: typeof back.run = async (ctx) => {
      await back.run(ctx);
      undone += 1;
    };
    const actions = {
      ...real,
      "polardb.switch": { ...forward, run },
      "polardb.switch-back": { ...back, run: undo },
    };
    return { actions, letGo: release, undone: () => undone };
  }

  test("is not undone before it has let go, and nobody else is tried before that", async () => {
    world = worldOf();
    const stage = deaf();
    const engine = await createEngine({ actions: stage.actions, clock: world.clock });
    const run = await engine.start(planThat(), { params: { cluster: CLUSTER } });
    await world.clock.elapse(75_000);
    expect(stage.undone()).toBe(0);
    expect(statuses(run.snapshot())).toMatchObject({ "switch[0]": "COMPENSATING", "switch[1]": "PENDING" });
    stage.letGo();
    expect((await settle(world, run)).status).toBe("SUCCESSFUL");
    expect(stage.undone()).toBe(1);
    expect(world.model.writers()).toEqual(["pi-3"]);
    await engine.close();
  });

  test("and never lets go, is never undone: the run rests, nobody else is promoted", async () => {
    world = worldOf();
    const { snapshot } = await play(world, { actions: deaf().actions });
    expect(snapshot.status).toBe("ROLLBACK_FAILED");
    expect(statuses(snapshot)).toMatchObject({ "switch[0]": "COMPENSATION_FAILED", "switch[1]": "PENDING" });
    expect(world.model.writers()).toEqual(["pi-1"]);
  });
});

describe("what is refused", () => {
  async function refused(
    params: Record<string, string>,
    spec: { engine?: "MySQL" | "PostgreSQL" } = {},
  ): Promise<unknown> {
    world = worldOf(NODES, spec);
    const { snapshot } = await play(world, { params });
    expect(snapshot.status).toBe("ROLLED_BACK");
    expect(world.model.writers()).toEqual(["pi-1"]);
    expect(world.model.deeds.filter((deed) => !deed.startsWith("status"))).toEqual([]);
    return Object.values(failures(snapshot));
  }

  test.each([
    ["an unknown cluster", { cluster: "pc-9" }, "CLUSTER_UNKNOWN"],
    ["an unknown node", { targetNodeId: "pi-9" }, "NODE_UNKNOWN"],
    ["the writer as a target", { targetNodeId: "pi-1" }, "NODE_TYPE"],
    ["a zone without a reader", { targetZoneType: "Standby" }, "NO_CANDIDATE"],
  ])("%s", async (_, params, code) => {
    expect(await refused(params)).toEqual([code]);
  });

  test("no target on PostgreSQL; with one it goes through", async () => {
    expect(await refused({}, { engine: "PostgreSQL" })).toEqual(["PARAMETER_MISSING"]);
    const { snapshot } = await play(world, { params: { targetNodeId: "pi-3" } });
    expect(snapshot.status).toBe("SUCCESSFUL");
    expect(world.model.writers()).toEqual(["pi-3"]);
  });

  test("a cluster that is not Running, one that is locked, one with one node", async () => {
    world = worldOf();
    await world.model.markStatus(CLUSTER, "Switching");
    expect(failures((await play(world)).snapshot)).toEqual({ validate: "CLUSTER_NOT_RUNNING" });
    const locked = worldOf(NODES, { lockMode: "LockByExpiration" });
    expect(failures((await play(locked)).snapshot)).toEqual({ validate: "CLUSTER_LOCKED" });
    const alone = worldOf(NODES.slice(0, 1));
    expect(failures((await play(alone)).snapshot)).toEqual({ validate: "CLUSTER_CATEGORY" });
  });

  test("R3: a token of 65 characters, one that is not ASCII, and a zone type that is none, when the run is started", async () => {
    world = worldOf();
    for (const params of [{ clientToken: "x".repeat(65) }, { clientToken: "\u00fc" }, { targetZoneType: "primary" }]) {
      await expect(play(world, { params })).rejects.toMatchObject({ code: "PARAMS_INVALID" });
    }
  });
});

describe("the ten-minute limit", () => {
  test("a second switch within it is refused, one after it goes through, and 0 is no limit", async () => {
    world = worldOf();
    expect((await play(world)).snapshot.status).toBe("SUCCESSFUL");
    await world.clock.elapse(590_000);
    const { snapshot } = await play(world);
    expect(snapshot.status).toBe("ROLLED_BACK");
    expect(failures(snapshot)).toEqual({ checkRecent: "RECOVERY_BLOCKED" });
    expect((await play(world, { params: { switchIntervalSeconds: 0 } })).snapshot.status).toBe("SUCCESSFUL");
    await world.clock.elapse(600_000);
    expect((await play(world)).snapshot.status).toBe("SUCCESSFUL");
  });

  test("an acknowledgement lets it pass, and a switch that was undone does not count", async () => {
    world = worldOf();
    for (const { nodeId } of NODES.slice(1)) world.model.fault(nodeId, "refuses-promotion");
    expect((await play(world)).snapshot.status).toBe("ROLLED_BACK");
    for (const { nodeId } of NODES.slice(1)) world.model.fault(nodeId, null);
    expect((await play(world)).snapshot.status).toBe("SUCCESSFUL");
    const { snapshot } = await play(world, { params: { acknowledge: "the disk of pi-1 is replaced" } });
    expect(snapshot.status).toBe("SUCCESSFUL");
    expect((await world.recoveries.list(CLUSTER))[1]?.acknowledged?.why).toBe("the disk of pi-1 is replaced");
  });
});

describe("the log of switches", () => {
  test("a clock that went back meanwhile makes no switch that ends before it began", async () => {
    world = worldOf();
    const times = [5000, 4000, 3000, 2000, 1000];
    const { model, route, recoveries } = world;
    const actions = polardbActions({ control: model, route, recoveries, now: () => times.shift() ?? 0 });
    expect((await play(world, { actions })).snapshot.status).toBe("SUCCESSFUL");
    const [entry] = await model.haLog();
    expect(entry?.finishedAt).toBe(entry?.startedAt);
  });

  test("has one entry, begun before it ended, asked for by somebody, under a well-formed lower-case UUID", async () => {
    await played({ "pi-2": "hangs" });
    const [entry, ...more] = await world.model.haLog();
    expect(more).toEqual([]);
    expect(entry?.switchId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(entry).toMatchObject({ clusterId: CLUSTER, causeCode: "Platform.Ha.AuroraService.ManualOperations" });
    expect((entry?.finishedAt ?? 0) - (entry?.startedAt ?? 0)).toBeGreaterThanOrEqual(60_000);
  });
});
