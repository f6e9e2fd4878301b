/** Other ways out of an engine: audit trails, previews, faults, exports, the bytes of a file on disk (R37, R38, R39, R46). */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { auditTrail, createEngine, type Json, MemoryJournal, type Run } from "@belay/engine";
import { exportRun } from "@belay/engine/journal";
import { openSqliteJournal } from "@belay/engine/sqlite";
import { ManualClock, settleTurns } from "@belay/engine/testing";
import { expect, test } from "vitest";
import { operate, secretActions } from "./secret-actions.ts";
import { KEY, SECRET } from "./secret-hands.ts";
import { INNER, PARAMS, PLAN, SECRETS } from "./secret-run.ts";
import { Watch, watchedJournal } from "./secret-watch.ts";
import { node, nodeOf, plan, refused, type Stage, stage } from "./stage.ts";

const PASSWORD = "hunter2-Zx9";
const params = { properties: { password: SECRET } };

async function waiting(journal = new MemoryJournal()): Promise<{ s: Stage; run: Run; journal: MemoryJournal }> {
  const s = await stage({}, { engine: { journal, secrets: { key: KEY } } });
  const approvers = [{ $cel: "params.password" }, "ann"];
  const approval = { id: "a", action: "belay.approval", with: { approvers, required: 2 } };
  const run = await s.start(plan([approval, node("b")], { params }), { runId: "r", params: { password: PASSWORD } });
  await settleTurns();
  return { s, run, journal };
}

test("R37, R46: the audit trail is read without a key, and tells who and why without the secret in them", async () => {
  const { run, journal } = await waiting();
  await run.approve("a", { who: PASSWORD, why: `it is ${PASSWORD}, look`, requestId: `r-${PASSWORD}` });
  await run.pause({ who: "ann", why: "a break", requestId: "r2" });
  const [, approved, paused] = await auditTrail(journal, "r");
  expect(approved).toMatchObject({
    verb: "approve",
    who: "[secret]",
    why: "it is [secret], look",
    requestId: "[secret]",
  });
  expect(paused).toMatchObject({ who: "ann", why: "a break", requestId: "r2" });
});

test("R37, R42, R46: who has approved is known after a crash, whatever the name shows", async () => {
  const { run, journal } = await waiting();
  await run.approve("a", { who: PASSWORD });
  const second = await stage({}, { engine: { journal: journal.afterCrash(), secrets: { key: KEY } } });
  await settleTurns();
  const again = second.engine.run("r") as Run;
  expect(nodeOf(again.snapshot(), "a").waiting?.approvedBy).toEqual(["[secret]"]);
  await refused(again.approve("a", { who: PASSWORD }), "STATE_INVALID");
  await again.approve("a", { who: "ann" });
  expect(nodeOf(await second.rest(again), "a")).toMatchObject({ output: { approvedBy: ["[secret]", "ann"] } });
});

test("R38, R46: a verb and its preview refuse without the secret", async () => {
  const { run } = await waiting();
  const error = await refused(run.approve("a", { who: "eve" }), "FORBIDDEN");
  const { refused: preview } = run.preview({ verb: "approve", node: "a", who: "eve" });
  for (const told of [error, preview]) {
    expect(told?.message).toBe('eve may not approve node "a"; [secret], ann may');
    expect(told?.details).toMatchObject({ approvers: ["[secret]", "ann"] });
  }
  expect(JSON.stringify(run.preview({ verb: "skip", node: PASSWORD }))).not.toContain(PASSWORD);
});

test("R39, R46: a fault that quotes a secret does not show it, to nobody", async () => {
  class Talkative extends MemoryJournal {
    override append(...args: Parameters<MemoryJournal["append"]>): void {
      if (args[1].length > 0 && args[1][0]?.input.kind === "pause") throw new Error(`no space for ${PASSWORD}`);
      super.append(...args);
    }
  }
  const { run } = await waiting(new Talkative());
  const faults: string[] = [];
  run.on("run:fault", ({ message }) => faults.push(message));
  const error = await refused(run.pause(), "JOURNAL_FAILED");
  expect([error.message, error.cause]).toEqual(["no space for [secret]", undefined]);
  expect([run.snapshot().fault?.message, ...faults]).toEqual(["no space for [secret]", "no space for [secret]"]);
});

