/** The OceanBase demos as commands: what they say they run on, how they end, that another process takes one up. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { belayHere as belay } from "./command.ts";

const DEMOS = [
  ["oceanbase-switchover", "ALTER SYSTEM COMMIT TO SWITCHOVER TO PRIMARY"],
  ["oceanbase-tenant-failover", "ALTER SYSTEM ACTIVATE STANDBY TENANT = shop"],
  ["oceanbase-tenant-switchover", "ALTER SYSTEM SWITCHOVER TO PRIMARY TENANT = shop"],
] as const;

describe("the OceanBase demos", () => {
  test.for(DEMOS)("%s says first that no OceanBase runs, and ends with its statements", async ([name, statement]) => {
    const { code, stdout, stderr } = await belay("demo", name);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [first = ""] = stdout.split("\n");
    expect(first).toMatch(
      /no OceanBase runs here: a model in memory answers SQL as servers of MySQL's protocol on 127/,
    );
    expect(stdout).toContain(`\n  ${statement}\n`);
    expect(stdout).toContain("\nSUCCESSFUL after ");
    expect(stdout).not.toContain("only-for-this-demo");
  });

  test("R30: one that rests is rolled back by another command, on the tenants that it left", async () => {
    const folder = await mkdtemp(join(tmpdir(), "belay-oceanbase-"));
    const db = join(folder, "runs.db");
    try {
      const words = ["--fail", "drain", "--on-failure", "pause", "--db", db];
      expect(await belay("demo", "oceanbase-tenant-switchover", ...words)).toMatchObject({ code: 1, stderr: "" });
      const { code, stdout } = await belay("rollback", "--latest", "--db", db, "--why", "the standby hangs");
      // Rolled back, as it was asked.
      expect(code).toBe(0);
      expect(stdout).toContain("ROLLED_BACK after ");
      expect(stdout).toContain("\n  ALTER SYSTEM SWITCHOVER TO STANDBY TENANT = shop\n");
      expect(stdout).toContain("\n  ALTER SYSTEM SWITCHOVER TO PRIMARY TENANT = shop\n");
      expect((await readdir(folder)).filter((file) => file.startsWith("runs.db-runs"))).toEqual([]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
