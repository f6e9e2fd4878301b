/** Secrets at the start of a run, and what tells one request from another (R3, R43, R46). */
import { createHash } from "node:crypto";
import {
  type ActionRegistry,
  createEngine,
  definePlan,
  type Json,
  MemoryJournal,
  type PlanDocument,
  type StartOptions,
} from "@belay/engine";
import { settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { canonicalJson } from "../../packages/engine/src/plan/identity.ts";
import { life } from "./second-life.ts";
import { KEY, SECRET } from "./secret-hands.ts";
import { node, nodeOf, plan, refused, stage } from "./stage.ts";

const PASSWORD = "hunter2-Zx9";
const params = {
  properties: {
    password: SECRET,
    pin: { type: "integer", "x-secret": true },
    name: { type: "string" },
    port: { type: "integer" },
  },
};
const document: PlanDocument = plan([node("a")], { params });

describe("R46: nothing of a secret is in a refusal, and no name is one", () => {
  test.each<[string, Partial<PlanDocument>, StartOptions, string]>([
    ["a parameter that does not fit", {}, { params: { password: [PASSWORD] as never } }, "PARAMS_INVALID"],
    ["another one that does not fit", {}, { params: { password: PASSWORD, port: PASSWORD } }, "PARAMS_INVALID"],
    [
      "a list that is none",
      { nodes: [node("a", [], { split: { over: "params.password" } })] },
      { params: { password: PASSWORD } },
      "PARAMS_INVALID",
    ],
    [
      "a list that cannot be made",
      { nodes: [node("a", [], { split: { over: "[params[params.password]]" } })] },
      { params: { password: PASSWORD } },
      "PARAMS_INVALID",
    ],
    [
      "a lock named by a secret",
      { locks: [{ $cel: "'db/' + params.password" }] },
      { params: { password: PASSWORD } },
      "PARAMS_INVALID",
    ],
    [
      "a lock that shows a secret",
      { locks: [{ $cel: "params.name" }] },
      { params: { password: PASSWORD, name: `x${PASSWORD}` } },
      "PARAMS_INVALID",
    ],
    ["a lock that has no name", { locks: [{ $cel: "params.pin" }] }, { params: { pin: 73914628 } }, "PARAMS_INVALID"],
    ["a client token", {}, { params: { password: PASSWORD }, clientToken: `t-${PASSWORD}` }, "INVALID_ARGUMENT"],
    ["a run id", {}, { params: { password: PASSWORD }, runId: PASSWORD }, "INVALID_ARGUMENT"],
  ])("R46: %s is refused without it", async (_, rest, options, code) => {
    const s = await stage();
    const error = await refused(s.start({ ...document, ...rest }, options), code as never);
    expect(`${error.stack} ${JSON.stringify(error.details)}`).not.toMatch(/hunter2|73914628/);
  });

  test("R46: a lock that the plan itself names may be the same word as a secret", async () => {
    const s = await stage();
    const run = await s.start({ ...document, locks: ["main"] }, { params: { password: "main" } });
    expect((await s.rest(run)).status).toBe("SUCCESSFUL");
  });

  test("R46: what an operator says wrongly is refused without it", async () => {
    const s = await stage({}, { held: true });
    const run = await s.start(document, { params: { password: PASSWORD } });
    await settleTurns();
    const error = await refused(run.skip(PASSWORD), "NOT_FOUND");
    expect(`${error.message} ${JSON.stringify(error.details)}`).not.toContain(PASSWORD);
    await run.pause({ requestId: PASSWORD });
    const again = await refused(run.resume({ requestId: PASSWORD }), "IDEMPOTENT_PARAMETER_MISMATCH");
    expect(`${again.message} ${JSON.stringify(again.details)}`).not.toContain(PASSWORD);
  });

  test("R46: an action that calls nonsense secret is refused with the engine", async () => {
    for (const secret of [["a..b"], [5], "token", 5]) {
      const action = { run: () => 1, secret: secret as never };
      const error = await refused(createEngine({ actions: { action } }), "INVALID_ARGUMENT");
      expect(error.message).toContain("actions.action: secret must be true or a list of paths");
    }
  });
});

describe("R43: the same request", () => {
  const options = (password: string): StartOptions => ({ clientToken: "t", params: { password, port: 1 } });

  test("R43, R46: in one engine the same secret gives the same run, another one does not", async () => {
    const s = await stage();
    const run = await s.start(document, options(PASSWORD));
    expect(await s.start(document, options(PASSWORD))).toBe(run);
    const error = await refused(s.start(document, options("quite-other")), "IDEMPOTENT_PARAMETER_MISMATCH");
    expect(error.message).not.toContain("quite-other");
  });

  test("R43, R46: in another process too, with the key; without it nobody can tell", async () => {
    const first = await life({ engine: { secrets: { key: KEY } } });
    await first.rest(await first.start(document, { ...options(PASSWORD), runId: "r" }));
    const second = await first.crash();
    expect((await second.start(document, options(PASSWORD))).id).toBe("r");
    await refused(second.start(document, options("quite-other")), "IDEMPOTENT_PARAMETER_MISMATCH");
    const third = await second.crash({ engine: { secrets: { key: Buffer.alloc(32, 9) } } });
    await refused(third.start(document, options(PASSWORD)), "SECRET_MISSING");
    await refused(third.start({ ...document, title: "another" }, options(PASSWORD)), "IDEMPOTENT_PARAMETER_MISMATCH");
  });

  test("R43, R46: a run that has its secrets again is compared by them", async () => {
    const extra = { do: { idempotent: true, run: () => new Promise(() => undefined) } };
    const first = await life({ extra, actions: [], engine: { secrets: { key: KEY } } });
    await first.start(document, { ...options(PASSWORD), runId: "r" });
    const second = await first.crash({ engine: { onRefusedRun: () => undefined } });
    await second.engine.recover({ runs: ["r"], secrets: { password: PASSWORD } });
    expect((await second.start(document, options(PASSWORD))).id).toBe("r");
    await refused(second.start(document, options("quite-other")), "IDEMPOTENT_PARAMETER_MISMATCH");
  });

  test("R46: the hash of a request does not let a short secret be guessed", async () => {
    const first = await life({ engine: { secrets: { key: KEY } } });
    await first.start(document, { params: { password: "1234" }, runId: "r" });
    const header = first.journal.read("r")?.header;
    const guess = canonicalJson({ plan: definePlan(document).hash, params: { password: "1234" } });
    expect(header?.requestHash).toMatch(/^[0-9a-f]{64}$/);
    expect(header?.requestHash).not.toBe(createHash("sha256").update(guess).digest("hex"));
    await first.start(document, { params: { port: 1 }, runId: "s" });
    const open = canonicalJson({ plan: definePlan(document).hash, params: { port: 1 } });
    expect(first.journal.read("s")?.header.requestHash).toBe(createHash("sha256").update(open).digest("hex"));
  });
});

describe("R46: values that only look sealed", () => {
  const LOOKS: Json = {
    $sealed: "s1.AAAAAAAA.AAAA",
    asIs: { $sealed: { asIs: { $sealed: "x", more: [{ $sealed: null }] } } },
    __proto__: 1,
    list: [{ $sealed: { asIs: 5 } }, { $sealed: {} }],
  };
  const nodes = [
    { id: "a", action: "say" },
    { id: "hold", action: "hold", upstreams: ["a"] },
    {
      id: "b",
      action: "see",
      upstreams: ["hold"],
      with: { out: { $cel: "nodes.a.output" }, given: { $cel: "params.look" } },
    },
  ];
  const looking = plan(nodes, { params: { properties: { password: SECRET, look: { type: "object" } } } });

  test.each([
    ["with secrets beside them", { password: PASSWORD, look: LOOKS }, { secret: PASSWORD }],
    ["in a run without secrets", { look: LOOKS }, {}],
  ])("R46: %s, they come back as they were", async (_, given, beside) => {
    const seen: unknown[] = [];
    const registry = (hold: () => unknown): ActionRegistry => ({
      say: { idempotent: true, run: () => ({ look: LOOKS, ...beside }) },
      hold: { idempotent: true, run: hold },
      see: { idempotent: true, run: ({ input }: { input: Json }) => void seen.push(input) },
    });
    const first = await life({
      extra: registry(() => new Promise(() => undefined)),
      engine: { secrets: { key: KEY } },
    });
    await first.start(looking, { runId: "r", params: given });
    await settleTurns();
    const second = await first.crash({ extra: registry(() => undefined) });
    expect((await second.settled()).status).toBe("SUCCESSFUL");
    expect(seen).toEqual([{ out: { look: LOOKS, ...beside }, given: LOOKS }]);
    expect(nodeOf(await second.settled(), "a").output).toMatchObject({ look: LOOKS });
  });
});

describe("R50: records with secrets", () => {
  test("R50, R46: the same run with the same key gives the same bytes, in another run or at another place it does not", async () => {
    const bytes = async (runId: string): Promise<string> => {
      const s = await stage({ a: { output: [PASSWORD, PASSWORD] } }, { engine: { journal, secrets: { key: KEY } } });
      await s.rest(await s.start(document, { runId, params: { password: PASSWORD } }));
      return canonicalJson(journal.read(runId));
    };
    let journal = new MemoryJournal();
    const first = await bytes("r");
    journal = new MemoryJournal();
    expect(await bytes("r")).toBe(first);
    const seals = [...first.matchAll(/"s1\.[\w-]+\.([\w-]+)"/g)].map(([, seal]) => seal);
    expect([seals.length, new Set(seals).size]).toEqual([3, 3]);
    const other = [...(await bytes("s")).matchAll(/"s1\.[\w-]+\.([\w-]+)"/g)].map(([, seal]) => seal);
    expect(other.filter((seal) => seals.includes(seal))).toEqual([]);
  });

  test("R46: the length of a seal tells the length of a secret in steps only", async () => {
    const lengths = new Set<number>();
    const s = await stage({}, { engine: { secrets: { key: KEY }, journal: new MemoryJournal() } });
    await s.engine.close();
    for (let length = 0; length < 24; length++) {
      const journal = new MemoryJournal();
      const t = await stage({}, { engine: { journal, secrets: { key: KEY } } });
      await t.rest(await t.start(document, { runId: "r", params: { password: "p".repeat(length) } }));
      lengths.add(JSON.stringify(journal.read("r")?.header.params).length);
    }
    expect([...lengths]).toHaveLength(1);
  });
});
