/** The OceanBase model: its state machine, what every statement is refused for, locks and metadata. */
import {
  type ClusterSpec,
  createOceanBaseModel,
  OceanBaseError,
  type OceanBaseModelOptions,
  type RefusalCode,
  remedyFor,
  SWITCHOVER_TRANSITIONS,
} from "@belay/failover-plans/oceanbase";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const NORTH = { clusterId: 1, name: "north", role: "PRIMARY" } as const;
const SOUTH = { clusterId: 2, name: "south", role: "PHYSICAL STANDBY" } as const;
const WEST = { clusterId: 3, name: "west", role: "PHYSICAL STANDBY" } as const;

/** North has failed; south follows it, and west when asked. */
function outage(options: OceanBaseModelOptions = {}, south: Partial<ClusterSpec> = {}, ...others: ClusterSpec[]) {
  const model = createOceanBaseModel([NORTH, { ...SOUTH, ...south }, ...others], options);
  model.stopCluster(1);
  return model;
}

/** The code of the refusal, or "accepted". Anything that is no refusal is thrown on. */
async function refusal(call: Promise<unknown>): Promise<RefusalCode | "accepted"> {
  try {
    await call;
    return "accepted";
  } catch (error) {
    if (error instanceof OceanBaseError) return error.code;
    throw error;
  }
}

/** The status itself and everything the table leads to from it. */
function reachable(from: string): Set<string> {
  const found = new Set([from]);
  for (const status of found) {
    for (const [source, target] of SWITCHOVER_TRANSITIONS) if (source === status) found.add(target);
  }
  return found;
}

describe("failover", () => {
  test("a standby of a dead primary may become primary, and is one after the statement", async () => {
    const model = outage();
    expect(await model.readCluster(2)).toMatchObject({ role: "PHYSICAL STANDBY", switchoverStatus: "TO PRIMARY" });
    await model.failover(2, "lossy", false);
    expect(await model.readCluster(2)).toMatchObject({
      role: "PRIMARY",
      status: "VALID",
      switchoverStatus: "NOT ALLOWED",
      switchoverInfo: "NONE SYNCED STANDBY CLUSTER",
      protectionMode: "MAXIMUM PERFORMANCE",
    });
    expect(model.statements).toEqual(["ALTER SYSTEM ACTIVATE PHYSICAL STANDBY CLUSTER"]);
  });

  test("an interrupted flashback stays, without writes, until the statement is issued again", async () => {
    const model = outage({ flashbackRounds: 2 });
    expect(await refusal(model.failover(2, "lossy", false))).toBe("FLASHBACK_UNFINISHED");
    expect(await model.readCluster(2)).toMatchObject({
      role: "PHYSICAL STANDBY",
      switchoverStatus: "FAILOVER FLASHBACK",
    });
    expect(await refusal(model.failover(2, "lossy", false))).toBe("FLASHBACK_UNFINISHED");
    await model.failover(2, "lossy", false);
    expect((await model.readCluster(2)).role).toBe("PRIMARY");
    expect(model.statements).toHaveLength(3);
  });

  test("a flashback goes on although a server of the old primary comes back", async () => {
    const model = outage({ flashbackRounds: 1 });
    await refusal(model.failover(2, "lossy", false));
    model.setServer("north-z1:2881", true);
    await model.failover(2, "lossy", false);
    expect((await model.readCluster(2)).role).toBe("PRIMARY");
  });

  test("the cleanup afterwards takes its looks", async () => {
    const model = outage({ cleanupLooks: 2 });
    await model.failover(2, "lossy", false);
    const seen: string[] = [];
    for (let look = 0; look < 3; look++) seen.push((await model.readCluster(2)).switchoverStatus);
    expect(seen).toEqual(["FAILOVER CLEANUP", "FAILOVER CLEANUP", "NOT ALLOWED"]);
  });

  test.for([
    ["lossy", true],
    ["lossless", false],
  ] as const)("after a %s failover the others are DISABLED; need of a rebuild: %s", async ([mode, rebuild]) => {
    const model = outage({}, { protectionMode: "MAXIMUM PROTECTION" }, WEST);
    await model.failover(2, mode, false);
    expect(await model.readStandbys(2)).toEqual([
      { clusterId: 1, name: "north", role: "PRIMARY", status: "DISABLED" },
      { clusterId: 3, name: "west", role: "PHYSICAL STANDBY", status: "DISABLED" },
    ]);
    expect([model.needsRebuild(1), model.needsRebuild(3), model.needsRebuild(2)]).toEqual([rebuild, rebuild, false]);
  });
});

