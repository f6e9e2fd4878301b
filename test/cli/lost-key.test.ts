/** Runs whose secrets were sealed with a key that ended with its process (R46): given anew, or given up. */
import { writeFile } from "node:fs/promises";
import type { PlanDocument } from "@belay/engine";
import { openSqliteReader } from "@belay/engine/sqlite";
import { describe, expect, test } from "vitest";
import { RunNotes } from "../../packages/cli/src/database/run-note.ts";
import { startBelay } from "./command.ts";
import { hang, jsonLines, type Kept, kept } from "./kept-runs.ts";

const TOKEN = { type: "string", minLength: 12, "x-secret": true };
const PARAMS = { token: "hunter2-hunter2" };

/** `again` is in the module of the tests; of two nodes in a pool of one, the second has not started. */
const secretly: PlanDocument = {
  belay: 1,
  name: "secretly",
  locks: ["cluster"],
  params: { properties: { token: TOKEN } },
  nodes: [
    {
      id: "a",
      action: "again",
      pool: "one",
      with: { token: { $cel: "params.token" } },
      compensation: { action: "undo" },
    },
    { id: "b", action: "again", pool: "one" },
  ],
};
const engine = { pools: { one: { concurrency: 1 } } };
const WORDS = ["--actions", "actions.ts", "--pool", "one=1"] as const;

/** Cut off in a, which its journal cannot open any more. */
async function cutOff(): Promise<Kept> {
  const one = await kept();
  await one.leave(secretly, { actions: { again: hang, undo: hang }, engine, params: PARAMS, runId: "r1" });
  return one;
}

async function statusOf({ belay }: Kept): Promise<unknown> {
  return jsonLines((await belay("runs", "--json")).stdout)[0]?.["status"];
}

describe("R46: a run whose key is gone", () => {
  test.each([[[]], [WORDS]])(
    "is abandoned with one command, its lock is free, nothing was called: %j",
    async (words) => {
      const one = await cutOff();
      const { code, stdout, stderr } = await one.belay("abandon", "r1", "--who", "ada", ...words);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain("ABANDONED after ");
      const [listed] = jsonLines((await one.belay("runs", "--json")).stdout);
      expect(listed).toMatchObject({ status: "ABANDONED", locks: [] });
      const [shown] = jsonLines((await one.belay("show", "r1", "--json")).stdout);
      expect(shown).toMatchObject({
        nodes: [
          { id: "a", started: true },
          { id: "b", started: false },
        ],
      });
      const audit = (shown?.["audit"] ?? []) as readonly Record<string, unknown>[];
      const verbs = audit.filter(({ verb }) => verb !== "recover");
      expect(verbs.map(({ verb, who, why }) => [verb, who, why])).toEqual([
        ["start", null, null],
        ["cancel", "ada", "to abandon it"],
        ["abandon", "ada", null],
      ]);
    },
  );

  test("is canceled, then abandoned", async () => {
    const one = await cutOff();
    const canceled = await one.belay("cancel", "r1", "--request-id", "q1");
    expect(canceled).toMatchObject({ code: 0, stderr: "" });
    expect(canceled.stdout).toContain("cancel is done");
    expect(await one.belay("cancel", "r1", "--request-id", "q1")).toMatchObject({ code: 0 });
    expect(await statusOf(one)).toBe("CANCELED");
    expect(await one.belay("abandon", "r1")).toMatchObject({ code: 0, stderr: "" });
    expect(await statusOf(one)).toBe("ABANDONED");
  });

  test("is abandoned where its rollback was cut off, and nothing more is undone", async () => {
    const one = await kept();
    const fails: PlanDocument = {
      ...secretly,
      onFailure: "rollback",
      nodes: [...secretly.nodes.slice(0, 1), { id: "b", action: "fail", upstreams: ["a"] }],
    };
    const actions = { again: () => 1, fail: () => Promise.reject(new Error("no")), undo: hang };
    const begun = { actions, engine, params: PARAMS, runId: "r1" };
    await one.leave(fails, {
      ...begun,
      meanwhile: (run) =>
        new Promise((resolve) => run.once("node:compensating", () => setImmediate(resolve as () => void))),
    });
    expect(await statusOf(one)).toBe("ROLLING_BACK");
    const canceled = await one.belay("cancel", "r1");
    expect(canceled.code).toBe(2);
    expect(canceled.stderr).toContain("run r1 was cut off while it was ROLLING_BACK");
    const { code, stdout, stderr } = await one.belay("abandon", "r1");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("ABANDONED after ");
    const [shown] = jsonLines((await one.belay("show", "r1", "--json")).stdout);
    expect(shown).toMatchObject({ nodes: [{ id: "a", status: "COMPENSATION_FAILED" }, { id: "b" }] });
  });

  test("goes on with the values from a file, which no other run and no typing error gets", async () => {
    const one = await cutOff();
    const file = `${one.db}.yaml`;
    const recover = (...words: string[]) => one.belay("recover", ...WORDS, "--secrets", file, ...words);
    await writeFile(file, "tokken: hunter2-hunter2\n");
    const unknown = await recover();
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('INVALID_ARGUMENT: recover: run r1 lacks token, not "tokken"');
    await writeFile(file, "- hunter2-hunter2\n");
    expect((await recover()).stderr).toBe("belay: DB.yaml must hold a mapping of secrets\n");
    await writeFile(file, "token: hunter2-hunter2\n");
    await one.leave({ ...secretly, locks: [] }, { actions: { again: hang, undo: hang }, engine, runId: "r2" });
    expect((await recover()).stderr).toBe("belay: --secrets gives those of one run, and there are 2: name one\n");
    const { code, stdout, stderr } = await recover("r1");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("SUCCESSFUL after ");
    expect(JSON.stringify(openSqliteReader(one.db).read("r1"))).not.toContain("hunter2");
  });

  test("started by the command without a key and killed, it is told before what can be done, and that is true", async () => {
    const { db, belay } = await kept();
    const plan = `${db}.plan.yaml`;
    const document = {
      belay: 1,
      name: "p",
      params: { properties: { token: TOKEN } },
      nodes: [{ id: "h", action: "hang" }],
    };
    await writeFile(plan, JSON.stringify(document));
    await writeFile(`${db}.params.yaml`, "token: hunter2-hunter2\n");
    const words = ["run", plan, "--actions", "actions.ts", "--params", `@${db}.params.yaml`, "--db", db];
    const { child, until, finished } = startBelay(...words);
    await until(/child \d+/);
    child.kill("SIGKILL");
    const { stderr } = await finished;
    const [, file, run = ""] =
      /belay recover --db (\S+) --secrets FILE (\S+); or it is given up: belay abandon/.exec(stderr) ?? [];
    expect(file).toBe(db);
    expect((await belay("recover", "--secrets", `${db}.params.yaml`, run)).stdout).toContain("CRASHED");
    // It rests, and nothing of its code or its secrets is needed to give it up.
    expect(await belay("abandon", run)).toMatchObject({ code: 0, stderr: "" });
    expect(await new RunNotes(db).ids()).toEqual([]);
  });
});
