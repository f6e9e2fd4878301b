/** `belay recover`: which runs it takes up, with what, and what it says of those that it does not. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { definePlan, type PlanDocument } from "@belay/engine";
import { afterEach, describe, expect, test, vi } from "vitest";
import { RunNotes } from "../../packages/cli/src/database/run-note.ts";
import { startBelay } from "./command.ts";
import { hang, jsonLines, kept } from "./kept-runs.ts";

const ACTIONS = fileURLToPath(new URL("./fixtures/actions.ts", import.meta.url));

/** `action` is cut off. */
function plan(action: string, name = "cut"): PlanDocument {
  const nodes = [
    { id: "a", action },
    { id: "b", action: "belay.noop", upstreams: ["a"] },
  ];
  return { belay: 1, name, nodes };
}

afterEach(() => {
  vi.unstubAllEnvs();
});

const idempotent = { actions: { again: hang } };

describe("R42: a run whose process is gone", () => {
  test("goes on with the module that is given, and ends like a run of belay run", async () => {
    const { belay, leave } = await kept();
    await leave(plan("again"), { ...idempotent, runId: "0123456789ab" });
    const { code, stdout, stderr } = await belay("recover", "--actions", "actions.ts");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("] taken up where it was cut off: a (RUNNING)\n");
    expect(stdout).toMatch(/a: succeeded[\s\S]*b: succeeded[\s\S]*run succeeded[\s\S]*SUCCESSFUL after /);
    const again = await belay("recover");
    expect(again).toEqual({ code: 0, stdout: "DB: nothing to take up, every run has ended\n", stderr: "" });
  });

  test("goes on with the module, pools and plans that it was started with", async () => {
    const { db, belay, leave } = await kept();
    const inner: PlanDocument = { belay: 1, name: "inner", nodes: [{ id: "x", action: "belay.noop" }] };
    const nodes = [
      { id: "a", action: "again", pool: "db" },
      { id: "s", action: "belay.plan", effect: "none", with: { plan: "inner" }, upstreams: ["a"] },
    ] as const;
    const document: PlanDocument = { belay: 1, name: "outer", nodes: nodes.map((node) => ({ ...node })) };
    const notes = new RunNotes(db);
    const note = { format: 1, runId: "r1", actions: ACTIONS, plans: [inner], pools: { db: 2 }, demo: null } as const;
    const engine = { plans: { inner: definePlan(inner) }, pools: { db: { concurrency: 2 } } };
    await leave(document, { ...idempotent, engine, runId: "r1" });
    expect((await belay("recover")).stderr).toMatch(/^belay: run r1 is not taken up: UNKNOWN_ACTION: /);
    await notes.write(note);
    expect(await belay("recover")).toMatchObject({ code: 0, stderr: "" });
    expect(await notes.ids()).toEqual([]);
  });

  test("R42: of which nobody can tell what came of it rests for an operator, who is told what to type", async () => {
    const { belay, leave } = await kept();
    await leave(plan("work"), { actions: { work: { run: hang.run } }, runId: "r1" });
    const { code, stdout } = await belay("recover", "--actions", "actions.ts");
    expect(code).toBe(1);
    expect(stdout).toContain("✗ a failed: CRASHED: the engine ended while it ran; it may have taken effect");
    expect(stdout).toContain("    belay retry r1 --db DB\n");
    expect(stdout).toContain("    belay skip r1 a --db DB\n");
  });

  test("R46: with secrets needs the key that sealed them, and shows them to nobody", async () => {
    const { belay, leave } = await kept();
    const key = Buffer.alloc(32, 7).toString("base64");
    const properties = { token: { type: "string", "x-secret": true } };
    const document: PlanDocument = {
      ...plan("again"),
      params: { type: "object", properties },
      nodes: [{ id: "a", action: "again", with: { token: { $cel: "params.token" } } }],
    };
    const params = { token: "hunter2-hunter2" };
    await leave(document, { ...idempotent, engine: { secrets: { key } }, params, runId: "r1" });
    const refused = await belay("recover", "--actions", "actions.ts");
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/^belay: run r1 is not taken up: SECRET_MISSING: /);
    expect(refused.stderr.split("\n")).toEqual([
      "belay: run r1 is not taken up: SECRET_MISSING: its secrets were sealed with a key that is not here: token",
      "belay:   give the key that sealed its secrets in BELAY_SECRET_KEY, or their values in a file (a mapping by these names; - is " +
        "the standard input): belay recover --db DB --secrets FILE r1; or give it up: belay abandon r1 --db DB",
      "",
    ]);
    const looked = await Promise.all([belay("show", "r1", "--json"), belay("export", "r1"), belay("logs", "r1")]);
    expect(JSON.stringify(looked)).not.toContain("hunter2");
    vi.stubEnv("BELAY_SECRET_KEY", key);
    expect(await belay("recover", "--actions", "actions.ts")).toMatchObject({ code: 0, stderr: "" });
  });

  test("killed with SIGKILL, goes on in another process without a word about its module", async () => {
    const { db, belay } = await kept();
    const { child, until, finished } = startBelay("run", "hang.yaml", "--actions", "actions.ts", "--db", db);
    await until(/child \d+/);
    child.kill("SIGKILL");
    await finished;
    const [listed] = jsonLines((await belay("runs", "--json")).stdout);
    expect(listed).toMatchObject({ planName: "hang", status: "RUNNING", ended: false, owner: null });
    const shown = await belay("show", "--latest");
    expect(shown.stdout).toContain("nobody: it was cut off");
    expect(shown.stdout).toContain(`    belay recover --db DB ${String(listed?.["runId"]).slice(0, 8)}\n`);
    const { code, stdout } = await belay("recover");
    expect(code).toBe(1);
    expect(stdout).toContain("CRASHED");
  });
});

