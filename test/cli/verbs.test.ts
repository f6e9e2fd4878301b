/** The operator's verbs on a run that a file keeps (R37): asked of whoever executes it, or done here. */
import { setTimeout as sleep } from "node:timers/promises";
import { definePlan, type NodeSnapshot, type PlanDocument } from "@belay/engine";
import { openSqliteJournal, openSqliteReader } from "@belay/engine/sqlite";
import { describe, expect, test } from "vitest";
import { RunNotes } from "../../packages/cli/src/database/run-note.ts";
import { hang, jsonLines, type Kept, kept } from "./kept-runs.ts";

const failing: PlanDocument = {
  belay: 1,
  name: "fails",
  nodes: [
    { id: "a", action: "prepare", with: { who: "me" }, compensation: { action: "undo" } },
    { id: "b", action: "work", with: { fail: false }, upstreams: ["a"] },
    { id: "c", action: "belay.noop", upstreams: ["b"] },
  ],
};

/** A run of id "r1" that rests FAILED at b, which the module's action would do. */
async function failed(): Promise<Kept> {
  const one = await kept();
  const work = (): never => {
    throw new Error("the disk is full");
  };
  const actions = { prepare: () => 1, work, undo: () => 1 };
  await one.leave(failing, { actions, rests: true, runId: "r1" });
  return one;
}

const asking: PlanDocument = {
  belay: 1,
  name: "asks",
  nodes: [
    { id: "ask", action: "belay.approval", with: { approvers: ["ada"] } },
    { id: "told", action: "belay.signal", upstreams: ["ask"] },
  ],
};

