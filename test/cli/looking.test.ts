/** `belay runs`, `show`, `logs`, `export`, `prune`: what is said of the runs of a file, by somebody who owns none. */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import type { PlanDocument } from "@belay/engine";
import { readExport } from "@belay/engine/journal";
import { describe, expect, test } from "vitest";
import { belayHere } from "./command.ts";
import { hang, jsonLines, type Kept, kept } from "./kept-runs.ts";

const plan = (action: string, name: string): PlanDocument => ({
  belay: 1,
  name,
  locks: [`lock of ${name}`],
  nodes: [
    { id: "a", action, compensation: { action: "undo" } },
    { id: "b", action: "belay.noop", upstreams: ["a"] },
  ],
});

const actions = {
  hang,
  undo: () => 1,
  ok: (ctx: { log(message: string, details?: { n: number }): void }) => {
    ctx.log("looks\u001b[31m fine", { n: 1 });
  },
  fail: () => Promise.reject(new Error("no disk")),
};

/** One run that was cut off, one that rests, one that has ended. */
async function three(): Promise<Kept> {
  const one = await kept();
  await one.leave(plan("hang", "first"), { actions, runId: "11111111-1" });
  await one.leave(plan("fail", "second"), { actions, rests: true, runId: "22222222-2" });
  await one.leave(plan("ok", "third"), { actions, rests: true, runId: "22222222-3", clientToken: "t" });
  return one;
}

describe("belay runs", () => {
  test("is a row per run, ids as short as they can be, and who is expected to do something", async () => {
    const { belay } = await three();
    const { code, stdout, stderr } = await belay("runs");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^RUN {9}STATUS {6}PLAN {4}STARTED {2}CHANGED {2}NOTE$/);
    expect(lines[1]).toMatch(/^11111111 {4}RUNNING {5}first {3,}\d+\.\ds +\d+\.\ds {2}cut off: belay recover$/);
    expect(lines[2]).toMatch(/^22222222-2 {2}FAILED {6}second .* waits for an operator$/);
    expect(lines[3]).toMatch(/^22222222-3 {2}SUCCESSFUL {2}third {3,}\d+\.\ds +\d+\.\ds$/);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test("--status picks, --json is one object per run", async () => {
    const { belay } = await three();
    expect((await belay("runs", "--status", "PAUSED")).stdout).toBe("no runs\n");
    const { stdout } = await belay("runs", "--status", "FAILED", "SUCCESSFUL", "--json");
    expect(jsonLines(stdout)).toMatchObject([
      {
        runId: "22222222-2",
        planName: "second",
        status: "FAILED",
        ended: false,
        locks: ["lock of second"],
        owner: null,
      },
      { runId: "22222222-3", status: "SUCCESSFUL", ended: true, locks: [], clientToken: "t" },
    ]);
    expect((await belay("runs", "--status", "BROKEN")).stderr).toMatch(/Allowed choices are RUNNING, PAUSED, /);
  });

  test("says which process executes a run", async () => {
    const { belay, engine } = await kept();
    const { definePlan } = await import("@belay/engine");
    await (await engine(actions)).start(definePlan(plan("hang", "first")), { runId: "r1" });
    expect((await belay("runs")).stdout).toContain(`executed by process ${process.pid} on `);
  });
});

describe("belay show", () => {
  test("is where a run's nodes stand, what failed, and what an operator can do, as commands", async () => {
    const { belay } = await three();
    const { code, stdout } = await belay("show", "22222222-2");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^run {10}22222222-2\nplan {9}second [0-9a-f]{12}\n/);
    expect(stdout).toContain("executed by  nobody\nlocks        lock of second\n");
    expect(stdout).toContain("✗ FAILED        a       1");
    const [, can] = stdout.split("What you can do now:\n");
    expect(can?.split("\n")).toEqual([
      "  go forward again, once the cause is removed:",
      "    belay retry 22222222-2 --db DB",
      "  pass a, once it is done by hand:",
      "    belay skip 22222222-2 a --db DB",
      "  undo what was done (a):",
      "    belay rollback 22222222-2 --db DB",
      "  give it up; nothing is undone:",
      "    belay abandon 22222222-2 --db DB",
      "  what one of them would do, before it is done:",
      "    belay preview retry 22222222-2 --db DB",
      "",
    ]);
  });

  test("--latest is the run that was started last; --json is its snapshot, with its owner, locks and audit trail", async () => {
    const { belay } = await three();
    const [shown] = jsonLines((await belay("show", "--latest", "--json")).stdout);
    expect(shown).toMatchObject({ id: "22222222-3", status: "SUCCESSFUL", owner: null, locks: [] });
    expect(shown?.["audit"]).toMatchObject([{ verb: "start" }]);
    expect((await belay("show", "1", "--json")).stdout).toContain('"id":"11111111-1"');
  });
});

