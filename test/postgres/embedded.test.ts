/**
 * Clusters of real servers: what they promise to plans (the ports), and that nothing is left of them, however their owner
 * ends. Takes PostgreSQL from the npm package; runs as root or not.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { takeBaseBackup } from "../../packages/failover-plans/src/embedded-postgres/base-backup.ts";
import { findBinaries } from "../../packages/failover-plans/src/embedded-postgres/binaries.ts";
import { copyForUser } from "../../packages/failover-plans/src/embedded-postgres/binaries-cache.ts";
import {
  createPostgresCluster,
  type PostgresCluster,
  startWorkload,
} from "../../packages/failover-plans/src/embedded-postgres/index.ts";
import { serverProcesses } from "../../packages/failover-plans/src/local-servers/process-table.ts";
import { query } from "../../packages/failover-plans/src/postgres/client.ts";
import type { PostgresNode } from "../../packages/failover-plans/src/postgres/ports.ts";
import { openRoute } from "../../packages/failover-plans/src/route/route-file.ts";
import { isGapOpen, longestGap } from "../../packages/failover-plans/src/workload/workload-report.ts";

/** Polls real processes; every wait is bounded. */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let n = 0; n < 500; n += 1) {
    if (await holds()) return;
    await sleep(20);
  }
  throw new Error(`still waiting: ${what}`);
}

const scratch: string[] = [];
async function scratchDirectory(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "belay-test-"));
  scratch.push(made);
  return made;
}
afterEach(async () => {
  for (const made of scratch.splice(0)) await rm(made, { recursive: true, force: true });
});

