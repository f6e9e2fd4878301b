/**
 * ClientToken (R43): one switch and one RequestId for a token, whenever, wherever and by whomever it is sent again. Cases 10 to 14 and 22
 * of the reference, and the races in the head of `polardb/failover.ts`.
 */
import { BelayError } from "@belay/engine";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ClusterViews } from "../../../packages/server/src/polardb/cluster-views.ts";
import { Failovers } from "../../../packages/server/src/polardb/failover.ts";
import { MYSQL, POSTGRES, PREFERRED, type Rig, type RigOptions, SECOND, startRig } from "./polar-rig.ts";
import { type Answered, acs3Request, answered, call, type Words } from "./signer.ts";
import { allClients, requestIdOf } from "./vendor-clients.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(async () => {
  expect([rig.model(MYSQL).mostWriters, rig.errors]).toEqual([1, []]);
  await rig.close();
});

const failOver = (words: Words = {}, url = rig.url): Promise<Answered> =>
  call(url, { Action: "FailoverDBCluster", Format: "JSON", DBClusterId: MYSQL, ...words });
/** Another server on the same journal and the same clusters. */
async function restart(options: RigOptions = {}): Promise<void> {
  const { journal, models, parts, held } = rig;
  await rig.close();
  rig = await startRig({ world: { journal, models, parts, held }, ...options });
}

const outcome = ({ status, fields }: Answered): readonly unknown[] => [status, fields["Code"] ?? "OK"];
const promotions = (): number => rig.model(MYSQL).deeds.filter((deed) => deed.startsWith("promote")).length;

describe("case 10: the same token, the same parameters", () => {
  test("give the same RequestId while the switch runs and after it, and one switch", async () => {
    const letGo = rig.hold(MYSQL);
    const first = await failOver({ ClientToken: "t" });
    const during = await failOver({ ClientToken: "t" });
    letGo();
    await rig.settled();
    const after = await failOver({ ClientToken: "t" });
    const ids = [first, during, after].map(({ status, fields }) => [status, fields["RequestId"]]);
    expect(new Set(ids.map((id) => JSON.stringify(id))).size).toBe(1);
    expect([ids[0]?.[0], promotions()]).toEqual([200, 1]);
  });

  test("from another client, in another signature style, by the other action too", async () => {
    const first = await failOver({ ClientToken: "t" });
    await rig.settled();
    const words = { Action: "FailoverDBClusterZonal", DBClusterId: MYSQL, ClientToken: "t" };
    const acs3 = await answered(await fetch(acs3Request(rig.url, words)));
    expect(acs3.fields["RequestId"]).toBe(first.fields["RequestId"]);
    for (const client of allClients(rig)) {
      const answer = await client.call("FailoverDBCluster", { DBClusterId: MYSQL, ClientToken: "t" });
      expect(requestIdOf(answer), client.name).toBe(first.fields["RequestId"]);
    }
    expect(promotions()).toBe(1);
  });

  test("mean the same where a default is left out, an empty value is none, and others ride along", async () => {
    const first = await failOver({ ClientToken: "t" });
    await rig.settled();
    for (const more of [{ RollBackForDisaster: "false" }, { TargetDBNodeId: "" }, { OwnerId: "7", RegionId: "r" }]) {
      expect((await failOver({ ClientToken: "t", ...more })).fields["RequestId"]).toBe(first.fields["RequestId"]);
    }
  });

  test("mean the same after the server's switch interval has changed, which is no part of the request", async () => {
    const first = await failOver({ ClientToken: "t" });
    await rig.settled();
    await restart({ switchIntervalSeconds: 600 });
    expect((await failOver({ ClientToken: "t" })).fields).toEqual(first.fields);
    expect(outcome(await failOver({ ClientToken: "other" }))).toEqual([400, "UnsupportHighFrequenceSwitchOver"]);
  });
});

test("case 11: the same token with other parameters is IdempotentParameterMismatch, during and after", async () => {
  const letGo = rig.hold(MYSQL);
  await failOver({ ClientToken: "t", TargetDBNodeId: SECOND });
  const others = [
    { TargetDBNodeId: PREFERRED },
    {},
    { TargetDBNodeId: SECOND, RollBackForDisaster: "true" },
    { TargetDBNodeId: SECOND, TargetZoneType: "Standby" },
  ];
  const ask = async () => {
    for (const other of others) {
      const refused = await failOver({ ClientToken: "t", ...other });
      expect(outcome(refused), JSON.stringify(other)).toEqual([400, "IdempotentParameterMismatch"]);
    }
  };
  await ask();
  letGo();
  await rig.settled();
  await ask();
  expect(promotions()).toBe(1);
});

