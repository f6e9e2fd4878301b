/**
 * Real MariaDB clusters on this machine: how they come to be and go, what a copy carries, what is said where there is no MariaDB.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createMariadbCluster, findMariadb } from "@belay/failover-plans/local-mariadb";
import { afterEach, describe, expect, test } from "vitest";
import { serverProcesses } from "../../packages/failover-plans/src/local-servers/process-table.ts";
import { query } from "../../packages/failover-plans/src/mysql-client/client.ts";
import { explain, hasMariadb, LiveDrill, outputOf, PATIENT, statusesOf } from "./live-drill.ts";

const CASE_TIMEOUT_MS = 40_000;

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`gave up waiting for ${what}`);
    await sleep(20);
  }
}

describe("without MariaDB", () => {
  const [path, chosen] = [process.env["PATH"], process.env["BELAY_MARIADB_BIN"]];
  afterEach(() => {
    process.env["PATH"] = path;
    if (chosen === undefined) delete process.env["BELAY_MARIADB_BIN"];
    else process.env["BELAY_MARIADB_BIN"] = chosen;
  });

  test("one that was asked for and does not run is an error, not a silence", async () => {
    process.env["BELAY_MARIADB_BIN"] = "/nowhere";
    await expect(findMariadb()).rejects.toMatchObject({ code: "ENVIRONMENT" });
    await expect(createMariadbCluster()).rejects.toThrow("correct it, or unset it");
  });

  test("numbers of servers that cannot be had are refused", async () => {
    for (const nodes of [0, 10, 1.5])
      await expect(createMariadbCluster({ nodes })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe.skipIf(!hasMariadb)("on real servers", () => {
  const owners: ChildProcess[] = [];
  const folders: string[] = [];
  afterEach(async () => {
    for (const owner of owners.splice(0))
      if (owner.exitCode === null && owner.signalCode === null) owner.kill("SIGKILL");
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
  });

  test(
    "an owner that is killed leaves no server and no data",
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "belay-owner-"));
      folders.push(folder);
      const note = join(folder, "data-dir");
      const fixture = fileURLToPath(new URL("./cluster-owner.ts", import.meta.url));
      const owner = spawn(process.execPath, ["--conditions=source", fixture, note], {
        stdio: ["ignore", "ignore", "inherit"],
      });
      owners.push(owner);
      await until("the owner's cluster", () => existsSync(note) || owner.exitCode !== null);
      const dataDir = await readFile(note, "utf8");
      expect(serverProcesses(dataDir)).toHaveLength(1);
      owner.kill("SIGKILL");
      await until("no server", () => serverProcesses(dataDir).length === 0);
      await until("no data", () => !existsSync(dataDir));
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "a creation that is given up leaves nothing",
    async () => {
      const giveUp = new AbortController();
      const seen: string[] = [];
      const created = createMariadbCluster({
        signal: giveUp.signal,
        log: (line) => {
          seen.push(line);
          giveUp.abort(new Error("enough"));
        },
      });
      await expect(created).rejects.toThrow("enough");
      expect(seen.length).toBeGreaterThan(0);
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "two servers: a copy carries every kind of value, and the old writer comes back though only it could acknowledge",
    async () => {
      const drill = await LiveDrill.create(2);
      try {
        const { writer, replicas } = await drill.roles();
        await drill.sql(
          writer,
          `create table app.kinds (id int primary key, t text, b varbinary(9), d decimal(20,6), f double, j json,
             at datetime(6), bits bit(9), twice int as (id * 2) stored)`,
          `insert into app.kinds (id, t, b, d, f, j, at, bits) values
             (1, 'it''s "ü" 🜚', x'00ff27', 12345678901234.567891, 0.1, '{"a": [1, null]}', '2024-02-29 12:34:56.789012', b'100000001'),
             (2, '', '', -0.000001, -1e300, null, null, null)`,
        );
        await drill.diverge({ writer, replicas }, [-1, -2]);
        await drill.cluster.control.kill(writer);
        const { snapshot } = await drill.start("mariadb-failover", { writer, replicas });
        expect(snapshot.status, explain(snapshot)).toBe("SUCCESSFUL");
        expect(statusesOf(snapshot, "repoint")).toEqual(["SKIPPED"]);
        expect(outputOf(snapshot, "rejoinOld"), explain(snapshot)).toMatchObject({
          mode: "reclone",
          divergedTransactions: 2,
        });
        const [replica = ""] = replicas;
        const rows = await Promise.all(
          [replica, writer].map((name) => query(drill.node(name), "select * from app.kinds order by id", [], PATIENT)),
        );
        expect(rows[1]).toEqual(rows[0]);
        expect(rows[0]).toHaveLength(2);
        await drill.expectHealthy(replica);
      } finally {
        await drill.close();
      }
    },
    CASE_TIMEOUT_MS,
  );

  test(
    "asynchronous: a majority is enough, and the answer says that it proves nothing",
    async () => {
      const drill = new LiveDrill(await createMariadbCluster({ semisync: false }));
      try {
        const { writer, replicas } = await drill.roles();
        await drill.cluster.control.kill(writer);
        const { snapshot } = await drill.start("mariadb-failover", { writer, replicas });
        expect(snapshot.status, explain(snapshot)).toBe("SUCCESSFUL");
        expect(outputOf(snapshot, "checkReplicas")).toMatchObject({ required: 2, semisync: false });
        expect(outputOf(snapshot, "checkReplicas")["quorum"]).toContain("does not prove");
        const { writer: next } = await drill.roles();
        expect(await drill.status(next)).toMatchObject({ semisyncWriter: false });
      } finally {
        await drill.close();
      }
    },
    CASE_TIMEOUT_MS,
  );
});
