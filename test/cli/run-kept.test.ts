/** `belay run --db`: a run that a file keeps, beside others that are left alone. */
import { writeFile } from "node:fs/promises";
import type { PlanDocument } from "@belay/engine";
import { describe, expect, test } from "vitest";
import { RunNotes } from "../../packages/cli/src/database/run-note.ts";
import { hang, jsonLines, kept } from "./kept-runs.ts";

const SAMPLE = ["run", "plan.yaml", "--actions", "actions.ts", "--params", "who=me"] as const;

const locked: PlanDocument = { belay: 1, name: "l", locks: ["one"], nodes: [{ id: "a", action: "hang" }] };

describe("R39: belay run --db", () => {
  test("keeps the run; a success needs no note of what it was started with, a failure does", async () => {
    const { belay, db } = await kept();
    expect((await belay(...SAMPLE)).code).toBe(0);
    expect(await new RunNotes(db).ids()).toEqual([]);
    const { code, stdout } = await belay(...SAMPLE, "fail=true");
    expect(code).toBe(1);
    const [, id = ""] = /belay retry (\S+) --db DB/.exec(stdout) ?? [];
    expect(stdout).toContain(`    belay rollback ${id} --db DB\n`);
    const runs = jsonLines((await belay("runs", "--json")).stdout);
    expect(runs.map(({ status }) => status)).toEqual(["SUCCESSFUL", "FAILED"]);
    const [noted = ""] = await new RunNotes(db).ids();
    expect(noted.startsWith(id)).toBe(true);
    expect((await belay("retry", id)).stdout).toContain("✗ work failed: the disk is full (attempt 2)");
  });

  test("says what else the file holds, and does not touch it", async () => {
    const { belay, leave } = await kept();
    await leave(locked, { actions: { hang }, runId: "cut-off" });
    const nodes = [{ id: "a", action: "fail" }];
    const fail = () => Promise.reject(new Error("no"));
    await leave({ belay: 1, name: "f", nodes }, { actions: { fail }, rests: true, runId: "rests" });
    const { code, stderr } = await belay(...SAMPLE);
    expect(code).toBe(0);
    expect(stderr.split("\n")).toEqual([
      "belay: DB holds a run that was cut off and not executed by this command (cut-off); later: belay recover --db DB",
      "belay: DB holds a run that waits for an operator: belay runs --db DB",
      "",
    ]);
    const runs = jsonLines((await belay("runs", "--json")).stdout);
    expect(runs.map(({ status }) => status)).toEqual(["RUNNING", "FAILED", "SUCCESSFUL"]);
  });

  test("R46: says that secrets which are sealed with no key of the user's end with the process", async () => {
    const { belay } = await kept();
    const words = ["run", "secret.yaml", "--actions", "actions.ts", "--params", "token=hunter2", "--pool", "db=1"];
    const { stderr, stdout } = await belay(...words);
    expect(stderr).toMatch(
      /^belay: BELAY_SECRET_KEY is not set: .* belay recover --db DB --secrets FILE .* belay abandon /,
    );
    expect(stdout).not.toContain("hunter2");
  });

  test("R46: says nothing of a key when the plan's secrets were not given", async () => {
    const { belay, db } = await kept();
    const params = { properties: { token: { type: "string", "x-secret": true } } };
    await writeFile(
      `${db}.yaml`,
      JSON.stringify({ belay: 1, name: "p", params, nodes: [{ id: "a", action: "belay.noop" }] }),
    );
    expect(await belay("run", `${db}.yaml`)).toMatchObject({ code: 0, stderr: "" });
  });

  test("R43: the same token gives the same run, whose result is told again", async () => {
    const { belay, db } = await kept();
    await belay(...SAMPLE, "--client-token", "t");
    const again = await belay(...SAMPLE, "--client-token", "t", "--json");
    expect(again.code).toBe(0);
    expect(again.stderr).toMatch(
      /^belay: nothing new was started: client token "t" is that of run [0-9a-f]{8}, which is shown\n$/,
    );
    const other = await belay(
      "run",
      "plan.yaml",
      "--actions",
      "actions.ts",
      "--params",
      "who=you",
      "--client-token",
      "t",
    );
    expect(other).toMatchObject({ code: 2, stdout: "" });
    expect(other.stderr).toMatch(/^belay: client token "t" was used for another request/);
    expect(jsonLines((await belay("runs", "--json")).stdout)).toHaveLength(1);
    expect(await new RunNotes(db).ids()).toEqual([]);
  });

  test("R40: a lock that another run has is refused with where to look, and nothing is left", async () => {
    const { belay, leave, db } = await kept();
    await leave(locked, { actions: { hang }, runId: "holder" });
    await leave({ ...locked, locks: [] }, { actions: { hang }, runId: "other" });
    const { code, stderr } = await belay("run", "locked.yaml");
    expect(code).toBe(2);
    expect(stderr).toContain("belay: another run has a lock that this one needs; look: belay show holder --db DB\n");
    expect(await new RunNotes(db).ids()).toEqual([]);
  });

  test("R44: a file whose runs another process executes is refused", async () => {
    const { belay, engine } = await kept();
    await engine({});
    const { code, stdout, stderr } = await belay(...SAMPLE);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^belay: --db DB: process \d+ on \S+ executes its runs: give another file\n$/);
  });
});