test("case 12: a token is case-sensitive, and may have 64 characters", async () => {
  const ids = new Set();
  for (const token of ["abc", "ABC", "x".repeat(64), "a b"]) {
    ids.add((await failOver({ ClientToken: token })).fields["RequestId"]);
    await rig.settled();
  }
  expect([ids.size, promotions()]).toEqual([4, 4]);
});

test("case 13: two tokens at once: one gets the cluster, the other is refused and stays free", async () => {
  const letGo = rig.hold(MYSQL);
  const both = await Promise.all([failOver({ ClientToken: "a" }), failOver({ ClientToken: "b" })]);
  expect(both.map(outcome).toSorted()).toEqual([
    [200, "OK"],
    [403, "OperationDenied.DBClusterStatus"],
  ]);
  letGo();
  await rig.settled();
  const loser = both[0]?.status === 200 ? "b" : "a";
  expect(outcome(await failOver({ ClientToken: loser }))).toEqual([200, "OK"]);
  await rig.settled();
  expect(promotions()).toBe(2);
});

test("case 14: thirty concurrent calls of one token by all clients: all succeed, one switch, one RequestId", async () => {
  const clients = allClients(rig);
  const calls = Array.from({ length: 30 }, async (_, index) => {
    const client = clients[index % clients.length];
    return requestIdOf((await client?.call("FailoverDBCluster", { DBClusterId: MYSQL, ClientToken: "t" })) ?? {});
  });
  const ids = new Set(await Promise.all(calls));
  await rig.settled();
  expect([ids.size, promotions(), rig.host.engine.runs().length]).toEqual([1, 1, 1]);
  expect([...ids][0]).toMatch(/^[0-9A-F-]{36}$/);
});

test("case 14: thirty calls that are there together ask the cluster once and share the outcome, refusal or not", async () => {
  const failovers = new Failovers(rig.host, new ClusterViews(rig.host), 0);
  const precheck = vi.spyOn(rig.host, "precheck");
  const principal = { name: "op", role: "admin" } as const;
  const asker = { principal, surface: "polardb", remote: null, requestId: null } as const;
  const nothing = { targetZoneType: undefined, rollBackForDisaster: undefined };
  const common = { ...nothing, action: "FailoverDBCluster", accessKeyId: "ak", clusterId: MYSQL, clientToken: "t" };
  const ask = (targetNodeId: string) => failovers.failOver({ ...common, targetNodeId }, asker, "unused");
  const thirty = (targetNodeId: string) => Promise.allSettled(Array.from({ length: 30 }, () => ask(targetNodeId)));
  const refused = await thirty("pi-none");
  expect(new Set(refused.map((one) => one.status === "rejected" && one.reason)).size).toBe(1);
  expect(precheck).toHaveBeenCalledTimes(1);
  const done = await thirty(SECOND);
  expect(new Set(done.map((one) => one.status === "fulfilled" && one.value)).size).toBe(1);
  expect(precheck).toHaveBeenCalledTimes(2);
  await rig.settled();
  expect(promotions()).toBe(1);
});

test("a token is of one cluster: with another one it is another token", async () => {
  const first = await failOver({ ClientToken: "t" });
  const other = await failOver({ ClientToken: "t", DBClusterId: POSTGRES, TargetDBNodeId: "pi-demopostgres2" });
  expect([first.status, other.status]).toEqual([200, 200]);
  expect(other.fields["RequestId"]).not.toBe(first.fields["RequestId"]);
  await rig.settled();
});

