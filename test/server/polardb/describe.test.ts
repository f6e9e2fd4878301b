/** What is shown of clusters, nodes and switches: fields, pages, filters, XML, and what is shown of a cluster that does not answer. */
import { ManualClock } from "@belay/engine/testing";
import type { PolarControl } from "@belay/failover-plans/polardb";
import { XMLParser } from "fast-xml-parser";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MYSQL, POSTGRES, PREFERRED, type Rig, SECOND, startRig, WRITER } from "./polar-rig.ts";
import { type Answered, call, type Words } from "./signer.ts";

let clock: ManualClock;
let rig: Rig;
/** Takes the place of the control's methods. */
let instead: Partial<PolarControl>;
beforeEach(async () => {
  clock = new ManualClock();
  instead = {};
  rig = await startRig({
    clock,
    control: (control) => new Proxy(control, { get: (real, name: keyof PolarControl) => instead[name] ?? real[name] }),
  });
});
afterEach(async () => {
  expect(rig.errors).toEqual([]);
  await rig.close();
});

const ask = (Action: string, words: Words = {}): Promise<Answered> =>
  call(rig.url, { Action, Format: "JSON", ...words }, { at: clock.now() });
const code = ({ status, fields }: Answered): readonly unknown[] => [status, fields["Code"] ?? "OK"];

async function failOver(): Promise<void> {
  expect(code(await ask("FailoverDBCluster", { DBClusterId: MYSQL }))).toEqual([200, "OK"]);
  await rig.settled();
}

describe("DescribeDBClusterAttribute", () => {
  test("has the nodes flat, with their FailoverPriority as a number", async () => {
    const { fields } = await ask("DescribeDBClusterAttribute", { DBClusterId: MYSQL });
    expect(fields).toEqual({
      RequestId: expect.any(String),
      DBClusterId: MYSQL,
      DBClusterDescription: `the model ${MYSQL}`,
      DBClusterStatus: "Running",
      DBType: "MySQL",
      DBVersion: "8.0",
      Engine: "POLARDB",
      RegionId: "cn-hangzhou",
      ZoneIds: "zone-a,zone-b",
      LockMode: "Unlock",
      Category: "Normal",
      HotStandbyCluster: "OFF",
      StandbyHAMode: "OFF",
      ImperceptibleSwitch: "OFF",
      CreationTime: "2025-01-01T00:00:00Z",
      DBNodes: [
        nodeOf(WRITER, { DBNodeRole: "Writer", FailoverPriority: 15 }),
        nodeOf(SECOND, { FailoverPriority: 5, ZoneId: "zone-b" }),
        nodeOf(PREFERRED, { FailoverPriority: 9 }),
      ],
    });
  });

  function nodeOf(id: string, more: object): object {
    return {
      DBNodeId: id,
      DBNodeRole: "Reader",
      DBNodeStatus: "Running",
      DBNodeClass: "polar.x4.large",
      HotReplicaMode: "OFF",
      ImciSwitch: "OFF",
      ZoneId: "zone-a",
      CreationTime: "2025-01-01T00:00:00Z",
      ...more,
    };
  }

  test("of an unknown cluster: InvalidDBClusterId.NotFound, which tools take for gone", async () => {
    expect(code(await ask("DescribeDBClusterAttribute", { DBClusterId: "pc-none" }))).toEqual([
      404,
      "InvalidDBClusterId.NotFound",
    ]);
    expect(code(await ask("DescribeDBClusterAttribute"))).toEqual([400, "MissingParameter"]);
  });

  test("in XML: one element with an element per node, which a standard parser reads", async () => {
    const found = await ask("DescribeDBClusterAttribute", { DBClusterId: MYSQL, Format: "XML" });
    const isArray = (name: string): boolean => name === "DBNode";
    const { DescribeDBClusterAttributeResponse: root } = new XMLParser({ isArray }).parse(found.text);
    expect(root.DBNodes.DBNode.map((node: Words) => node["DBNodeId"])).toEqual([WRITER, SECOND, PREFERRED]);
  });
});

