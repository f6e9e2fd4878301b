/**
 * The acceptance cases of FailoverDBCluster that need no more than one server at rest, by their numbers in the reference. Others: 10 to 14
 * and 22 in `token.test.ts`, 17 and 19 in `envelope.test.ts`, 18 and 23 in `authentication.test.ts`, 22 with a real kill in `kill.e2e.test.ts`.
 */
import { ManualClock } from "@belay/engine/testing";
import type { ModelFault } from "@belay/failover-plans/polardb";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MYSQL, POSTGRES, PREFERRED, type Rig, type RigOptions, SECOND, startRig, WRITER } from "./polar-rig.ts";
import { type Answered, acs3Request, answered, call, type Words } from "./signer.ts";

const UUID = /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/;

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(async () => {
  expect([rig.model(MYSQL).mostWriters, rig.model(POSTGRES).mostWriters, rig.errors]).toEqual([1, 1, []]);
  await rig.close();
});

async function another(options: RigOptions): Promise<void> {
  await rig.close();
  rig = await startRig(options);
}

const failOver = (words: Words, action = "FailoverDBCluster"): Promise<Answered> =>
  call(rig.url, { Action: action, Format: "JSON", ...words }, { method: "POST" });
const outcome = ({ status, fields }: Answered): readonly unknown[] => [status, fields["Code"] ?? "OK"];
const messageOf = ({ fields }: Answered): unknown => fields["Message"];

async function describeCluster(clusterId: string): Promise<Words & { readonly DBNodes: readonly Words[] }> {
  const words = { Action: "DescribeDBClusterAttribute", Format: "JSON", DBClusterId: clusterId };
  return (await call(rig.url, words)).fields as Words & { readonly DBNodes: readonly Words[] };
}

async function writersOf(clusterId: string): Promise<readonly (string | undefined)[]> {
  const { DBNodes } = await describeCluster(clusterId);
  return DBNodes.filter(({ DBNodeRole }) => DBNodeRole === "Writer").map(({ DBNodeId }) => DBNodeId);
}

describe("what is refused before anything is touched", () => {
  afterEach(() => {
    expect(rig.host.engine.runs()).toEqual([]);
    expect(rig.model(MYSQL).deeds).toEqual([]);
  });

  test("case 1: no DBClusterId is MissingParameter, and says which; an empty one alike", async () => {
    for (const words of [{}, { DBClusterId: "" }]) {
      const refused = await failOver(words);
      expect(outcome(refused)).toEqual([400, "MissingParameter"]);
      expect(messageOf(refused)).toContain('"DBClusterId"');
    }
  });

  test("case 2: an unknown cluster is InvalidDBCluster.NotFound, one that is no id InvalidDBClusterId.Malformed", async () => {
    const refused = await failOver({ DBClusterId: "pc-none" });
    expect(outcome(refused)).toEqual([404, "InvalidDBCluster.NotFound"]);
    expect(refused.fields["RequestId"]).toMatch(UUID);
    for (const id of ["pc none", "../x", "x".repeat(129)]) {
      expect(outcome(await failOver({ DBClusterId: id })), id).toEqual([404, "InvalidDBClusterId.Malformed"]);
    }
  });

  test("case 7: PostgreSQL without a target is MissingParameter, and says which", async () => {
    const refused = await failOver({ DBClusterId: POSTGRES });
    expect(outcome(refused)).toEqual([400, "MissingParameter"]);
    expect(messageOf(refused)).toContain('"TargetDBNodeId"');
  });

  test("case 8: the writer as a target is OperationDenied.DBNodeType", async () => {
    const refused = await failOver({ DBClusterId: MYSQL, TargetDBNodeId: WRITER });
    expect(outcome(refused)).toEqual([403, "OperationDenied.DBNodeType"]);
  });

  test("case 9: an unknown node, one that is no id, and one of another cluster are InvalidDBNodeId.Malformed", async () => {
    for (const id of ["pi-none", "pi none", "x".repeat(200), "pi-demopostgres2"]) {
      const refused = await failOver({ DBClusterId: MYSQL, TargetDBNodeId: id });
      expect(outcome(refused), id).toEqual([400, "InvalidDBNodeId.Malformed"]);
    }
  });

  test("case 12: a token of 65 characters, or one that is not ASCII, is refused", async () => {
    for (const token of ["x".repeat(65), "tokén", "to\tken", " token", "😀"]) {
      const refused = await failOver({ DBClusterId: MYSQL, ClientToken: token });
      expect(outcome(refused), token).toEqual([400, "InvalidParameter"]);
      expect(messageOf(refused)).toContain('"ClientToken"');
    }
  });

  test("case 16: broken replication of the target is UnsupportWitchUnhealthyReplication", async () => {
    rig.model(MYSQL).setAlive(SECOND, false);
    const refused = await failOver({ DBClusterId: MYSQL, TargetDBNodeId: SECOND });
    expect(outcome(refused)).toEqual([400, "UnsupportWitchUnhealthyReplication"]);
    expect(rig.host.audit.youngest(1)).toMatchObject([{ action: "start", outcome: "UNHEALTHY_REPLICATION" }]);
  });

  test("case 20: a TargetZoneType other than Primary or Standby is InvalidParameter", async () => {
    for (const zone of ["primary", "Other"]) {
      const refused = await failOver({ DBClusterId: MYSQL, TargetZoneType: zone });
      expect(outcome(refused), zone).toEqual([400, "InvalidParameter"]);
      expect(messageOf(refused)).toContain('"TargetZoneType"');
    }
    const boolean = await failOver({ DBClusterId: MYSQL, RollBackForDisaster: "perhaps" });
    expect([...outcome(boolean), messageOf(boolean)]).toEqual([
      400,
      "InvalidParameter",
      'The specified parameter "RollBackForDisaster" is not valid.',
    ]);
  });

  test("no reader where it was asked for is HaStatusNotSupport", async () => {
    rig.model(MYSQL).setAlive(PREFERRED, false);
    const refused = await failOver({ DBClusterId: MYSQL, TargetDBNodeId: SECOND, TargetZoneType: "Primary" });
    expect(outcome(refused)).toEqual([400, "HaStatusNotSupport"]);
  });
});

