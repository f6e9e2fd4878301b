/** Servers that outlive their owner: another process goes on with them, or nobody does and nothing is left. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { finishCopy, putInPlace } from "../../packages/failover-plans/src/embedded-postgres/data-directory.ts";
import {
  type PostgresCluster,
  takeOverPostgresCluster,
} from "../../packages/failover-plans/src/embedded-postgres/index.ts";
import { findGuards, isAlive, writeGuard } from "../../packages/failover-plans/src/local-servers/guard-file.ts";
import { serverProcesses } from "../../packages/failover-plans/src/local-servers/process-table.ts";
import { query } from "../../packages/failover-plans/src/postgres/client.ts";

const OWNER = fileURLToPath(new URL("./cluster-owner.ts", import.meta.url));
/** Nobody waits that long: what ends sooner ended for another reason. */
const LONG_MS = 600_000;

const scratch: string[] = [];
const owners: ChildProcess[] = [];
const clusters: PostgresCluster[] = [];
afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.stop();
  for (const owner of owners.splice(0)) if (owner.exitCode === null && owner.signalCode === null) owner.kill("SIGKILL");
  for (const made of scratch.splice(0)) await rm(made, { recursive: true, force: true });
});

async function scratchDirectory(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "belay-test-"));
  scratch.push(made);
  return made;
}

/** Polls real processes; every wait is bounded. */
async function until(what: string, holds: () => boolean): Promise<void> {
  for (let n = 0; n < 500; n += 1) {
    if (holds()) return;
    await sleep(20);
  }
  throw new Error(`still waiting: ${what}`);
}

async function startOwner(patienceMs: number): Promise<{ owner: ChildProcess; dataDir: string }> {
  const note = join(await scratchDirectory(), "data-dir");
  const words = ["--conditions=source", OWNER, note, "wait", String(patienceMs)];
  const owner = spawn(process.execPath, words, { stdio: ["ignore", "ignore", "inherit"] });
  owners.push(owner);
  await until("the owner's cluster", () => existsSync(note) || owner.exitCode !== null);
  return { owner, dataDir: await readFile(note, "utf8") };
}

async function takeOver(dataDir: string): Promise<PostgresCluster> {
  const cluster = await takeOverPostgresCluster(dataDir, { patienceMs: LONG_MS });
  clusters.push(cluster);
  return cluster;
}

describe("servers whose owner was killed", () => {
  test("run on, and answer to who takes them over as to who started them", async () => {
    const { owner, dataDir } = await startOwner(LONG_MS);
    await expect(takeOverPostgresCluster(dataDir, { patienceMs: LONG_MS })).rejects.toThrow(/process \d+, which runs/);
    const before = serverProcesses(dataDir);
    owner.kill("SIGKILL");
    await until("the owner's end", () => owner.signalCode !== null);
    const cluster = await takeOver(dataDir);
    expect(serverProcesses(dataDir).toSorted()).toEqual(before.toSorted());
    const [pg1] = cluster.nodes;
    if (pg1 === undefined) throw new Error("no node");
    await query(pg1, "create table kept (id integer)");
    expect(await cluster.route.current()).toEqual({ writer: "pg1", epoch: 1 });
    expect(await cluster.control.isRunning("pg1")).toBe(true);
    await cluster.control.start("pg1");
    await cluster.control.stop("pg1");
    expect((await cluster.control.controlState("pg1")).cleanShutdown).toBe(true);
    await cluster.control.start("pg1");
    await cluster.control.kill("pg1");
    expect(serverProcesses(dataDir)).toEqual([]);
    await cluster.control.start("pg1");
    expect(await query(pg1, "select count(*)::int as rows from kept")).toEqual([{ rows: 0 }]);
    await cluster.stop();
    await until("no guard", () => !existsSync(dataDir));
    expect(serverProcesses(dataDir)).toEqual([]);
  });

  test("can be taken over when their watchdog was killed as well, by one of two who try", async () => {
    const { owner, dataDir } = await startOwner(LONG_MS);
    for (const pid of await watchdogsOf(dataDir)) process.kill(pid, "SIGKILL");
    owner.kill("SIGKILL");
    await until("the owner's end", () => owner.signalCode !== null);
    const cluster = await takeOver(dataDir);
    await expect(takeOverPostgresCluster(dataDir, { patienceMs: LONG_MS })).rejects.toMatchObject({
      code: "STATE_INVALID",
    });
    expect((await cluster.status())[0]?.role).toBe("primary");
  });

  test("end by themselves, and their data with them, when nobody comes in time", async () => {
    const { owner, dataDir } = await startOwner(500);
    owner.kill("SIGKILL");
    await until("the owner's end", () => owner.signalCode !== null);
    expect(serverProcesses(dataDir)).not.toEqual([]);
    await until("no server", () => serverProcesses(dataDir).length === 0);
    await until("no data", () => !existsSync(dataDir));
    await expect(takeOver(dataDir)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

/** Linux only: elsewhere the list is empty, and the case is the plain one. */
async function watchdogsOf(dataDir: string): Promise<readonly number[]> {
  const names = process.platform === "linux" ? await readdir("/proc") : [];
  const pids: number[] = [];
  for (const name of names.filter((one) => /^\d+$/.test(one))) {
    const words = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
    if (words.includes("watchdog.ts\0") && words.includes(`\0${dataDir}\0`)) pids.push(Number(name));
  }
  return pids;
}

describe("guards", () => {
  test("a process is told from a later one with its pid, and from a dead one", async () => {
    const directory = await scratchDirectory();
    await writeGuard(directory);
    const [guard] = await findGuards(directory);
    const owner = guard?.owner;
    if (!owner) throw new Error("no owner");
    expect(owner.pid).toBe(process.pid);
    expect(isAlive(owner)).toBe(true);
    expect(isAlive({ ...owner, started: `${owner.started}0` })).toBe(false);
    expect(isAlive({ ...owner, pid: 2 ** 22 + 1 })).toBe(false);
  });
});

describe("a copy that takes the place of a data directory", () => {
  async function directories(): Promise<{ place: string; copy: string }> {
    const base = await scratchDirectory();
    const [place, copy] = [join(base, "pg1"), join(base, "pg1.copy")];
    for (const [directory, text] of [
      [place, "old"],
      [copy, "new"],
    ] as const) {
      await mkdir(directory);
      await writeFile(join(directory, "data"), text);
    }
    return { place, copy };
  }

  test("leaves nothing else behind", async () => {
    const { place, copy } = await directories();
    await putInPlace(copy, place);
    expect(await readFile(join(place, "data"), "utf8")).toBe("new");
    expect(existsSync(copy)).toBe(false);
  });

  test.each(["whole", "half gone", "gone"])(
    "is finished after a crash that left the old directory %s",
    async (left) => {
      const { place, copy } = await directories();
      await rm(`${place}.complete`, { recursive: true, force: true });
      await mkdir(`${place}.complete`);
      await writeFile(join(`${place}.complete`, "data"), "new");
      await rm(copy, { recursive: true });
      if (left === "half gone") await rm(join(place, "data"));
      if (left === "gone") await rm(place, { recursive: true });
      await finishCopy(place);
      expect(await readFile(join(place, "data"), "utf8")).toBe("new");
      await finishCopy(place);
      expect(await readdir(place)).toEqual(["data"]);
    },
  );
});