describe("R37: a run that nobody executes", () => {
  test("retry takes it up, really retries, and follows it to its end", async () => {
    const { belay } = await failed();
    const words = ["--actions", "actions.ts", "--who", "ada", "--why", "disk replaced", "--request-id", "q1"];
    const { code, stdout, stderr } = await belay("retry", "r1", "b", ...words);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/b: started, attempt 2[\s\S]*retry is done[\s\S]*SUCCESSFUL after /);
    const logs = jsonLines((await belay("logs", "r1", "--json")).stdout);
    expect(logs).toContainEqual(
      expect.objectContaining({
        type: "audit",
        verb: "retry",
        nodeId: "b",
        who: "ada",
        why: "disk replaced",
        requestId: "q1",
      }),
    );
    // Asked again under its id it is done once, and answered the same.
    const again = await belay("retry", "r1", "b", "--request-id", "q1");
    expect(again).toEqual({ code: 0, stdout: "retry is done; run r1 is RUNNING\n", stderr: "" });
  });

  test.each([
    [["skip", "r1", "b", "--output", '{"by": "hand"}'], "SUCCESSFUL", 0],
    [["rollback", "r1"], "ROLLED_BACK", 0],
    [["rollback", "r1", "--to", "a"], "PARTIALLY_ROLLED_BACK", 0],
    [["abandon", "--latest"], "ABANDONED", 0],
  ])("%j leads to %s, exit code %i", async (words, status, code) => {
    const { belay } = await failed();
    const done = await belay(...words, "--actions", "actions.ts");
    expect(done).toMatchObject({ code, stderr: "" });
    expect(done.stdout).toContain(`${status} after `);
  });

  test("who asks is the user, unless somebody else is named", async () => {
    const { belay } = await failed();
    await belay("abandon", "r1", "--actions", "actions.ts");
    const { stdout } = await belay("logs", "r1", "--json");
    const entry = jsonLines(stdout).find(({ verb }) => verb === "abandon");
    expect(entry?.["who"]).toMatch(/./);
    expect(entry?.["requestId"]).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("a verb that the run refuses is told in the engine's words, exit code 2, and nothing of the run moves", async () => {
    const { belay, db } = await failed();
    const { records } = openSqliteReader(db).read("r1") ?? {};
    const { code, stdout, stderr } = await belay("pause", "r1");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe("belay: STATE_INVALID: pause is not possible while run r1 is FAILED, only in RUNNING\n");
    expect((await belay("skip", "r1", "never")).stderr).toBe(
      'belay: NOT_FOUND: run r1 has no node "never"; it has a, b, c\n',
    );
    expect(openSqliteReader(db).read("r1")?.records).toEqual(records);
  });

  test("a run that has ended refuses every verb", async () => {
    const { belay } = await failed();
    await belay("abandon", "r1", "--actions", "actions.ts");
    const stderr = "belay: STATE_INVALID: retry is not possible: run r1 has ended ABANDONED\n";
    expect(await belay("retry", "r1")).toEqual({ code: 2, stdout: "", stderr });
  });

  test("without its code it is not taken up, and what to type is told; to give it up needs no code", async () => {
    const { belay } = await failed();
    const { code, stderr } = await belay("retry", "r1");
    expect(code).toBe(2);
    expect(stderr).toMatch(/^belay: run r1 is not taken up: UNKNOWN_ACTION: /);
    expect(stderr).toContain("give the module that has its actions: belay retry r1 --actions MODULE --db DB\n");
    const back = await belay("rollback", "r1", "--to", "a");
    expect(back.stderr).toContain("belay rollback r1 --to a --actions MODULE --db DB\n");
    expect(await belay("abandon", "r1")).toMatchObject({ code: 0, stderr: "" });
  });

  test("one that was cut off can be canceled, and then abandoned, without its code", async () => {
    const { belay, leave } = await kept();
    await leave(failing, { actions: { prepare: hang, work: hang, undo: hang }, runId: "r1" });
    const canceled = await belay("cancel", "r1", "--why", "its machine burnt");
    expect(canceled).toMatchObject({ code: 0, stderr: "" });
    expect(canceled.stdout).toContain("CANCELED after ");
    expect((await belay("abandon", "r1")).stdout).toContain("ABANDONED after ");
  });

  test("one that was cut off says so, and what comes before a verb that it does not allow", async () => {
    const { belay, leave } = await kept();
    await leave(failing, { actions: { prepare: hang, work: hang, undo: hang }, runId: "r1" });
    const cut =
      "run r1 was cut off while it was RUNNING, and nobody executes it; let it go on first, to where it allows retry: " +
      "belay recover --db DB r1\n";
    expect(await belay("retry", "--latest")).toEqual({ code: 2, stdout: "", stderr: `belay: STATE_INVALID: ${cut}` });
    const preview = await belay("preview", "retry", "r1");
    expect(preview).toMatchObject({ code: 2, stdout: "" });
    expect(preview.stderr).toContain(`belay:   ${cut}`);
    expect((await belay("preview", "abandon", "r1")).stderr).toContain(
      "it is stopped there first: belay abandon r1 --db DB\n",
    );
    expect((await belay("show", "r1")).stdout).toContain("    belay abandon r1 --db DB\n");
  });

  test("the module that a run was taken up with is noted for the next command", async () => {
    const { belay, db } = await failed();
    await new RunNotes(db).write({ format: 1, runId: "r1", actions: "/gone.js", plans: [], pools: {}, demo: null });
    expect((await belay("recover", "r1", "--actions", "actions.ts")).code).toBe(1);
    expect(await belay("rollback", "r1")).toMatchObject({ code: 0, stderr: "" });
  });

  test("one that waits for people is taken up by the first who answers; the next one asks that process", async () => {
    const { belay, leave } = await kept();
    await leave(asking, { actions: {}, runId: "r1" });
    const approved = belay("approve", "r1", "ask", "--who", "ada");
    for (let looks = 0; looks < 200; looks++) {
      const [shown] = jsonLines((await belay("show", "r1", "--json")).stdout);
      const nodes = shown?.["nodes"] as readonly NodeSnapshot[];
      if (shown?.["owner"] !== null && nodes[1]?.status === "RUNNING") break;
      await sleep(10);
    }
    const told = await belay("signal", "r1", "told", "--output", '"go"', "--wait", "20");
    expect(told).toEqual({ code: 0, stdout: "signal is done; run r1 is SUCCESSFUL\n", stderr: "" });
    const { code, stdout } = await approved;
    expect(code).toBe(0);
    expect(stdout).toMatch(/ask: approved by ada[\s\S]*approve is done[\s\S]*told: succeeded[\s\S]*SUCCESSFUL after /);
  });

  test("--ask-only takes nothing up: whoever takes the run up does it", async () => {
    const { belay } = await failed();
    const { code, stdout } = await belay("abandon", "r1", "--ask-only", "--request-id", "q1");
    expect({ code, stdout }).toEqual({ code: 0, stdout: "asked as request q1; look: belay show r1 --db DB\n" });
    expect(jsonLines((await belay("runs", "--json")).stdout)[0]).toMatchObject({ status: "FAILED" });
    expect((await belay("logs", "r1")).stdout).toMatch(/ > \S+: abandon \(request q1\): not answered yet\n$/);
    await belay("recover", "r1", "--actions", "actions.ts");
    expect((await belay("logs", "r1")).stdout).toMatch(/ > \S+: abandon \(request q1\)\n$/);
    expect(jsonLines((await belay("runs", "--json")).stdout)[0]).toMatchObject({ status: "ABANDONED" });
  });
});

describe("R37: a run that another engine executes", () => {
  test("is asked there and answered; approve, then signal, by their people", async () => {
    const { belay, engine } = await kept();
    const executing = await engine({});
    const run = await executing.start(definePlan(asking), { runId: "r1" });
    await new Promise((resolve) => run.once("node:started", resolve));
    const refused = await belay("approve", "r1", "ask", "--who", "bob");
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/^belay: FORBIDDEN: /);
    expect(jsonLines((await belay("logs", "r1", "--json")).stdout).at(-1)).toMatchObject({
      type: "request",
      verb: "approve",
      nodeId: "ask",
      who: "bob",
      why: null,
      refused: { code: "FORBIDDEN", message: expect.stringContaining("ada may") },
    });
    expect((await belay("logs", "r1")).stdout).toMatch(
      /bob: approve of ask \(request \S+\): refused: FORBIDDEN: bob may not/,
    );
    const approved = await belay("approve", "r1", "ask", "--who", "ada", "--why", "checked");
    expect(approved).toEqual({ code: 0, stdout: "approve is done; run r1 is RUNNING\n", stderr: "" });
    const shown = await belay("show", "r1");
    expect(shown.stdout).toMatch(/executed by {2}process \d+ on /);
    expect(shown.stdout).toContain("    belay signal r1 told --db DB\n");
    const told = await belay("signal", "r1", "told", "--output", "[1]", "--json");
    expect(jsonLines(told.stdout)).toEqual([
      { type: "answer", requestId: expect.any(String), ok: true, status: "SUCCESSFUL" },
    ]);
    expect((await run.settled()).nodes[1]?.output).toEqual([1]);
  });

  test("that does not answer: it stays asked, and how to look and to wait on is told, exit code 1", async () => {
    const { belay, db } = await failed();
    const journal = openSqliteJournal(db);
    // An engine that owns the run and never looks.
    journal.open("host:7:x", { lost: () => undefined, orphaned: () => undefined, asked: () => undefined });
    await journal.claim("host:7:x", "r1");
    const { code, stdout, stderr } = await belay("retry", "r1", "--wait", "0", "--request-id", "q1");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr.split("\n")).toEqual([
      "belay: no answer after 0 s; run r1 is executed by process 7 on host",
      "belay: it stays asked, as request q1; look: belay show r1 --db DB",
      "belay: to wait on, ask again with --request-id q1: it is done once",
      "",
    ]);
    const later = belay("retry", "r1", "--request-id", "q1");
    await sleep(100);
    await journal.answer("q1", { ok: true, status: "RUNNING" });
    expect(await later).toEqual({ code: 0, stdout: "retry is done; run r1 is RUNNING\n", stderr: "" });
    journal.close("host:7:x");
  });

  test("when the file's engine does not execute the run, it is asked and that is said", async () => {
    const { belay, engine } = await failed();
    await engine({});
    const { code, stdout, stderr } = await belay("retry", "r1", "--actions", "actions.ts");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^asked as request [0-9a-f-]{36}; look: belay show r1 --db DB\n$/);
    expect(stderr).toMatch(/^belay: DB is used by process \d+ on \S+, which does not execute run r1: it is done once /);
  });
});

