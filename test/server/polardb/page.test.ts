/** docs/apis/polardb.md: each of its command lines, run as it stands, against a server on another port. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Rig, startRig } from "./polar-rig.ts";

const PAGE = new URL("../../../docs/apis/polardb.md", import.meta.url);

let rig: Rig;
let directory: string;
beforeAll(async () => {
  rig = await startRig();
  directory = await mkdtemp(join(tmpdir(), "belay-page-"));
});
afterAll(async () => {
  await rig.close();
  await rm(directory, { recursive: true, force: true });
});

/** What each block of the page prints, one answer per line of curl. */
async function played(): Promise<readonly string[]> {
  const page = await readFile(PAGE, "utf8");
  const printed: string[] = [];
  for (const [, block = ""] of page.matchAll(/```sh\n([\s\S]*?)```/g)) {
    const script = block.replaceAll("http://127.0.0.1:8080", rig.url).replaceAll(/^(curl .*)$/gm, "$1; echo");
    const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env["PATH"]}` };
    const { stdout } = await promisify(execFile)("sh", ["-ec", script], { cwd: directory, env });
    printed.push(...stdout.trim().split("\n"));
    await rig.settled();
  }
  return printed;
}

test("every command line of the page gets the answer that the page promises", async () => {
  const [clusters, cluster, first, again, postgres, log] = await played();
  expect(JSON.parse(clusters ?? "")).toMatchObject({ TotalRecordCount: 2 });
  expect(JSON.parse(cluster ?? "")).toMatchObject({ DBClusterId: "pc-demomysql", DBClusterStatus: "Running" });
  expect(JSON.parse(first ?? "")).toEqual({ RequestId: expect.stringMatching(/^[0-9A-F-]{36}$/) });
  expect(again).toBe(first);
  expect(Object.keys(JSON.parse(postgres ?? ""))).toEqual(["RequestId"]);
  expect(log).toMatch(/^<\?xml .*<DescribeHALogsResponse>.*<TotalRecords>1<\/TotalRecords>/);
  expect(rig.model("pc-demopostgres").writers()).toEqual(["pi-demopostgres3"]);
});
