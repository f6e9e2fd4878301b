/** The API in front of a real cluster of PostgreSQL servers, driven by the vendors' clients: the writer really moves, once per token. */
import { readFile, rm } from "node:fs/promises";
import { type BelayServer, readSettings, startServer } from "@belay/server";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { DEMO_POLAR } from "../../../packages/server/src/demo/index.ts";
import { joinPolar } from "../../../packages/server/src/demo/join-polar.ts";
import { demoPolar } from "../../../packages/server/src/demo/polardb.ts";
import { askServers, openDirectory } from "./real-servers.ts";
import { allClients, popClient, requestIdOf, teaClient } from "./vendor-clients.ts";

type Words = Readonly<Record<string, unknown>>;

const CLUSTER = "pc-demomysql";
const CASE_TIMEOUT_MS = 120_000;
/** The default time-out of the most impatient client. */
const PATIENCE_MS = 3000;

let directory: string;
let server: BelayServer;
beforeAll(async () => {
  directory = await openDirectory();
  const spec = DEMO_POLAR.find(({ clusterId }) => clusterId === CLUSTER);
  if (spec === undefined) throw new Error(`no ${CLUSTER}`);
  const cluster = await demoPolar(spec, `${directory}/${CLUSTER}`, () => undefined);
  const { actions, clusters, site: polardb } = joinPolar([cluster]);
  const flags = { port: 0, accessKeyId: "demo-ak", accessKeySecret: "demo-sk", switchInterval: 0 };
  const site = { actions, clusters, polardb, close: (keep: boolean) => cluster.close(keep) };
  server = await startServer(await readSettings(flags, {}), { site });
}, CASE_TIMEOUT_MS);
afterAll(async () => {
  await server?.close();
  await rm(directory, { recursive: true, force: true });
}, CASE_TIMEOUT_MS);

const endpoint = (): { endpoint: string } => ({ endpoint: new URL(server.url).host });
const serverOf = (nodeId: string): string => nodeId.replace("pi-demomysql", "pg");

async function writer(): Promise<{ readonly name: string; readonly timeline: number }> {
  const writers = (await askServers(`${directory}/${CLUSTER}`)).filter(({ writes }) => writes);
  expect(writers.length).toBe(1);
  return writers[0] as { readonly name: string; readonly timeline: number };
}

async function settledRun(id: unknown): Promise<string | undefined> {
  return (await server.host.engine.run(String(id))?.settled())?.status;
}

/** Status and writer as the API shows them. */
async function shown(): Promise<readonly [status: unknown, writers: readonly unknown[]]> {
  const client = popClient("1.8", "GET", endpoint());
  const cluster = await client.call("DescribeDBClusterAttribute", { DBClusterId: CLUSTER });
  const nodes = cluster["DBNodes"] as readonly Words[];
  return [
    cluster["DBClusterStatus"],
    nodes.filter((node) => node["DBNodeRole"] === "Writer").map((node) => node["DBNodeId"]),
  ];
}

test(
  "cases 3, 4, 24: a named reader becomes the writer, once and for all to see, and the switch is in the log",
  async () => {
    const before = await writer();
    const target = before.name === "pg2" ? "pi-demomysql3" : "pi-demomysql2";
    const client = teaClient(endpoint());
    const startedAt = performance.now();
    const answer = await client.call("FailoverDBCluster", { DBClusterId: CLUSTER, TargetDBNodeId: target });
    expect(performance.now() - startedAt).toBeLessThan(PATIENCE_MS);
    expect((await shown())[0]).toBe("Switching");
    expect(await settledRun(requestIdOf(answer))).toBe("SUCCESSFUL");
    const after = await writer();
    expect([after.name, after.timeline]).toEqual([serverOf(target), before.timeline + 1]);
    expect(await shown()).toEqual(["Running", [target]]);
    const log = await popClient("1.7", "POST", endpoint()).call("DescribeHALogs", {
      DBClusterId: CLUSTER,
      LogType: "HaSwitchLogList",
    });
    const [entry] = log["HaLogItems"] as readonly Words[];
    expect(entry).toMatchObject({ SwitchCauseCode: "Platform.Ha.AuroraService.ManualOperations" });
    const [start, finish] = [entry?.["SwitchStartTime"], entry?.["SwitchFinishTime"]].map(String);
    expect(Date.parse(start ?? "")).toBeLessThanOrEqual(Date.parse(finish ?? ""));
  },
  CASE_TIMEOUT_MS,
);

test(
  "cases 5, 14: thirty concurrent calls with one token, by all clients: one RequestId, one promotion, one writer",
  async () => {
    const before = await writer();
    const clients = allClients(endpoint());
    const times: number[] = [];
    const ids = await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        const client = clients[index % clients.length];
        const startedAt = performance.now();
        const answer = await client?.call("FailoverDBCluster", { DBClusterId: CLUSTER, ClientToken: "thirty" });
        times.push(performance.now() - startedAt);
        return requestIdOf(answer ?? {});
      }),
    );
    expect(new Set(ids).size).toBe(1);
    expect(Math.max(...times)).toBeLessThan(PATIENCE_MS);
    expect(await settledRun(ids[0])).toBe("SUCCESSFUL");
    const after = await writer();
    expect(after.timeline).toBe(before.timeline + 1);
    expect(await shown()).toEqual(["Running", [after.name.replace("pg", "pi-demomysql")]]);
  },
  CASE_TIMEOUT_MS,
);

test(
  "case 16: a reader whose server is down is refused as a target in time, shown with the others, and passed over without one",
  async () => {
    const { name } = await writer();
    const dead = ["pg3", "pg2", "pg1"].find((other) => other !== name) ?? "";
    await stopServer(`${directory}/${CLUSTER}/${dead}`);
    const client = popClient("1.8", "POST", endpoint());
    const startedAt = performance.now();
    const target = { DBClusterId: CLUSTER, TargetDBNodeId: dead.replace("pg", "pi-demomysql") };
    const refused = await client.call("FailoverDBCluster", target).catch((error: unknown) => error as Words);
    expect(refused["code"]).toBe("UnsupportWitchUnhealthyReplication");
    expect(await shown()).toEqual(["Running", [name.replace("pg", "pi-demomysql")]]);
    const answer = await client.call("FailoverDBCluster", { DBClusterId: CLUSTER });
    expect(performance.now() - startedAt).toBeLessThan(2 * PATIENCE_MS);
    await settledRun(requestIdOf(answer));
    expect([name, dead]).not.toContain((await writer()).name);
  },
  CASE_TIMEOUT_MS,
);

/** Ends one server as its machine's shutdown would. */
async function stopServer(data: string): Promise<void> {
  const pid = Number((await readFile(`${data}/postmaster.pid`, "utf8")).split("\n")[0]);
  expect(pid).toBeGreaterThan(1);
  process.kill(pid, "SIGINT");
  await vi.waitFor(async () => await expect(readFile(`${data}/postmaster.pid`)).rejects.toThrow("ENOENT"), 20_000);
}
