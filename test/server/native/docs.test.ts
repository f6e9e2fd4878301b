/** The page about the native API is true: its examples run, its table has every route. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { memoryRoute, PolarModel, polardbActions } from "@belay/failover-plans/polardb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { memoryRecoveryLog } from "../../../packages/failover-plans/src/recovery/recovery-log.ts";
import { demoOceanBase } from "../../../packages/server/src/demo/oceanbase.ts";
import { type BelayServer, startServer } from "../../../packages/server/src/server.ts";
import { readSettings } from "../../../packages/server/src/settings/settings.ts";
import type { Site } from "../../../packages/server/src/site.ts";
import { POLAR_NODES } from "./rig.ts";

const page = readFileSync(new URL("../../../docs/apis/native.md", import.meta.url), "utf8");

/** The demo, with a model in the place of PostgreSQL servers. */
async function demoOfModels(): Promise<Site> {
  const oceanbase = await demoOceanBase(null);
  const control = PolarModel.create({ clusterId: "pc-demomysql", nodes: POLAR_NODES });
  const route = memoryRoute({ writer: "pi-1", epoch: 1 });
  const way = { plan: "polardb-failover", params: { cluster: "pc-demomysql" }, targetParam: "targetNodeId" };
  const polar = { id: "pc-demomysql", system: "polardb", planned: way, forced: way, nodes: async () => [] };
  return {
    actions: { ...oceanbase.actions, ...polardbActions({ control, route, recoveries: memoryRecoveryLog() }) },
    clusters: [polar, ...oceanbase.clusters],
    ocp: oceanbase.ocp,
  };
}

let server: BelayServer;
beforeAll(async () => {
  server = await startServer(await readSettings({ demo: true, port: 0 }, {}), { site: await demoOfModels() });
});
afterAll(async () => await server.close());

test("the examples of docs/apis/native.md run as they stand", async () => {
  const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, code = ""]) => code);
  expect(blocks.length).toBeGreaterThan(4);
  const script = blocks.join("\n").replaceAll("http://127.0.0.1:8080", server.url);
  const { stdout } = await promisify(execFile)("sh", ["-euc", script], { timeout: 15_000 });
  const strict = stdout.indexOf("DATA_LOSS_NOT_ALLOWED");
  expect(strict).toBeGreaterThan(0);
  expect(stdout.indexOf('"valid":true', strict)).toBeGreaterThan(strict);
  expect(stdout).toMatch(/event: snapshot\ndata: \{"id":/);
  expect(stdout).toContain('"reason":"pi-3 is Crash, not Running"');
  expect(stdout).toContain('"why":"the machine goes to repair"');
});

test("the table of docs/apis/native.md has every route", async () => {
  const { paths } = (await (await fetch(`${server.url}/v1/openapi.json`)).json()) as { readonly paths: object };
  const rows = page.split("\n").filter((line) => line.startsWith("| `"));
  const documented = rows.flatMap((row) => {
    const [first = ""] = row.split(" | ", 1);
    const [method, path = ""] = /(GET|POST) ([^?`]+)/.exec(first)?.slice(1) ?? [];
    const base = path.slice(0, path.lastIndexOf("/"));
    const others = [...first.matchAll(/, `(\/[a-z]+)`/g)].map(([, rest]) => `${method} ${base}${rest}`);
    return [`${method} ${path}`, ...others];
  });
  const routes = Object.entries(paths as Record<string, object>).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path.replaceAll("{", ":").replaceAll("}", "")}`),
  );
  expect(documented.toSorted()).toEqual(routes.toSorted());
});
