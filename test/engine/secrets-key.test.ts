/** Runs with secrets in other hands: without the key, with another one, with values given again (R42, R46). */
import { type ActionRegistry, createEngine, definePlan, type Json, MemoryJournal } from "@belay/engine";
import { settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import type { JournalRecord, RunHeader } from "../../packages/engine/src/journal/port.ts";
import { type Life, life } from "./second-life.ts";
import { actions, begun, copyRun, document, hang, KEY, LAST, next, PARAMS, params, SECRET } from "./secret-hands.ts";
import { nodeOf, plan, refused } from "./stage.ts";

describe("R46: without the key", () => {
  test.each([
    ["no key", {}],
    ["another key", { secrets: { key: Buffer.alloc(32, 2) } }],
  ])("R46: with %s the run is refused, with what is missing and both remedies", async (_, options) => {
    const { engine, journal } = await next(await begun(), options);
    expect(engine.runs()).toEqual([]);
    const error = engine.refused()[0]?.error;
    expect(error).toMatchObject({ code: "SECRET_MISSING", details: { runId: "r" } });
    const missing = ["password", "users[0].token", "nodes.login.output.token"];
    expect(error?.details["missing"]).toEqual(missing);
    expect(error?.message).toContain("the same secrets.key");
    expect(error?.message).toContain('engine.recover({ runs: ["r"], secrets: { "password": ..., ');
    expect(error?.message).not.toMatch(/hunter2|tok-/);
    await refused(engine.find("r"), "SECRET_MISSING");
    expect(journal.list()[0]).toMatchObject({ owner: null, ended: false });
  });

  test("R46: values for a run that goes on here are refused, not dropped in silence", async () => {
    const { engine } = await begun();
    const { runs, refused: no } = await engine.recover({ runs: ["r"], secrets: { password: "another" } });
    expect(runs).toEqual([]);
    expect(no.map(({ runId, error }) => [runId, error.code])).toEqual([["r", "INVALID_ARGUMENT"]]);
    expect(engine.refused()).toEqual([]);
  });

  test("R46: an engine without a key seals with one of its own, and takes its own runs up", async () => {
    let fails = false;
    class FullDisk extends MemoryJournal {
      override append(...args: Parameters<MemoryJournal["append"]>): void {
        if (fails) throw new Error("no space left");
        super.append(...args);
      }
    }
    const letGo: (() => void)[] = [];
    const { extra, got } = actions(() => new Promise<void>((resolve) => letGo.push(resolve)));
    const journal = new FullDisk();
    const engine = await createEngine({ actions: extra, journal });
    const run = await engine.start(definePlan(document), { runId: "r", params: PARAMS });
    await settleTurns();
    fails = true;
    letGo[0]?.();
    expect((await run.settled()).fault).toMatchObject({ code: "JOURNAL_FAILED" });
    fails = false;
    expect((await engine.recover()).runs).toHaveLength(1);
    await settleTurns();
    letGo[1]?.();
    expect((await run.settled()).status).toBe("SUCCESSFUL");
    expect(got.at(-1)).toEqual(LAST);
    await engine.close();
  });

  test.each([
    ["bytes", KEY],
    ["hex", KEY.toString("hex")],
    ["base64", KEY.toString("base64")],
    ["base64 for URLs, from a file", `${KEY.toString("base64url")}\n`],
  ])("R46: the same key as %s opens what was sealed", async (_, key) => {
    const { extra, got } = actions();
    const second = await next(await begun(), { secrets: { key } }, extra);
    expect((await second.settled()).status).toBe("SUCCESSFUL");
    expect(got.at(-1)).toEqual(LAST);
  });

  test("R46: a previous key opens what it sealed; what is sealed from now on needs the new one alone", async () => {
    const key = Buffer.alloc(32, 3);
    const second = await next(await begun(), { secrets: { key, previousKeys: [KEY] } }, actions(hang).extra);
    expect(second.engine.runs()).toHaveLength(1);
    await second.start(document, { runId: "s", params: PARAMS });
    await settleTurns();
    const third = await next(second, { secrets: { key } });
    expect(third.engine.refused().map(({ runId }) => runId)).toEqual(["r"]);
    expect((await third.settled("s")).status).toBe("SUCCESSFUL");
  });

  test("R46: a run that has ended is read without the key: what was sealed reads [secret]", async () => {
    const first = await life({ extra: actions().extra, engine: { secrets: { key: KEY } } });
    await first.rest(await first.start(document, { runId: "r", params: PARAMS }));
    const run = await (await next(first, {})).engine.find("r");
    expect(run?.snapshot().status).toBe("SUCCESSFUL");
    expect(nodeOf(run?.snapshot() as never, "login").output).toEqual({ token: "[secret]", expires: 60 });
    expect(nodeOf(run?.snapshot() as never, "users[0]").item).toEqual({ name: "ann", token: "[secret]" });
  });

  test.each([
    ["too few bytes", Buffer.alloc(31)],
    ["a password", "correct horse battery staple"],
    ["a number", 5 as never],
  ])("R46: %s is no key, and the refusal does not repeat it", async (_, key) => {
    const error = await refused(life({ engine: { secrets: { key } } }), "INVALID_ARGUMENT");
    expect(error.message).toContain("openssl rand -base64 32");
    expect(error.message).not.toContain("correct horse");
    await refused(life({ engine: { secrets: { previousKeys: [key] } } }), "INVALID_ARGUMENT");
    await refused(life({ engine: { secrets: { kay: KEY } as never } }), "INVALID_ARGUMENT");
  });
});

describe("R46: a run that is given up", () => {
  test("R46: needs no secret, and nothing of it is called: canceled, then abandoned, its locks are free", async () => {
    const called: unknown[] = [];
    const { extra } = actions((...args: unknown[]) => called.push(args));
    const second = await next(await begun(), {}, extra);
    await refused(second.engine.recover({ runs: ["r"], giveUp: "yes" as never }), "INVALID_ARGUMENT");
    const { runs, refused: no } = await second.engine.recover({ runs: ["r"], giveUp: true });
    expect([runs.length, no]).toEqual([1, []]);
    await settleTurns();
    expect(second.run().snapshot().status).toBe("RUNNING");
    await second.run().cancel({ who: "ada" });
    expect((await second.settled()).status).toBe("CANCELED");
    await second.run().abandon({ who: "ada" });
    expect((await second.settled()).status).toBe("ABANDONED");
    expect(called).toEqual([]);
  });

  test("R46: cut off in its rollback it comes to rest, with what was not undone", async () => {
    const undone: string[] = [];
    const secretly = plan(
      [
        { id: "a", action: "note", compensation: { action: "undo" } },
        { id: "b", action: "fail", upstreams: ["a"], compensation: { action: "undo" } },
      ],
      { params, onFailure: "rollback" },
    );
    const extra = {
      note: { idempotent: true, run: () => undefined },
      fail: () => Promise.reject(new Error("no")),
      undo: { idempotent: true, run: hang },
    };
    const first = await life({ extra, engine: { secrets: { key: KEY } } });
    await first.start(secretly, { runId: "r", params: PARAMS });
    await settleTurns();
    expect(first.run().snapshot().status).toBe("ROLLING_BACK");
    const undo = { idempotent: true, run: ({ nodeId }: { nodeId: string }) => void undone.push(nodeId) };
    const second = await next(first, {}, { ...extra, undo });
    await second.engine.recover({ runs: ["r"], giveUp: true });
    const snapshot = await second.settled();
    expect(snapshot.status).toBe("ROLLBACK_FAILED");
    expect(nodeOf(snapshot, "b").compensation?.error).toMatchObject({ code: "SECRET_MISSING" });
    // With its key it goes on from there.
    const third = await next(second, { secrets: { key: KEY } }, { ...extra, undo });
    await third.run().rollback({ who: "ada" });
    expect((await third.settled()).status).toBe("ROLLED_BACK");
    expect(undone).toEqual(["b", "a"]);
  });
});

describe("R46: values given again", () => {
  const all = { password: "hunter2-Zx9", "users[0].token": "tok-ann", "nodes.login.output.token": "tok-login" };

  test("R46: with all that is missing the run goes on, and nothing shows them", async () => {
    const { extra, got } = actions();
    const second = await next(await begun(), {}, extra);
    const { runs, refused: no } = await second.engine.recover({ runs: ["r"], secrets: all });
    expect([runs.length, no]).toEqual([1, []]);
    expect((await second.settled()).status).toBe("SUCCESSFUL");
    expect(got.at(-1)).toEqual(LAST);
    expect(nodeOf(await second.settled(), "login").output).toEqual({ token: "[secret]", expires: 60 });
    expect(JSON.stringify(second.journal.read("r"))).not.toMatch(/hunter2|tok-/);
  });

  test.each<[string, Record<string, Json>, string, RegExp]>([
    ["not all of them", { password: "hunter2-Zx9" }, "SECRET_MISSING", /: users\[0\].token, nodes.login.output.token;/],
    ["one that is not missing", { ...all, port: 1 }, "INVALID_ARGUMENT", /lacks password, .*, not "port"/],
    [
      "one that does not fit the plan",
      { ...all, password: 5 },
      "PARAMS_INVALID",
      /params.password: must be of type string/,
    ],
  ])("R46: %s is refused, and the run is left alone", async (_, secrets, code, message) => {
    const { engine, journal } = await next(await begun(), {});
    const { runs, refused: no } = await engine.recover({ runs: ["r"], secrets });
    expect(runs).toEqual([]);
    expect(no[0]?.error.code).toBe(code);
    expect(no[0]?.error.message).toMatch(message);
    expect(journal.list()[0]?.owner).toBe(null);
  });

  test("R46: a run that has its key needs none; secrets are those of one run", async () => {
    const second = await next(await begun(), { secrets: { key: KEY }, recover: false });
    const { refused: no } = await second.engine.recover({ runs: ["r"], secrets: all });
    expect(no[0]?.error).toMatchObject({ code: "INVALID_ARGUMENT" });
    await refused(second.engine.recover({ secrets: all }), "INVALID_ARGUMENT");
    await refused(second.engine.recover({ runs: ["r", "s"], secrets: all }), "INVALID_ARGUMENT");
    await refused(second.engine.recover({ runs: ["r"], secrets: "hunter2" as never }), "INVALID_ARGUMENT");
  });
});

describe("R46: runs inside runs", () => {
  const inner = definePlan(
    plan(
      [
        { id: "hold", action: "hold" },
        { id: "note", action: "note", upstreams: ["hold"], with: { $cel: "params" } },
        { id: "login", action: "login", upstreams: ["note"] },
      ],
      {
        name: "inner",
        params: { properties: { key: SECRET, url: { type: "string" }, port: { type: "integer", default: 1 } } },
      },
    ),
  );
  const outer = plan(
    [
      {
        id: "sub",
        action: "belay.plan",
        with: {
          plan: "inner",
          params: { key: { $cel: "params.password" }, url: { $cel: "'app:' + params.password" } },
        },
        effect: "none",
      },
      { id: "last", action: "note", upstreams: ["sub"], with: { $cel: "nodes.sub.output.outputs" } },
    ],
    { params },
  );
  const started = async (extra: ActionRegistry): Promise<Life> => {
    const first = await life({ extra, engine: { plans: { inner }, secrets: { key: KEY } } });
    await first.start(outer, { runId: "r", params: { password: PARAMS.password } });
    await settleTurns();
    return first;
  };

  test("R46: what the run around is given again, the one inside has again", async () => {
    const { extra, got } = actions();
    const second = await next(await started(actions(hang).extra), { plans: { inner } }, extra);
    expect(second.engine.refused().map(({ runId }) => runId)).toEqual(["r", "r/sub/1"]);
    const { runs } = await second.engine.recover({ runs: ["r"], secrets: { password: PARAMS.password } });
    expect(runs.map(({ id }) => id)).toEqual(["r", "r/sub/1"]);
    expect((await second.settled()).status).toBe("SUCCESSFUL");
    expect(got).toEqual([
      { key: PARAMS.password, url: `app:${PARAMS.password}`, port: 1 },
      { login: { token: "tok-login", expires: 60 } },
    ]);
    expect(nodeOf(await second.settled(), "sub").output).toMatchObject({ outputs: { login: { token: "[secret]" } } });
  });

  test("R46: a run inside that has ended gives no outputs that cannot be opened", async () => {
    const first = await started(actions().extra);
    const records = first.journal.read("r")?.records as readonly JournalRecord[];
    const left = first.journal.afterCrash();
    const ended = records.findIndex(({ input }) => input.kind === "succeeded");
    const cut = new MemoryJournal();
    for (const [id, kept] of [
      ["r", ended],
      ["r/sub/1", Number.POSITIVE_INFINITY],
    ] as const) {
      const stored = left.read(id);
      copyRun(cut, stored?.header as RunHeader, stored?.records.slice(0, kept) ?? [], id !== "r");
    }
    const { extra, got } = actions();
    const engine = await createEngine({
      actions: extra,
      plans: { inner },
      journal: cut,
      onRefusedRun: () => undefined,
    });
    await engine.recover({ runs: ["r"], secrets: { password: PARAMS.password } });
    const snapshot = await (await engine.find("r"))?.settled();
    expect(nodeOf(snapshot as never, "sub").error).toMatchObject({ code: "SECRET_MISSING" });
    expect(got).toEqual([]);
    await engine.close();
  });
});