describe("the words of a verb", () => {
  test.each([
    [["skip", "r1"], "skip takes a run and a node"],
    [["pause", "r1", "b"], "error: too many arguments for 'pause'. Expected 1 argument but got 2: r1, b."],
    [["retry"], "which run? give its id, or --latest"],
    [["skip", "r1", "b", "--output", "{"], `--output takes JSON, such as '{"by": "hand"}' or '"text"', not "{"`],
    [["retry", "r1", "--wait", "x"], /'--wait <seconds>' argument 'x' is invalid/],
  ])("bad usage is one line and exit code 2: %j", async (words, message) => {
    const { belay } = await failed();
    const { code, stdout, stderr } = await belay(...words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr.trim().split("\n")).toHaveLength(1);
    if (typeof message === "string") expect(stderr).toContain(message.replace("error: ", ""));
    else expect(stderr).toMatch(message);
  });
});

describe("R38: preview", () => {
  test("says what a verb would do, of a run that nobody executes, and does nothing", async () => {
    const { belay, db } = await failed();
    const before = openSqliteReader(db).read("r1");
    const { code, stdout } = await belay("preview", "retry", "r1");
    expect(code).toBe(0);
    expect(stdout.split("\n")).toEqual([
      "the run would be RUNNING at once",
      "  would run, in this order:",
      "    b (attempt 2)",
      "    c",
      "if everything succeeds, it would rest SUCCESSFUL",
      "",
    ]);
    expect((await belay("preview", "rollback", "--latest")).stdout).toContain(
      "  would be undone, in this order:\n    a\n",
    );
    expect(openSqliteReader(db).read("r1")).toEqual(before);
  });

  test("of a verb that would be refused is the refusal, exit code 2; --json is the whole answer", async () => {
    const { belay } = await failed();
    const refused = await belay("preview", "approve", "r1", "b");
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toMatch(/^belay: STATE_INVALID: approve is not possible/);
    const json = await belay("preview", "skip", "r1", "b", "--json");
    expect(jsonLines(json.stdout)[0]).toMatchObject({ refused: null, finalStatus: "SUCCESSFUL", run: [{ node: "c" }] });
    expect((await belay("preview", "rertry", "r1")).stderr).toMatch(
      /^belay: there is no verb "rertry" \(did you mean "retry"\?\)/,
    );
  });
});