describe("belay show, its words", () => {
  test("are whole where nothing has to fit a terminal", async () => {
    const { belay, leave } = await kept();
    const message = `what is decisive stands at the end of a long message ${"-".repeat(80)} here`;
    const nodes = [{ id: "a", action: "fail" }];
    const fail = () => Promise.reject(new Error(message));
    await leave({ belay: 1, name: "f", nodes }, { actions: { fail }, rests: true, runId: "r1" });
    await belay("abandon", "r1", "--why", message);
    const { stdout } = await belay("show", "r1");
    expect(stdout).not.toContain("…");
    expect(stdout.split(message)).toHaveLength(4);
  });

  test("R26: an approval that expired has done nothing, and is not said to", async () => {
    const { belay, db } = await kept();
    const nodes = [{ id: "go", action: "belay.approval", timeout: 0.05, with: { approvers: ["ada"] } }];
    await writeFile(`${db}.yaml`, JSON.stringify({ belay: 1, name: "asks", nodes }));
    const { code, stdout } = await belay("run", `${db}.yaml`);
    expect(code).toBe(1);
    expect(stdout).toContain(
      "go: failed: TIMEOUT: what it waits for did not come within 0.05 s; it changes nothing by itself\n",
    );
    expect(stdout).not.toMatch(/taken effect|outcome unknown/);
  });
});

describe("belay logs", () => {
  test("are lines of actions and entries of the audit trail, without what could move a cursor", async () => {
    const { belay } = await three();
    await belay("abandon", "22222222-2", "--who", "ada", "--why", "by hand", "--request-id", "q");
    const failed = await belay("logs", "22222222-2");
    expect(failed.stdout).toMatch(/> somebody: start\n/);
    expect(failed.stdout).toMatch(/^\S+Z > ada: abandon: by hand \(request q\)$/m);
    const fine = await belay("logs", "--latest");
    expect(fine.stdout).toMatch(/^\S+Z a \| looks fine \{"n":1\}$/m);
    expect(jsonLines((await belay("logs", "--latest", "--json")).stdout)).toMatchObject([
      { type: "audit", verb: "start", runId: "22222222-3" },
      { type: "log", nodeId: "a", attempt: 1, message: "looks\u001b[31m fine", details: { n: 1 } },
    ]);
  });
});

describe("belay export", () => {
  test("is the whole run as sealed lines of JSON", async () => {
    const { belay } = await three();
    const { code, stdout } = await belay("export", "22222222-3");
    expect(code).toBe(0);
    const { header, records } = await readExport(stdout.split("\n"));
    expect(header).toMatchObject({ runId: "22222222-3", document: { name: "third" } });
    expect(records.length).toBeGreaterThan(3);
  });
});

describe("belay prune", () => {
  test("drops what has ended so long ago, and nothing that has not ended", async () => {
    const { belay } = await three();
    expect((await belay("prune", "--older-than", "1h")).stdout).toBe("0 runs dropped\n");
    expect((await belay("prune", "--older-than", "0s")).stdout).toBe("1 run dropped\n");
    const ids = jsonLines((await belay("runs", "--json")).stdout).map(({ runId }) => runId);
    expect(ids).toEqual(["11111111-1", "22222222-2"]);
    expect((await belay("prune", "--older-than", "30")).stderr).toContain("such as 30d");
  });

  test("R44: is refused while an engine uses the file", async () => {
    const { belay, engine } = await three();
    await engine(actions);
    const { code, stderr } = await belay("prune", "--older-than", "0s");
    expect(code).toBe(2);
    expect(stderr).toMatch(/executes its runs: end it first, or let it call engine\.prune\n$/);
  });
});

describe("a file that is no journal", () => {
  test("is called what it is, in words of the command, and nothing is left beside it", async () => {
    const { belay, db } = await kept();
    await writeFile(db, "");
    const empty = { code: 2, stdout: "", stderr: "belay: --db DB: the file is empty: it holds no journal\n" };
    for (const command of ["runs", "recover", "export", "show"]) expect(await belay(command)).toEqual(empty);
    await writeFile(db, "belay: 1\nname: p\n");
    for (const words of [["runs"], ["export"], ["run", "kept.yaml"]]) {
      const { code, stderr } = await belay(...words);
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /^belay: JOURNAL_CORRUPT: journal DB: it is not a journal of Belay, .*; name a journal's file, /,
      );
    }
    expect(existsSync(`${db}-owner`)).toBe(false);
    const device = await belayHere("runs", "--db", "/dev/null");
    expect(device).toEqual({ code: 2, stdout: "", stderr: "belay: --db /dev/null: it is no file\n" });
  });
});