describe("a refusal does not use the token up", () => {
  test("the same token is carried out once the cause is gone, with other parameters too", async () => {
    rig.model(MYSQL).setAlive(SECOND, false);
    const words = { ClientToken: "t", TargetDBNodeId: SECOND };
    expect(outcome(await failOver(words))).toEqual([400, "UnsupportWitchUnhealthyReplication"]);
    expect(outcome(await failOver({ ClientToken: "t", TargetDBNodeId: "pi-none" }))).toEqual([
      400,
      "InvalidDBNodeId.Malformed",
    ]);
    rig.model(MYSQL).setAlive(SECOND, true);
    expect(outcome(await failOver(words))).toEqual([200, "OK"]);
    await rig.settled();
  });

  test("requests at the same time share what becomes of the first; one that means something else takes its own turn", async () => {
    const [same, again, other] = await Promise.all([
      failOver({ ClientToken: "t", TargetDBNodeId: "pi-none" }),
      failOver({ ClientToken: "t", TargetDBNodeId: "pi-none" }),
      failOver({ ClientToken: "t", TargetDBNodeId: SECOND }),
    ]);
    expect([same, again].map(outcome)).toEqual([
      [400, "InvalidDBNodeId.Malformed"],
      [400, "InvalidDBNodeId.Malformed"],
    ]);
    expect(same?.fields["RequestId"]).not.toBe(again?.fields["RequestId"]);
    expect(outcome(other as Answered)).toEqual([200, "OK"]);
    await rig.settled();
  });
});

describe("case 22: another server on the same journal", () => {
  test("answers the token of a switch that has ended, and of one that it goes on with", async () => {
    const ended = await failOver({ ClientToken: "ended" });
    await rig.settled();
    const letGo = rig.hold(MYSQL);
    const cut = await failOver({ ClientToken: "cut" });
    await restart();
    expect((await failOver({ ClientToken: "ended" })).fields).toEqual(ended.fields);
    expect((await failOver({ ClientToken: "cut" })).fields).toEqual(cut.fields);
    letGo();
    const [run] = await rig.settled();
    expect(run).toMatchObject({ id: cut.fields["RequestId"], status: "SUCCESSFUL" });
    expect(promotions()).toBe(2);
    expect(outcome(await failOver({ ClientToken: "cut", TargetDBNodeId: SECOND }))).toEqual([
      400,
      "IdempotentParameterMismatch",
    ]);
  });

  test("shows a switch that it goes on with as Switching", async () => {
    const letGo = rig.hold(MYSQL, "polardb.begin");
    await failOver({ ClientToken: "t" });
    await restart();
    expect(rig.model(MYSQL).save().cluster.status).toBe("Running");
    const words = { Action: "DescribeDBClusterAttribute", Format: "JSON", DBClusterId: MYSQL };
    expect((await call(rig.url, words)).fields["DBClusterStatus"]).toBe("Switching");
    letGo();
    await rig.settled();
    expect((await call(rig.url, words)).fields["DBClusterStatus"]).toBe("Running");
  });

  test("was faster with the token while this one was checking: its RequestId is answered, not the refusal", async () => {
    // What this server's checks are told the moment the other one has started: the cluster is Switching.
    const original = rig.host.precheck.bind(rig.host);
    let first: Answered | undefined;
    rig.host.precheck = async (request) => {
      rig.host.precheck = original;
      const letGo = rig.hold(MYSQL);
      const other = await rig.front();
      first = await failOver({ ClientToken: "t" }, other);
      const refused = await original(request);
      expect(refused).toMatchObject({ kind: "refused", failures: [{ code: "CLUSTER_NOT_RUNNING" }] });
      letGo();
      return refused;
    };
    const slow = await failOver({ ClientToken: "t" });
    expect([slow.status, slow.fields]).toEqual([200, first?.fields]);
    await rig.settled();
    expect(promotions()).toBe(1);
  });

  test("was faster between the checks and the start: its RequestId too", async () => {
    const original = rig.host.precheck.bind(rig.host);
    let first: Answered | undefined;
    rig.host.precheck = async (request) => {
      rig.host.precheck = original;
      const passed = await original(request);
      expect(passed.kind).toBe("passed");
      first = await failOver({ ClientToken: "t" }, await rig.front());
      return passed;
    };
    const slow = await failOver({ ClientToken: "t" });
    expect([slow.status, slow.fields]).toEqual([200, first?.fields]);
    await rig.settled();
    expect(promotions()).toBe(1);
  });
});

test("a server that goes down says so: ServiceUnavailable, and the token is free", async () => {
  const original = rig.host.start.bind(rig.host);
  rig.host.start = async () => {
    rig.host.start = original;
    throw new BelayError("CLOSED", "the engine is closed");
  };
  expect(outcome(await failOver({ ClientToken: "t" }))).toEqual([503, "ServiceUnavailable"]);
  expect(outcome(await failOver({ ClientToken: "t" }))).toEqual([200, "OK"]);
  await rig.settled();
});