describe("refusals have no effect", () => {
  test.for([
    ["an alive server in the primary", "NOT_ALLOWED", "CHECK PRIMARY CLUSTER SERVER STATUS", "north-z2:2881", true],
    ["too few of its own replicas", "NOT_ALLOWED", "CHECK ENOUG REPLICA", "south-z1:2881", false],
  ] as const)("%s", async ([, code, info, server, alive]) => {
    const model = outage();
    model.setServer(server, alive);
    if (!alive) model.setServer("south-z2:2881", false);
    expect(await refusal(model.failover(2, "lossy", false))).toBe(code);
    expect(await model.readCluster(2)).toMatchObject({ switchoverStatus: "NOT ALLOWED", switchoverInfo: info });
    expect(model.statements).toEqual([]);
  });

  test("something in the way, until it is taken away", async () => {
    const model = outage();
    model.block(2, "CAN NOT ACCESS CLUSTERS: north");
    expect(await refusal(model.failover(2, "lossy", true))).toBe("NOT_ALLOWED");
    expect(remedyFor((await model.readCluster(2)).switchoverInfo)).toContain("does not answer");
    model.block(2, undefined);
    expect(await refusal(model.failover(2, "lossy", true))).toBe("accepted");
  });

  test("lossless without a level that promises it, unless forced", async () => {
    const model = outage({}, { protectionMode: "MAXIMUM AVAILABILITY" });
    model.setProtectionLevel(2, "RESYNCHRONIZATION");
    expect(await refusal(model.failover(2, "lossless", false))).toBe("NOT_LOSSLESS");
    expect(await refusal(model.failover(2, "lossless", true))).toBe("accepted");
    expect(model.statements).toEqual(["ALTER SYSTEM FAILOVER TO 'south' CLUSTER_ID = 2 FORCE"]);
  });

  test("another standby that is DISABLED, unless forced", async () => {
    const east = { clusterId: 4, name: "east", role: "PHYSICAL STANDBY" } as const;
    const model = outage({}, {}, WEST, east);
    await model.failover(2, "lossy", false);
    expect(await refusal(model.failover(3, "lossy", false))).toBe("OTHER_STANDBY_DISABLED");
    expect(await refusal(model.failover(3, "lossy", true))).toBe("accepted");
  });

  test("a cluster that is primary, is dead, or does not exist", async () => {
    const model = outage();
    await model.failover(2, "lossy", false);
    expect(await refusal(model.failover(2, "lossy", false))).toBe("NOT_STANDBY");
    expect(await refusal(model.failover(1, "lossy", false))).toBe("CLUSTER_UNREACHABLE");
    expect(await refusal(model.readCluster(9))).toBe("CLUSTER_UNKNOWN");
  });

  test("removing a cluster elsewhere than on the primary, or one it does not know", async () => {
    const model = outage({}, {}, WEST);
    expect(await refusal(model.removeCluster(2, 1))).toBe("NOT_PRIMARY");
    await model.failover(2, "lossy", false);
    await model.removeCluster(2, 1);
    expect(await refusal(model.removeCluster(2, 1))).toBe("CLUSTER_UNKNOWN");
    expect((await model.readStandbys(2)).map(({ name }) => name)).toEqual(["west"]);
    expect(model.statements.at(-1)).toBe("ALTER SYSTEM REMOVE CLUSTER north CLUSTER_ID = 1");
  });
});