describe("several runs", () => {
  test("go on together, each line says of which; those that rest all the time are one line, refused ones told", async () => {
    const { belay, leave } = await kept();
    await leave(plan("again", "one"), { ...idempotent, runId: "11111111-1" });
    await leave(plan("again", "two"), { ...idempotent, runId: "22222222-2" });
    await leave(plan("gone", "three"), { actions: { gone: hang }, runId: "33333333-3" });
    const failing = { fail: () => Promise.reject(new Error("no disk")) };
    await leave(plan("fail", "four"), { actions: failing, rests: true, runId: "44444444-4" });
    await leave(plan("belay.noop", "five"), { actions: {}, rests: true, runId: "55555555-5" });
    const { code, stdout, stderr } = await belay("recover", "--actions", "actions.ts");
    expect(code).toBe(2);
    expect(stdout).toMatch(/\] 11111111 a: succeeded/);
    expect(stdout).toMatch(/\] 22222222 run succeeded/);
    expect(stdout).toMatch(/run 11111111 of one\n\none {2}SUCCESSFUL/);
    expect(stdout).not.toContain("55555555");
    expect(stderr.split("\n")).toEqual([
      expect.stringMatching(/^belay: run 33333333 is not taken up: UNKNOWN_ACTION: .*"gone"/),
      "belay:   give the module that has its actions: belay recover --db DB --actions MODULE 33333333",
      expect.stringMatching(/^belay: run 44444444 is not taken up: UNKNOWN_ACTION: .*"fail"/),
      "belay:   give the module that has its actions: belay recover --db DB --actions MODULE 44444444",
      "",
    ]);
  });

  test("one that only rests is one line, and its status counts", async () => {
    const { belay, leave } = await kept();
    const work = () => Promise.reject(new Error("no disk"));
    await leave(plan("work", "one"), { actions: { work }, rests: true, runId: "11111111-1" });
    await leave(plan("again", "two"), { ...idempotent, runId: "22222222-2" });
    const { code, stdout } = await belay("recover", "--actions", "actions.ts");
    expect(code).toBe(1);
    expect(stdout).toContain("run 11111111 of one rests FAILED; belay show 11111111 --db DB\n");
    expect(stdout).not.toContain("no disk");
  });

  test("only those that are named, by the beginning of their ids", async () => {
    const { belay, leave } = await kept();
    await leave(plan("again"), { ...idempotent, runId: "1111-a" });
    await leave(plan("again"), { ...idempotent, runId: "1112-b" });
    const several = 'belay: "111" is the beginning of 2 runs: 1111-a, 1112-b\n';
    expect(await belay("recover", "111")).toEqual({ code: 2, stdout: "", stderr: several });
    expect((await belay("recover", "9")).stderr).toBe('belay: no run "9"; "belay runs" lists them\n');
    expect(await belay("recover", "1111", "--actions", "actions.ts")).toMatchObject({ code: 0, stderr: "" });
    const runs = jsonLines((await belay("runs", "--json")).stdout);
    expect(runs.map(({ status }) => status)).toEqual(["SUCCESSFUL", "RUNNING"]);
  });

  test("--json is an event per line with its run, refusals among them, and a snapshot of each", async () => {
    const { belay, leave } = await kept();
    await leave(plan("again", "one"), { ...idempotent, runId: "r1" });
    await leave(plan("gone", "two"), { actions: { gone: hang }, runId: "r2" });
    const { code, stdout, stderr } = await belay("recover", "--json", "--actions", "actions.ts");
    expect({ code, stderr }).toEqual({ code: 2, stderr: "taken up where it was cut off: a (RUNNING)\n" });
    const lines = jsonLines(stdout);
    expect(lines).toContainEqual(expect.objectContaining({ type: "node:succeeded", runId: "r1", nodeId: "a" }));
    expect(lines).toContainEqual(
      expect.objectContaining({ type: "refused", runId: "r2", code: "UNKNOWN_ACTION", remedy: expect.any(String) }),
    );
    expect(lines.at(-1)).toMatchObject({ type: "snapshot", id: "r1", status: "SUCCESSFUL" });
  });
});