describe("DescribeDBClusters", () => {
  const idsOf = ({ fields }: Answered): readonly unknown[] =>
    (fields["Items"] as { DBCluster: readonly Words[] }).DBCluster.map((cluster) => cluster["DBClusterId"]);

  test("wraps clusters and nodes, and has no FailoverPriority", async () => {
    const { fields } = await ask("DescribeDBClusters", { DBClusterIds: MYSQL });
    expect(fields).toMatchObject({ PageNumber: 1, PageRecordCount: 1, TotalRecordCount: 1 });
    const { DBCluster: clusters } = fields["Items"] as { DBCluster: readonly Record<string, unknown>[] };
    const [cluster] = clusters;
    expect(cluster).toMatchObject({
      DBClusterId: MYSQL,
      DBNodeNumber: 3,
      ZoneId: "zone-a",
      DBClusterStatus: "Running",
    });
    const nodes = cluster?.["DBNodes"] as { readonly DBNode: readonly object[] } | undefined;
    expect(nodes?.DBNode[0]).toEqual({
      DBNodeId: WRITER,
      DBNodeRole: "Writer",
      DBNodeClass: "polar.x4.large",
      HotReplicaMode: "OFF",
      ImciSwitch: "OFF",
      RegionId: "cn-hangzhou",
      Serverless: "",
      ZoneId: "zone-a",
    });
  });

  test.each<[string, Words, readonly string[]]>([
    ["nothing", {}, [MYSQL, POSTGRES]],
    ["ids", { DBClusterIds: `${POSTGRES}, pc-none` }, [POSTGRES]],
    ["a status", { DBClusterStatus: "Running" }, [MYSQL, POSTGRES]],
    ["another status", { DBClusterStatus: "Switching" }, []],
    ["a type", { DBType: "PostgreSQL" }, [POSTGRES]],
    ["a version", { DBVersion: "8.0" }, [MYSQL]],
    ["a part of a description", { DBClusterDescription: "demomysql" }, [MYSQL]],
    ["nodes", { DBNodeIds: "pi-demopostgres2" }, [POSTGRES]],
    ["a region", { RegionId: "cn-beijing" }, []],
    ["the first page", { PageSize: "1" }, [MYSQL]],
    ["the second page", { PageSize: "1", PageNumber: "2" }, [POSTGRES]],
    ["a page behind the last one", { PageSize: "1", PageNumber: "3" }, []],
  ])("by %s", async (_, words, ids) => {
    expect(idsOf(await ask("DescribeDBClusters", words))).toEqual(ids);
  });

  test("pages that are none are refused", async () => {
    for (const words of [{ PageSize: "0" }, { PageSize: "101" }, { PageNumber: "0" }, { PageNumber: "one" }]) {
      expect(code(await ask("DescribeDBClusters", words))).toEqual([400, "InvalidParameter"]);
    }
  });

  test("an empty list is an empty element in XML", async () => {
    const { text } = await ask("DescribeDBClusters", { RegionId: "nowhere", Format: "XML" });
    expect(text).toMatch(/<Items>(<DBCluster\/>)?<\/Items>|<Items\/>/);
    expect(text).not.toContain("<DBCluster/>");
  });
});

