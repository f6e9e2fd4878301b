/**
 * Alibaba Cloud's own client, driven against an endpoint on the loopback interface: the port's cases, and the plan over it. Later
 * versions of the client, whose answers lie in `body`, are played by hand.
 */
import { createRequire } from "node:module";
import type * as Sdk from "@alicloud/polardb20170801";
import { createEngine, type Json, type RunSnapshot } from "@belay/engine";
import { loadPlan } from "@belay/failover-plans";
import { type AlibabaClient, PolarModel, polardbActions, polarOnAlibaba } from "@belay/failover-plans/polardb";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type AlibabaServer, startAlibabaServer } from "./alibaba-server.ts";
import { CLUSTER, failures, NODES, statuses } from "./model-run.ts";
import { callOf, orderFor, PORT_CASES, type PortHarness } from "./port-cases.ts";

/** It is CommonJS with a default export: loaded as Node does, whatever a test runner makes of that. */
const sdk = createRequire(import.meta.url)("@alicloud/polardb20170801") as typeof Sdk.default;
const POLL_MS = 10;

let model: PolarModel;
let server: AlibabaServer;
let harness: PortHarness;

beforeEach(async () => {
  model = PolarModel.create({ clusterId: CLUSTER, nodes: NODES });
  server = await startAlibabaServer(model);
  const config = {
    accessKeyId: "id",
    accessKeySecret: "secret",
    endpoint: server.endpoint,
    protocol: "http",
    regionId: "r",
  };
  const client = new sdk.default(config as ConstructorParameters<typeof sdk.default>[0]);
  const control = polarOnAlibaba({ client: client as unknown as AlibabaClient, models: sdk, pollIntervalMs: POLL_MS });
  harness = {
    control,
    clusterId: CLUSTER,
    lead: async () => 1,
    publish: async () => undefined,
    ownStatus: true,
    ownLog: true,
  };
});
afterEach(async () => {
  await server.close();
  expect(model.mostWriters).toBe(1);
});

async function play(params: Record<string, Json> = {}): Promise<RunSnapshot> {
  const engine = await createEngine({ actions: polardbActions({ control: harness.control }) });
  const run = await engine.start(loadPlan("polardb-failover"), { params: { cluster: CLUSTER, ...params } });
  const snapshot = await run.settled();
  await engine.close();
  return snapshot;
}