describe("a cluster", () => {
  let cluster: PostgresCluster;
  let [pg1, pg2, pg3]: PostgresNode[] = [];
  beforeAll(async () => {
    cluster = await createPostgresCluster();
    [pg1, pg2, pg3] = [...cluster.nodes];
  });
  afterAll(async () => {
    const pids = serverProcesses(cluster.dataDir);
    await cluster.stop();
    expect(pids.length).toBeGreaterThan(0);
    expect(serverProcesses(cluster.dataDir)).toEqual([]);
    expect(existsSync(cluster.dataDir)).toBe(false);
    await expect(cluster.control.start("pg1")).rejects.toMatchObject({ code: "CLOSED" });
  });

  test("starts with one primary, two standbys that stream from it, and the route on the primary", async () => {
    const status = await cluster.status();
    expect(status.map(({ name, role, follows, timeline }) => ({ name, role, follows, timeline }))).toEqual([
      { name: "pg1", role: "primary", follows: null, timeline: 1 },
      { name: "pg2", role: "standby", follows: "pg1", timeline: 1 },
      { name: "pg3", role: "standby", follows: "pg1", timeline: 1 },
    ]);
    expect(await cluster.route.current()).toEqual({ writer: "pg1", epoch: 1 });
  });

  test("lets nobody in without the password", async () => {
    const { password: _, ...stranger } = pg1!;
    await expect(query(stranger, "SELECT 1")).rejects.toThrow();
    await expect(query({ ...stranger, password: "guess" }, "SELECT 1")).rejects.toThrow();
    expect(cluster.control.conninfo("pg2", pg1!)).not.toContain(pg1!.password);
  });

  test("verbs refuse unknown nodes, and changes to a running node's data", async () => {
    const { control } = cluster;
    await expect(control.kill("pg9")).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(control.markStandby("pg1", "")).rejects.toMatchObject({ code: "STATE_INVALID" });
    await expect(control.controlState("pg1")).rejects.toMatchObject({ code: "STATE_INVALID" });
    await expect(control.reclone("pg2", pg1!)).rejects.toMatchObject({ code: "STATE_INVALID" });
    expect(await control.isMarkedStandby("pg1")).toBe(false);
    expect(await control.isMarkedStandby("pg2")).toBe(true);
  });

  test("survives kill -9 of its primary: nothing acknowledged is lost, one writer is left, a reclone makes all nodes equal", async () => {
    const { control, route, nodes } = cluster;
    const workload = await startWorkload({ route, nodes, writers: 4 });
    await until("rows before the fault", () => workload.acknowledged() > 100);

    workload.mark();
    await control.kill("pg1");
    await control.kill("pg1");
    expect(await control.isRunning("pg1")).toBe(false);
    expect(serverProcesses(join(cluster.dataDir, "pg1"))).toEqual([]);
    expect((await control.controlState("pg1")).cleanShutdown).toBe(false);
    await control.markStandby("pg1", "");

    await query(pg2!, "SELECT pg_promote(true, 30)", [], { queryTimeoutMs: 35_000 });
    const conninfo = control.conninfo("pg3", pg2!).replaceAll("'", "''");
    await query(pg3!, `ALTER SYSTEM SET primary_conninfo = '${conninfo}'`);
    await query(pg3!, "SELECT pg_reload_conf()");
    expect(await route.publish("pg2", 2)).toBe(true);
    const before = workload.acknowledged();
    await until("rows on the new primary", () => workload.acknowledged() > before + 100);

    const { bytes } = await control.reclone("pg1", pg2!);
    expect(bytes).toBeGreaterThan(1_000_000);
    await control.start("pg1");
    await control.start("pg1");

    const report = await workload.report();
    expect(report).toMatchObject({ acknowledgedLost: 0, allNodesEqual: true, writers: ["pg2"] });
    expect(report.acknowledged).toBeGreaterThan(before + 100);
    expect(report.unavailabilityMs).toBeGreaterThan(0);
    expect(new Set(Object.values(report.rows)).size).toBe(1);
    expect(Object.keys(report.errors).length).toBeGreaterThan(0);
    expect((await cluster.status()).map(({ role, follows, timeline }) => [role, follows, timeline])).toEqual([
      ["standby", "pg2", 2],
      ["primary", null, 2],
      ["standby", "pg2", 2],
    ]);
  });

  test("a fast stop leaves a clean shutdown that the standbys received, and the mark decides what starts next", async () => {
    const { control } = cluster;
    const primary = (await cluster.status()).find(({ role }) => role === "primary")?.name ?? "";
    await control.stop(primary);
    await control.stop(primary);
    const state = await control.controlState(primary);
    expect(state.cleanShutdown).toBe(true);
    const standby = cluster.nodes.find(({ name }) => name !== primary)!;
    const [row] = await query<{ received: boolean }>(
      standby,
      "SELECT pg_last_wal_receive_lsn() > $1::pg_lsn AS received",
      [state.checkpointLsn],
    );
    expect(row).toEqual({ received: true });

    await control.markStandby(primary, "");
    await control.start(primary);
    const fenced = (await cluster.status()).find(({ name }) => name === primary);
    expect(fenced).toMatchObject({ role: "standby", follows: null });
    await control.stop(primary);
    await control.unmarkStandby(primary);
    await control.start(primary);
    expect((await cluster.status()).find(({ name }) => name === primary)).toMatchObject({ role: "primary" });
  });

  test("a base backup fails at once when the disk refuses a file", async () => {
    const directory = await scratchDirectory();
    // Where the archive has a directory there is a file.
    await writeFile(join(directory, "base"), "");
    const primary = (await cluster.status()).find(({ role }) => role === "primary")?.name;
    const source = cluster.nodes.find(({ name }) => name === primary)!;
    await expect(takeBaseBackup(source, { directory, user: null, signal: undefined })).rejects.toThrow();
  });
});

