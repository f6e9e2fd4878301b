/** The MariaDB demos: what they exit with on real servers, that they leave nothing behind, and what they say where they cannot run. */
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hasMariadb } from "../mariadb/live-drill.ts";
import { startBelayWith } from "./command.ts";

/** Servers start in seconds, on a busy machine in more. */
const PATIENCE_MS = 120_000;

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-demo-"));
  // Root's servers run as another user, who must be able to enter.
  await chmod(folder, 0o755);
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function demo(...words: readonly string[]): ReturnType<typeof startBelayWith> {
  return startBelayWith({ TMPDIR: folder }, "demo", ...words);
}

describe.skipIf(!hasMariadb)("demo on real MariaDB servers", () => {
  test("a killed writer costs no acknowledged row, and nothing is left on disk", { timeout: PATIENCE_MS }, async () => {
    const { code, stdout } = await demo("mariadb-failover").finished;
    expect(stdout.split("\n")[0]).toMatch(/real MariaDB servers \(\d+\.\d+\.\d+-MariaDB\) on this machine/);
    expect(stdout).toMatch(/acknowledged lost +0\n/);
    expect(stdout).toMatch(/servers taking writes +1 \(m2\)/);
    expect(stdout).toMatch(/old primary +m1 (follows again as it was|was copied anew)/);
    expect(code).toBe(0);
    expect(await readdir(folder)).toEqual([]);
  });

  test.each([
    ["mariadb-rejoin", /^\S+ +real MariaDB servers|^\[.*real MariaDB servers/, "m1"],
    ["mysql-failover", /no server of MySQL 8 is to be had from Debian: the plan runs on MariaDB/, "m2"],
  ])("%s says what it runs on and leaves one writer", { timeout: PATIENCE_MS }, async (name, first, writer) => {
    const { code, stdout } = await demo(name, "--nodes", "2", "--writers", "4").finished;
    expect(stdout.split("\n")[0]).toMatch(first);
    expect(stdout).toMatch(/acknowledged lost +0\n/);
    expect(stdout).toContain(`servers taking writes  1 (${writer})`);
    expect(code).toBe(0);
  });

  test("R30: a switchover that fails before its point of no return is undone: exit code 3", {
    timeout: PATIENCE_MS,
  }, async () => {
    const { code, stdout } = await demo("mariadb-switchover", "--fail", "catchUp", "--json", "--nodes", "2").finished;
    const [report, last] = stdout
      .trimEnd()
      .split("\n")
      .slice(-2)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(last).toMatchObject({ type: "snapshot", planName: "mariadb-switchover", status: "ROLLED_BACK" });
    expect(report).toMatchObject({ type: "report", acknowledgedLost: 0, writers: ["m1"] });
    expect(code).toBe(3);
  });

  test("Ctrl-C while clients write ends everything, and nothing is left on disk", {
    timeout: PATIENCE_MS,
  }, async () => {
    const { child, until, finished } = demo("mariadb-failover");
    await until(/clients write/);
    child.kill("SIGINT");
    expect((await finished).code).toBe(130);
    expect(await readdir(folder)).toEqual([]);
  });
});

test("where there is no MariaDB, one line names what to do", async () => {
  const { code, stderr } = await startBelayWith({ BELAY_MARIADB_BIN: folder }, "demo", "mariadb-failover").finished;
  expect(stderr).toMatch(/^belay: ENVIRONMENT: BELAY_MARIADB_BIN=.* is no MariaDB server that runs here/m);
  expect(stderr).toContain("install Debian's package mariadb-server-core");
  expect(code).toBe(1);
});

test("what means nothing to a MariaDB demo is refused", async () => {
  const kept = await demo("mariadb-failover", "--db", join(folder, "runs.db")).finished;
  expect(kept).toMatchObject({ code: 2 });
  expect(kept.stderr).toContain("--db means nothing to mariadb-failover: its servers end with it");
});