describe("the endpoint, through @alicloud/polardb20170801 1.0.0", () => {
  test.each(PORT_CASES)("%s", async (_, run) => {
    await run(harness);
  });

  test("R43: the same attempt asks with the same token, at most 64 ASCII characters; another attempt with another", async () => {
    const order = await orderFor(harness);
    const call = callOf();
    await harness.control.switchTo({ ...order, epoch: 1 }, call);
    await harness.control.switchTo({ ...order, epoch: 1 }, call);
    await harness.control.switchTo({ ...order, from: order.to, to: order.from, epoch: 1 }, callOf());
    const tokens = server.failovers.map(({ ClientToken }) => ClientToken);
    expect(tokens[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(tokens[1]).toBe(tokens[0]);
    expect(tokens[2]).not.toBe(tokens[0]);
    expect(model.deeds.filter((deed) => deed.startsWith("promote"))).toEqual([
      `promote ${order.to}`,
      `promote ${order.from}`,
    ]);
  });

  test("the plan makes the reader of the highest priority the writer", async () => {
    const snapshot = await play();
    expect(snapshot.status, JSON.stringify(failures(snapshot))).toBe("SUCCESSFUL");
    expect(server.failovers).toMatchObject([{ DBClusterId: CLUSTER, TargetDBNodeId: "pi-2" }]);
    expect(model.writers()).toEqual(["pi-2"]);
  });

  test("R21: a node that the endpoint refuses is followed by the next one, with another token", async () => {
    model.fault("pi-2", "unhealthy");
    const snapshot = await play();
    expect(snapshot.status, JSON.stringify(failures(snapshot))).toBe("SUCCESSFUL");
    expect(failures(snapshot)).toEqual({ "switch[0]": "UNHEALTHY_REPLICATION" });
    expect(server.failovers.map(({ TargetDBNodeId }) => TargetDBNodeId)).toEqual(["pi-2", "pi-3"]);
    expect(model.writers()).toEqual(["pi-3"]);
  });

  test("R21: a switch that the endpoint takes back itself is followed by the next candidate", async () => {
    model.fault("pi-2", "refuses-promotion");
    const snapshot = await play();
    expect(snapshot.status, JSON.stringify(failures(snapshot))).toBe("SUCCESSFUL");
    expect(failures(snapshot)).toEqual({ "switch[0]": "SWITCH_FAILED" });
    expect(statuses(snapshot)).toMatchObject({ "switch[0]": "COMPENSATED", "switch[1]": "SUCCESSFUL" });
    expect(model.writers()).toEqual(["pi-3"]);
  });

  test("R27: an answer that is lost is no failure: the cluster is looked at, and nothing else is asked for", async () => {
    server.loseAnswers(1);
    const snapshot = await play();
    expect(snapshot.status, JSON.stringify(failures(snapshot))).toBe("SUCCESSFUL");
    expect(new Set(server.failovers.map(({ TargetDBNodeId }) => TargetDBNodeId))).toEqual(new Set(["pi-2"]));
    expect(model.writers()).toEqual(["pi-2"]);
  });

  test("what this version cannot send is refused, never left out", async () => {
    const snapshot = await play({ rollBackForDisaster: true });
    expect(snapshot.status).toBe("ROLLED_BACK");
    expect(new Set(Object.values(failures(snapshot)))).toEqual(new Set(["OPTION_UNSUPPORTED"]));
    expect(server.failovers).toEqual([]);
  });
});

describe("a later version of the client", () => {
  const item = {
    switchId: "0b1c2d3e-0000-4000-8000-000000000000",
    switchCauseCode: "Platform.Ha.AuroraService.ManualOperations",
    switchCauseDetail: "Platform.Ha.ManuallyTriggered",
    switchStartTime: "2025-05-20T03:09:45Z",
    switchFinishTime: "2025-05-20T03:09:56Z",
  };

  /** Keeps the fields that a request was made of. */
  class Request {
    readonly fields: Readonly<Record<string, unknown>>;
    constructor(fields: Readonly<Record<string, unknown>>) {
      this.fields = fields;
    }
  }

  test("answers in body, and its log of switches is read", async () => {
    const asked: unknown[] = [];
    const body = { haLogItems: [item] };
    const client: AlibabaClient = {
      failoverDBCluster: async () => ({ body: {} }),
      describeDBClusterAttribute: async () => ({
        body: { DBClusterId: CLUSTER, DBClusterStatus: "Running", DBNodes: [] },
      }),
      describeHALogs: async (request: never) => {
        asked.push((request as Request).fields);
        return { body };
      },
    };
    const models = {
      FailoverDBClusterRequest: Request,
      DescribeDBClusterAttributeRequest: Request,
      DescribeHALogsRequest: Request,
    };
    const control = polarOnAlibaba({ client, models });
    expect((await control.describe(CLUSTER, callOf())).status).toBe("Running");
    const startedAt = Date.parse("2025-05-20T03:09:45.600Z");
    const own = {
      switchId: "own",
      clusterId: CLUSTER,
      causeCode: "",
      causeDetail: "",
      startedAt,
      finishedAt: startedAt,
    };
    const kept = await control.noteSwitch(own, callOf());
    expect(kept).toMatchObject({ switchId: item.switchId, startedAt: Date.parse(item.switchStartTime) });
    expect(kept.finishedAt - kept.startedAt).toBe(11_000);
    expect(asked).toEqual([
      {
        DBClusterId: CLUSTER,
        logType: "HaSwitchLogList",
        startTime: "2025-05-20T03:09:45Z",
        endTime: "2025-05-21T03:09:45Z",
      },
    ]);
  });
});