describe("DescribeHALogs", () => {
  const logs = (words: Words = {}): Promise<Answered> =>
    ask("DescribeHALogs", { DBClusterId: MYSQL, LogType: "HaSwitchLogList", ...words });

  test("of a cluster that was never switched: HaStatus 1 and no items", async () => {
    expect((await logs()).fields).toMatchObject({ HaStatus: 1, ItemsNumbers: 0, TotalRecords: 0, HaLogItems: [] });
  });

  test("pages from 5 to 50, 10 by itself, the youngest first; StartTime and EndTime bound them", async () => {
    const starts: number[] = [];
    for (let turn = 0; turn < 6; turn++) {
      await clock.elapse(60_000);
      starts.push(clock.now());
      await failOver();
    }
    const text = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}Z`;
    const found = async (words: Words) => {
      const { fields } = await logs(words);
      const items = fields["HaLogItems"] as readonly Words[];
      return [fields["PageSize"], fields["TotalRecords"], items.map((item) => item["SwitchStartTime"])];
    };
    const young = starts.map(text).toReversed();
    expect(await found({})).toEqual([10, 6, young]);
    expect(await found({ PageSize: "5", PageNumber: "2" })).toEqual([5, 6, young.slice(5)]);
    expect(await found({ StartTime: text(starts[1] ?? 0), EndTime: text(starts[2] ?? 0) })).toEqual([
      10,
      2,
      young.slice(3, 5),
    ]);
  });

  test.each<[string, Words, readonly [number, string]]>([
    ["no LogType", { LogType: "" }, [400, "MissingParameter"]],
    ["another LogType", { LogType: "SlowLog" }, [400, "InvalidParameter"]],
    ["a page of four", { PageSize: "4" }, [400, "InvalidParameter"]],
    ["a page of 51", { PageSize: "51" }, [400, "InvalidParameter"]],
    ["a time that is none", { StartTime: "2025-01-01" }, [400, "InvalidParameter"]],
    [
      "an end before the start",
      { StartTime: "2025-01-02T00:00:00Z", EndTime: "2025-01-01T00:00:00Z" },
      [400, "InvalidParameter"],
    ],
    ["an unknown node", { DBNodeId: "pi-none" }, [400, "InvalidDBNodeId.Malformed"]],
    ["an unknown cluster", { DBClusterId: "pc-none" }, [404, "InvalidDBClusterId.NotFound"]],
    ["a node of the cluster", { DBNodeId: SECOND }, [200, "OK"]],
  ])("with %s", async (_, words, expected) => {
    expect(code(await logs(words))).toEqual(expected);
  });

  test("in XML: HaLogItems with an element per switch", async () => {
    await failOver();
    const { text, root } = await logs({ Format: "XML" });
    expect([root, text.match(/<HaLogItem>/g)?.length]).toEqual(["DescribeHALogsResponse", 1]);
  });
});

describe("a cluster that does not answer", () => {
  /** Carries out a question while the time passes. */
  async function patiently(question: Promise<Answered>): Promise<Answered> {
    let answer: Answered | undefined;
    void question.then((found) => {
      answer = found;
    });
    while (answer === undefined) await clock.elapse(500);
    return answer;
  }
  const never = (): Promise<never> => new Promise(() => undefined);
  const refuses = async (): Promise<never> => {
    throw new Error("unreachable");
  };

  test.each([
    ["is silent", never],
    ["refuses", refuses],
  ])("is shown as it was seen last, in time, when it %s", async (_, fault) => {
    const seen = await ask("DescribeDBClusterAttribute", { DBClusterId: MYSQL });
    await failOver();
    const known = await ask("DescribeDBClusterAttribute", { DBClusterId: MYSQL });
    instead = { describe: fault };
    const before = clock.now();
    const shown = await patiently(ask("DescribeDBClusterAttribute", { DBClusterId: MYSQL }));
    expect(clock.now() - before).toBeLessThanOrEqual(2000);
    expect(shown.fields["DBNodes"]).toEqual(known.fields["DBNodes"]);
    expect(shown.fields["DBNodes"]).not.toEqual(seen.fields["DBNodes"]);
  });

  test("that was never seen is shown with what is known of it, and as no cluster that is Running", async () => {
    instead = { describe: never };
    const shown = await patiently(ask("DescribeDBClusterAttribute", { DBClusterId: MYSQL }));
    expect(shown.fields).toMatchObject({
      DBClusterId: MYSQL,
      DBVersion: "8.0",
      DBClusterStatus: "INS_MAINTAINING",
      DBNodes: [],
    });
  });

  test("keeps no other from being listed", async () => {
    const { describe: real } = rig.model(POSTGRES);
    instead = {
      describe: async (id) => (id === MYSQL ? await never() : await real.call(rig.model(POSTGRES), id)),
    };
    const shown = await patiently(ask("DescribeDBClusters"));
    const { DBCluster: clusters } = shown.fields["Items"] as { DBCluster: readonly Words[] };
    expect(clusters.map((cluster) => [cluster["DBClusterId"], cluster["DBClusterStatus"]])).toEqual([
      [MYSQL, "INS_MAINTAINING"],
      [POSTGRES, "Running"],
    ]);
  });

  test("has the log that was read last; none that could never be read is called empty", async () => {
    await failOver();
    const logs = () => patiently(ask("DescribeHALogs", { DBClusterId: MYSQL, LogType: "HaSwitchLogList" }));
    instead = { haLog: refuses };
    expect(code(await logs())).toEqual([503, "ServiceUnavailable"]);
    instead = {};
    const known = await logs();
    instead = { haLog: never };
    expect((await logs()).fields["HaLogItems"]).toEqual(known.fields["HaLogItems"]);
  });
});