describe("what is carried out", () => {
  test("case 3: a named reader becomes the writer, and there is exactly one", async () => {
    const answer = await failOver({ DBClusterId: MYSQL, TargetDBNodeId: SECOND });
    expect([answer.status, Object.keys(answer.fields)]).toEqual([200, ["RequestId"]]);
    expect(answer.fields["RequestId"]).toMatch(UUID);
    const [run] = await rig.settled();
    expect(run).toMatchObject({ id: answer.fields["RequestId"], status: "SUCCESSFUL" });
    expect(await writersOf(MYSQL)).toEqual([SECOND]);
    expect(rig.model(MYSQL).writers()).toEqual([SECOND]);
  });

  test("case 3, PostgreSQL: with its target it goes through; the other cluster is not touched", async () => {
    expect(outcome(await failOver({ DBClusterId: POSTGRES, TargetDBNodeId: "pi-demopostgres2" }))).toEqual([200, "OK"]);
    await rig.settled();
    expect(await writersOf(POSTGRES)).toEqual(["pi-demopostgres2"]);
    expect(rig.model(MYSQL).deeds).toEqual([]);
  });

  test("case 4: the cluster shows Switching from the moment it is acknowledged, and Running afterwards", async () => {
    const letGo = rig.hold(MYSQL, "polardb.begin");
    await failOver({ DBClusterId: MYSQL });
    expect(rig.model(MYSQL).save().cluster.status).toBe("Running");
    expect((await describeCluster(MYSQL))["DBClusterStatus"]).toBe("Switching");
    letGo();
    await rig.settled();
    expect((await describeCluster(MYSQL))["DBClusterStatus"]).toBe("Running");
  });

  test("case 5: without a target the reader of the highest FailoverPriority", async () => {
    await failOver({ DBClusterId: MYSQL });
    await rig.settled();
    expect(await writersOf(MYSQL)).toEqual([PREFERRED]);
  });

  test.each<ModelFault>(["unhealthy", "refuses-promotion"])(
    "case 6: when the first candidate is %s, the next one is tried",
    async (fault) => {
      rig.model(MYSQL).fault(PREFERRED, fault);
      expect(outcome(await failOver({ DBClusterId: MYSQL }))).toEqual([200, "OK"]);
      await rig.settled();
      expect(await writersOf(MYSQL)).toEqual([SECOND]);
      expect((await describeCluster(MYSQL))["DBClusterStatus"]).toBe("Running");
    },
  );

  test("case 13: another failover while it is Switching is OperationDenied.DBClusterStatus", async () => {
    const letGo = rig.hold(MYSQL);
    await failOver({ DBClusterId: MYSQL });
    expect(outcome(await failOver({ DBClusterId: MYSQL }))).toEqual([403, "OperationDenied.DBClusterStatus"]);
    letGo();
    expect((await rig.settled()).map(({ status }) => status)).toEqual(["SUCCESSFUL"]);
  });

  test("case 15: a second switch within ten minutes is UnsupportHighFrequenceSwitchOver; after them it is carried out", async () => {
    const clock = new ManualClock();
    await another({ clock, switchIntervalSeconds: 600 });
    const ask = async () => {
      const words = { Action: "FailoverDBCluster", Format: "JSON", DBClusterId: MYSQL };
      return outcome(await call(rig.url, words, { at: clock.now() }));
    };
    expect(await ask()).toEqual([200, "OK"]);
    await rig.settled();
    await clock.elapse(599_000);
    expect(await ask()).toEqual([400, "UnsupportHighFrequenceSwitchOver"]);
    await clock.elapse(1000);
    expect(await ask()).toEqual([200, "OK"]);
    await rig.settled();
  });

  test("case 20: Primary stays in the writer's zone, Standby leaves it", async () => {
    expect(outcome(await failOver({ DBClusterId: MYSQL, TargetZoneType: "Standby" }))).toEqual([200, "OK"]);
    await rig.settled();
    expect(await writersOf(MYSQL)).toEqual([SECOND]);
    const refused = await failOver({ DBClusterId: MYSQL, TargetZoneType: "Primary" });
    expect(outcome(refused)).toEqual([400, "HaStatusNotSupport"]);
  });

  test.each(["true", "false", "True"])(
    "case 21: RollBackForDisaster %s is accepted, and reaches the plan",
    async (value) => {
      expect(outcome(await failOver({ DBClusterId: MYSQL, RollBackForDisaster: value }))).toEqual([200, "OK"]);
      const [run] = await rig.settled();
      const stored = await rig.host.journal.read(run?.id ?? "");
      expect(stored?.header.params).toMatchObject({ rollBackForDisaster: value.toLowerCase() === "true" });
    },
  );

  test("case 24: the log of switches has an entry that ends after it begins, with a cause of ManualOperations", async () => {
    await failOver({ DBClusterId: MYSQL });
    await rig.settled();
    const words = { Action: "DescribeHALogs", Format: "JSON", DBClusterId: MYSQL, LogType: "HaSwitchLogList" };
    const { fields } = await call(rig.url, words);
    expect(fields).toMatchObject({
      DBInstanceName: MYSQL,
      DBInstanceType: "polardb_mysql_rw",
      HaStatus: 0,
      TotalRecords: 1,
    });
    const [entry] = fields["HaLogItems"] as readonly Words[];
    expect(entry).toMatchObject({
      SwitchId: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      SwitchCauseCode: "Platform.Ha.AuroraService.ManualOperations",
      SwitchCauseDetail: "Platform.Ha.ManuallyTriggered",
    });
    const [start, finish] = [entry?.["SwitchStartTime"] ?? "", entry?.["SwitchFinishTime"] ?? ""];
    expect(start).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(Date.parse(start)).toBeLessThanOrEqual(Date.parse(finish));
  });

  test("case 26: FailoverDBClusterZonal does the same, by POST alone, with a root of its own", async () => {
    const words = { Action: "FailoverDBClusterZonal", DBClusterId: MYSQL, TargetDBNodeId: SECOND };
    expect((await call(rig.url, words)).fields["Code"]).toBe("UnsupportedHTTPMethod");
    const done = await call(rig.url, words, { method: "POST" });
    expect([done.status, done.root]).toEqual([200, "FailoverDBClusterZonalResponse"]);
    await rig.settled();
    expect(await writersOf(MYSQL)).toEqual([SECOND]);
    expect(outcome(await failOver({ DBClusterId: "pc-none" }, "FailoverDBClusterZonal"))).toEqual([
      404,
      "InvalidDBCluster.NotFound",
    ]);
    const acs3 = acs3Request(rig.url, { Action: "FailoverDBClusterZonal", DBClusterId: MYSQL });
    expect((await answered(await fetch(acs3))).status).toBe(200);
    await rig.settled();
  });
});

test("case 25: a cluster that does not answer, and a switch that takes long, keep no client waiting for three seconds", async () => {
  const clock = new ManualClock();
  await another({ clock });
  const letGo = rig.hold(MYSQL);
  const describe = rig.model(MYSQL).describe.bind(rig.model(MYSQL));
  let asked = 0;
  let never: (() => void) | undefined;
  const silent = new Promise<void>((resolve) => {
    never = resolve;
  });
  rig.model(MYSQL).describe = async (clusterId) => {
    asked += 1;
    await silent;
    return await describe(clusterId);
  };
  const words = { Action: "FailoverDBCluster", Format: "JSON", DBClusterId: MYSQL, ClientToken: "slow" };
  const waiting = call(rig.url, words, { at: clock.now() });
  while (asked === 0) await clock.elapse(0);
  const before = clock.now();
  await clock.elapse(2000);
  const answer = await waiting;
  expect([answer.status, clock.now() - before]).toEqual([200, 2000]);
  // It answers again, and what nobody could tell the run finds out by itself.
  never?.();
  letGo();
  const [run] = await rig.settled();
  expect(run).toMatchObject({ id: answer.fields["RequestId"], status: "SUCCESSFUL" });
});