describe("creation", () => {
  test("a used port is told in one line, before anything is made", async () => {
    const occupant = createServer().listen(0, "127.0.0.1");
    await once(occupant, "listening");
    const { port } = occupant.address() as { port: number };
    const dataDir = join(await scratchDirectory(), "cluster");
    const failure = createPostgresCluster({ basePort: port, dataDir });
    await expect(failure).rejects.toThrow(
      `port ${port} on 127.0.0.1 is in use: choose another basePort, or leave it out`,
    );
    expect(existsSync(dataDir)).toBe(false);
    occupant.close();
  });

  test("a directory with files in it is refused and left alone", async () => {
    const dataDir = await scratchDirectory();
    await writeFile(join(dataDir, "precious"), "");
    await expect(createPostgresCluster({ dataDir })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(await readdir(dataDir)).toEqual(["precious"]);
  });

  test.skipIf(process.getuid?.() !== 0)("root is told which directory its servers' user may not enter", async () => {
    const closed = await scratchDirectory();
    const failure = createPostgresCluster({ dataDir: join(closed, "cluster") });
    await expect(failure).rejects.toThrow(`may not enter ${closed}`);
    expect(await readdir(closed)).toEqual([]);
  });

  test.each([{ nodes: 0 }, { nodes: 2.5 }, { basePort: 65_534 }, { durability: "most" as "on" }])(
    "refuses %o",
    async (options) => {
      await expect(createPostgresCluster(options)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    },
  );
});

describe("programs that do not work", () => {
  const before = process.env["POSTGRES_BIN"];
  afterEach(() => {
    if (before === undefined) delete process.env["POSTGRES_BIN"];
    else process.env["POSTGRES_BIN"] = before;
  });

  /** POSTGRES_BIN with two shell scripts: they pass the trial with --version, then do as told. */
  async function useScripts(scripts: Readonly<Record<string, string>>): Promise<string> {
    const directory = await scratchDirectory();
    // The servers' user must get in.
    await chmod(directory, 0o755);
    for (const [name, body] of Object.entries(scripts)) {
      const text = `#!/bin/sh\n[ "$1" = --version ] && exit 0\n${body}\n`;
      await writeFile(join(directory, name), text, { mode: 0o755 });
    }
    process.env["POSTGRES_BIN"] = directory;
    return join(directory, "cluster");
  }

  test("POSTGRES_BIN without PostgreSQL in it is told in one line with the remedy", async () => {
    await useScripts({});
    await expect(findBinaries()).rejects.toThrow(
      /^POSTGRES_BIN=.* does not exist; correct it, or unset it to use the npm package$/,
    );
  });

  test("an initdb that fails is quoted, and nothing is left behind", async () => {
    const dataDir = await useScripts({ postgres: "exit 0", initdb: "echo disk full >&2; exit 1" });
    await expect(createPostgresCluster({ dataDir })).rejects.toThrow(/^initdb failed in .*: disk full$/);
    expect(existsSync(dataDir)).toBe(false);
  });

  test("a server that dies while starting is told with the end of its log, and nothing is left behind", async () => {
    const dataDir = await useScripts({ postgres: "echo FATAL: bad weather >&2; exit 1", initdb: "exit 0" });
    await expect(createPostgresCluster({ dataDir })).rejects.toThrow(
      "pg1: the server ended while starting: FATAL: bad weather",
    );
    expect(existsSync(dataDir)).toBe(false);
  });
});

describe("the copy of the programs", () => {
  async function fakePackage(): Promise<string> {
    const native = join(await scratchDirectory(), "native");
    await mkdir(join(native, "bin"), { recursive: true, mode: 0o700 });
    await mkdir(join(native, "lib"), { mode: 0o700 });
    await writeFile(join(native, "bin", "postgres"), "program", { mode: 0o700 });
    await writeFile(join(native, "lib", "lib.so.1"), "library", { mode: 0o600 });
    await writeFile(join(native, "lib", "lib.a"), "for compilers", { mode: 0o600 });
    await symlink("lib.so.1", join(native, "lib", "lib.so"));
    return native;
  }

  test("is readable by all, writable by its owner only, and made once even by callers at the same time", async () => {
    const request = { native: await fakePackage(), version: "1", base: await scratchDirectory() };
    const copies = await Promise.all(Array.from({ length: 4 }, () => copyForUser(request, async () => true)));
    expect(new Set(copies).size).toBe(1);
    expect(await readdir(request.base)).toHaveLength(1);
    const mode = async (path: string): Promise<number> => (await stat(join(copies[0]!, path))).mode & 0o777;
    expect(await mode(".")).toBe(0o755);
    expect(await mode("lib")).toBe(0o755);
    expect(await mode("bin/postgres")).toBe(0o755);
    expect(await mode("lib/lib.so")).toBe(0o644);
    expect((await readdir(join(copies[0]!, "lib"))).sort()).toEqual(["lib.so", "lib.so.1"]);
  });

  test("is replaced when it no longer works, and refused when others could have changed it", async () => {
    const request = { native: await fakePackage(), version: "1", base: await scratchDirectory() };
    const complete = async (directory: string): Promise<boolean> => existsSync(join(directory, "lib", "lib.so.1"));
    const copy = await copyForUser(request, complete);
    await rm(join(copy, "lib", "lib.so.1"));
    expect(await complete(await copyForUser(request, complete))).toBe(true);
    await chmod(copy, 0o777);
    await expect(copyForUser(request, complete)).rejects.toThrow("remove it");
  });
});

describe("the route", () => {
  test("never goes back: an equal or lower epoch is refused, repeating the present entry is not", async () => {
    const route = await openRoute(await scratchDirectory());
    expect(await route.current()).toEqual({ writer: null, epoch: 0 });
    expect(await route.publish("a", 3)).toBe(true);
    expect(await route.publish("a", 3)).toBe(true);
    expect(await route.publish("b", 3)).toBe(false);
    expect(await route.publish("b", 2)).toBe(false);
    expect(await route.publish(null, 4)).toBe(true);
    expect(await route.current()).toEqual({ writer: null, epoch: 4 });
    await expect(route.publish("a", 0)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("has one winner per epoch among owners at the same time, and all of them see it", async () => {
    const directory = await scratchDirectory();
    const routes = await Promise.all(Array.from({ length: 5 }, () => openRoute(directory)));
    const won = await Promise.all(routes.map((route, index) => route.publish(`node${index}`, 1)));
    expect(won.filter(Boolean)).toHaveLength(1);
    const seen = await Promise.all(routes.map((route) => route.current()));
    expect(new Set(seen.map(({ writer }) => writer))).toEqual(new Set([`node${won.indexOf(true)}`]));
  });
});

describe("the window without writes", () => {
  const times = { startedAt: 0, stoppedAt: 1000, ackTimes: [100, 400, 500, 650, 990], absences: [] };

  test("is the longest gap that ends after the mark", () => {
    expect(longestGap({ ...times, markedAt: null })).toBe(340);
    expect(longestGap({ ...times, ackTimes: [100, 500, 510, 700, 990], markedAt: 505 })).toBe(290);
    expect(longestGap({ ...times, ackTimes: [100, 600, 610, 990], markedAt: 505 })).toBe(500);
  });

  test("lasts until the end when nothing was acknowledged any more, and from the start when nothing ever was", () => {
    expect(longestGap({ ...times, ackTimes: [100, 200], markedAt: 210 })).toBe(800);
    expect(longestGap({ ...times, ackTimes: [], markedAt: 210 })).toBe(1000);
    expect(isGapOpen({ ...times, stoppedAt: 2000, ackTimes: [100, 200], markedAt: 210 })).toBe(true);
    expect(isGapOpen({ ...times, stoppedAt: 2000, ackTimes: [100, 500, 1900], markedAt: 505 })).toBe(false);
  });
});

describe("an owner that ends", () => {
  const fixture = fileURLToPath(new URL("./cluster-owner.ts", import.meta.url));
  const owners: ChildProcess[] = [];
  afterEach(() => {
    for (const owner of owners.splice(0))
      if (owner.exitCode === null && owner.signalCode === null) owner.kill("SIGKILL");
  });

  /** A program that creates a cluster of one, writes its data directory to a file, then does as told. */
  async function startOwner(ending: string): Promise<{ owner: ChildProcess; dataDir: string }> {
    const note = join(await scratchDirectory(), "data-dir");
    const owner = spawn(process.execPath, ["--conditions=source", fixture, note, ending], {
      stdio: ["ignore", "ignore", ending === "throw" ? "ignore" : "inherit"],
    });
    owners.push(owner);
    await until("the owner's cluster", () => existsSync(note) || owner.exitCode !== null);
    return { owner, dataDir: await readFile(note, "utf8") };
  }

  test.each(["SIGKILL", "SIGTERM", "SIGINT"] as const)("by %s leaves no server and no data", async (signal) => {
    const { owner, dataDir } = await startOwner("wait");
    expect(serverProcesses(dataDir).length).toBeGreaterThan(3);
    owner.kill(signal);
    await until("no server", () => serverProcesses(dataDir).length === 0);
    await until("no data", () => !existsSync(dataDir));
  });

  test.each(["return", "throw", "exit"])(
    "by %s without stopping the cluster leaves no server and no data",
    async (ending) => {
      const { dataDir } = await startOwner(ending);
      await until("no server", () => serverProcesses(dataDir).length === 0);
      await until("no data", () => !existsSync(dataDir));
    },
  );
});