describe("a demo whose process was killed after its run had ended", () => {
  test("is put away: without servers its note is all that was left", async () => {
    const { belay, leave, db } = await kept();
    await leave(plan("belay.noop"), { actions: {}, rests: true, runId: "r1" });
    const notes = new RunNotes(db);
    const options = { writers: 1, nodes: 2 };
    const demo = { name: "postgres-failover", options, dataDir: `${db}-gone`, told: true } as const;
    await notes.write({ format: 1, runId: "r1", actions: null, plans: [], pools: {}, demo });
    expect(await belay("recover")).toMatchObject({ code: 0, stderr: "" });
    expect(await notes.ids()).toEqual([]);
  });
});

describe("what is refused", () => {
  test("R5: a run that follows another version of a plan that is given", async () => {
    const { belay, leave } = await kept();
    await leave(plan("again", "sample"), { ...idempotent, runId: "r1" });
    const { code, stderr } = await belay("recover", "--actions", "actions.ts", "--plan", "plan.yaml");
    expect(code).toBe(2);
    expect(stderr).toMatch(/PLAN_CHANGED: run r1 follows another version of plan "sample"/);
    expect(stderr).toContain(
      "give the version of the plan that it was started with, or none: belay recover --db DB r1",
    );
  });

  test("R44: a file whose runs another process executes", async () => {
    const { leave, belay, engine } = await kept();
    await leave(plan("again"), { ...idempotent, runId: "r1" });
    await engine({});
    const { code, stderr } = await belay("recover", "--actions", "actions.ts");
    expect(code).toBe(2);
    expect(stderr).toMatch(/^belay: --db DB: process \d+ on \S+ executes its runs: ask it, or end it first\n$/);
  });

  test("a file that is not there, and nothing is made", async () => {
    const { belay, db } = await kept();
    for (const command of ["recover", "runs", "show", "logs", "export"]) {
      expect(await belay(command)).toEqual({ code: 2, stdout: "", stderr: "belay: --db DB: there is no such file\n" });
    }
    expect((await belay("prune", "--older-than", "1d")).code).toBe(2);
    expect(existsSync(db)).toBe(false);
  });
});