test("R21, R46: places that an action calls secret are hidden in the output of its group too, whatever stands there", async () => {
  const login = { secret: ["ok", "keys"], run: () => ({ ok: true, keys: { a: false }, open: true }) };
  const s = await stage({}, { extra: { login } });
  const group = (method: "PARALLEL" | "FIRST_SUCCESS") => ({ over: "[1, 2]", method });
  const nodes = [
    { id: "g", action: "login", split: group("PARALLEL") },
    { id: "f", action: "login", split: group("FIRST_SUCCESS") },
    { id: "one", action: "login", upstreams: ["g", "f"], when: "nodes.f.output.ok && nodes.g.output[1].ok" },
  ];
  const { groups, nodes: shown } = await s.rest(await s.start(plan(nodes)));
  const hidden = { ok: "[secret]", keys: "[secret]", open: true };
  expect(groups.map(({ output }) => output)).toEqual([[hidden, hidden], hidden]);
  expect(shown.map(({ output }) => output)).toEqual([hidden, hidden, hidden, undefined, hidden]);
});

test("R46: what an operator gives in place of a secret output is secret too", async () => {
  const login = {
    secret: ["token"],
    run: (): never => {
      throw new Error("no");
    },
  };
  const seen: unknown[] = [];
  const see = ({ input }: { input: Json }): void => void seen.push(input);
  const journal = new MemoryJournal();
  const s = await stage({}, { extra: { login, see }, engine: { journal } });
  const nodes = [
    { id: "login", action: "login" },
    { id: "see", action: "see", upstreams: ["login"], with: { $cel: "nodes.login.output" } },
  ];
  const run = await s.start(plan(nodes), { runId: "r" });
  await s.rest(run);
  await run.skip("login", { output: { token: "tok-of-ann" } });
  expect(nodeOf(await s.rest(run), "login").output).toEqual({ token: "[secret]" });
  expect(seen).toEqual([{ token: "tok-of-ann" }]);
  expect(JSON.stringify(journal.read("r"))).not.toContain("tok-of-ann");
});

test("R46: the files of a SQLite journal hold no secret, nor does an export; the next process has them all", async () => {
  const folder = mkdtempSync(join(tmpdir(), "belay-secrets-"));
  try {
    const watch = new Watch();
    const file = join(folder, "journal.db");
    const live = async (): Promise<{ wrong: string[]; run: Run; close: () => Promise<void> }> => {
      const { registry, wrong } = secretActions();
      const journal = openSqliteJournal(file, { durability: "normal" });
      const options = { actions: registry, plans: { inner: INNER }, clock: new ManualClock(), secrets: { key: KEY } };
      const engine = await createEngine({ ...options, journal: watchedJournal(watch, journal) });
      const run = engine.run("r") ?? (await engine.start(PLAN, { runId: "r", seed: 1, params: PARAMS }));
      const close = async (): Promise<void> => {
        for await (const line of exportRun(journal, "r")) watch.take("export", line);
        await engine.close();
      };
      return { wrong, run, close };
    };
    const first = await live();
    await operate(first.run);
    await first.run.settled();
    await first.close();
    const second = await live();
    await settleTurns();
    await second.run.rollback();
    await second.run.settled();
    await second.run.rollback();
    expect((await second.run.settled()).status).toBe("ROLLED_BACK");
    expect([...first.wrong, ...second.wrong]).toEqual([]);
    for (const name of readdirSync(folder)) watch.take(name, readFileSync(join(folder, name)).toString("latin1"));
    await second.close();
    for (const name of readdirSync(folder)) watch.take(name, readFileSync(join(folder, name)).toString("latin1"));
    expect(watch.texts.filter(({ from }) => from === "journal.db")).toHaveLength(2);
    expect(watch.texts.filter(({ from }) => from === "export").length).toBeGreaterThan(60);
    const bytes = SECRETS.map((secret) => Buffer.from(secret).toString("latin1"));
    expect(watch.leaks([...SECRETS, ...bytes]).slice(0, 5)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