describe("states", () => {
  test("a live primary reads TO STANDBY and names its synchronised standbys", async () => {
    const model = createOceanBaseModel([NORTH, SOUTH, WEST]);
    expect(await model.readCluster(1)).toMatchObject({
      switchoverStatus: "TO STANDBY",
      switchoverInfo: "SYNCED STANDBY CLUSTERS: south,west",
    });
  });

  test("whatever happens, SWITCHOVER_STATUS goes the table's ways and a promoted cluster stays primary", async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("server" as const), zone: fc.integer({ min: 1, max: 3 }), alive: fc.boolean() }),
      fc.record({ kind: fc.constant("block" as const), on: fc.boolean() }),
      fc.record({ kind: fc.constant("failover" as const), force: fc.boolean() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), fc.nat(2), fc.nat(2), async (steps, rounds, looks) => {
        const model = outage({ flashbackRounds: rounds, cleanupLooks: looks });
        let last = await model.readCluster(2);
        for (const action of steps) {
          if (action.kind === "server") model.setServer(`north-z${action.zone}:2881`, action.alive);
          if (action.kind === "block") model.block(2, action.on ? "CHECK MERGE STATUS" : undefined);
          // A transition that the table does not list is no refusal, and fails here.
          if (action.kind === "failover") await refusal(model.failover(2, "lossy", action.force));
          const next = await model.readCluster(2);
          expect(reachable(last.switchoverStatus)).toContain(next.switchoverStatus);
          if (last.role === "PRIMARY") expect(next.role).toBe("PRIMARY");
          if (next.role === "PRIMARY") expect(["FAILOVER CLEANUP", "NOT ALLOWED"]).toContain(next.switchoverStatus);
          last = next;
        }
      }),
    );
  });

  test("a model has exactly one primary", () => {
    expect(() => createOceanBaseModel([SOUTH])).toThrow(RangeError);
    expect(() => createOceanBaseModel([NORTH, { ...SOUTH, role: "PRIMARY" }])).toThrow(RangeError);
  });
});

describe("locks and metadata", () => {
  test("R40: locks are taken all or none, by one owner, and tokens only grow", async () => {
    const model = createOceanBaseModel([NORTH, SOUTH, WEST]);
    const first = await model.lock([1, 2], "run-a");
    expect(await model.lock([1, 2], "run-a")).toBe(first);
    expect(await refusal(model.lock([3, 2], "run-b"))).toBe("LOCKED");
    expect(model.lockOwner(3)).toBeUndefined();
    expect(await model.unlock("run-a")).toEqual([1, 2]);
    expect(await model.unlock("run-a")).toEqual([]);
    expect(await model.lock([2], "run-b")).toBeGreaterThan(first);
  });

  test("R31: a row is put back as it was before its owner's first write, however often it was written", async () => {
    const model = createOceanBaseModel([NORTH, SOUTH]);
    const before = await model.readRow("cluster", 2);
    await model.lock([2], "run");
    await model.writeRow("cluster", { clusterId: 2, role: "PRIMARY", primaryClusterId: null }, "run");
    await model.writeRow("cluster", { clusterId: 2, role: "PRIMARY", primaryClusterId: 7 }, "run");
    await model.restoreRows("cluster", "run");
    expect(await model.readRow("cluster", 2)).toEqual(before);
    expect((await model.readRow("multi-cluster", 2))?.primaryClusterId).toBe(1);
  });

  test("R40: nothing is written without the lock", async () => {
    const model = createOceanBaseModel([NORTH, SOUTH]);
    const row = { clusterId: 2, role: "PRIMARY", primaryClusterId: null } as const;
    expect(await refusal(model.writeRow("cluster", row, "run"))).toBe("LOCK_LOST");
    await model.lock([2], "other");
    expect(await refusal(model.writeRow("cluster", row, "run"))).toBe("LOCK_LOST");
  });
});

describe("injected failures", () => {
  test("before: the call is refused without effect; after: it took effect and the answer is lost", async () => {
    let moment: "before" | "after" | undefined = "before";
    const hook = (when: "before" | "after") => (call: { method: string }) => {
      if (call.method === "failover" && moment === when) throw new Error(`${when} the statement`);
    };
    const model = outage({ before: hook("before"), after: hook("after") });
    await expect(model.failover(2, "lossy", false)).rejects.toThrow("before the statement");
    expect((await model.readCluster(2)).role).toBe("PHYSICAL STANDBY");
    moment = "after";
    await expect(model.failover(2, "lossy", false)).rejects.toThrow("after the statement");
    expect((await model.readCluster(2)).role).toBe("PRIMARY");
  });
});
