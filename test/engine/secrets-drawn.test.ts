/**
 * Drawn secrets at drawn places, told through drawn channels in drawn forms, with a crash after a drawn number of records: nothing shows
 * one, and the last node gets them all (R42, R46). A failure prints seed and path.
 */
import {
  type ActionContext,
  type ActionRegistry,
  createEngine,
  definePlan,
  type Json,
  MemoryJournal,
  type Plan,
  type Run,
} from "@belay/engine";
import { ManualClock, settleTurns } from "@belay/engine/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { SECRET } from "./secret-hands.ts";
import { formsOf, Watch, watchedJournal } from "./secret-watch.ts";
import { nodeOf } from "./stage.ts";

const CHANNELS = ["log", "details", "message", "code", "failure", "output", "key", "why", "who", "signal"] as const;
type Channel = (typeof CHANNELS)[number];
/** As somebody would write a secret: not cut, as those that are looked for. */
const FORMS: readonly ((secret: string) => string)[] = [
  (secret) => secret,
  (secret) => JSON.stringify({ a: [secret] }),
  (secret) => `https://u:${encodeURIComponent(secret)}@h`,
  (secret) => Buffer.from(`u:${secret}`).toString("base64"),
  (secret) => Buffer.from(secret).toString("base64url"),
  (secret) => Buffer.from(secret).toString("hex"),
];
const DECLARED: readonly (true | readonly string[])[] = [true, ["token"], ["deep.list[*]", "token"], ["deep", "token"]];

/** Signs that the plan, its ids and the engine's own words do not put together in that way. */
const secret = fc.string({ minLength: 6, maxLength: 14, unit: fc.constantFrom(...'QXZJ4790#$%&"\\/+=ü€ж😀\n\t ') });

const drawn = fc.record({
  made: secret,
  flat: secret,
  nested: secret,
  list: fc.array(secret, { minLength: 1, maxLength: 3 }),
  map: fc.dictionary(fc.constantFrom("eu", "us", "a b"), secret, { minKeys: 1 }),
  declared: fc.constantFrom(...DECLARED),
  channels: fc.subarray([...CHANNELS], { minLength: 1 }),
  form: fc.constantFrom(...FORMS),
  crash: fc.double({ min: 0, max: 1, noNaN: true }),
});
type Drawn = typeof drawn extends fc.Arbitrary<infer D> ? D : never;

const PLAN: Plan = definePlan({
  belay: 1,
  name: "drawn",
  params: {
    properties: {
      flat: SECRET,
      nested: { type: "object", properties: { deep: { type: "object", properties: { flat: SECRET } } } },
      list: { type: "array", items: SECRET },
      map: { type: "object", additionalProperties: SECRET },
    },
  },
  nodes: [
    { id: "login", action: "login" },
    { id: "tell", action: "tell", upstreams: ["login"], retry: { maxAttempts: 2, initialInterval: 0 } },
    { id: "each", action: "each", upstreams: ["tell"], split: { over: "params.list + [nodes.login.output.token]" } },
    { id: "wait", action: "belay.signal", upstreams: ["each"] },
    {
      id: "last",
      action: "last",
      upstreams: ["wait"],
      with: { params: { $cel: "params" }, login: { $cel: "nodes.login.output" }, each: { $cel: "nodes.each.output" } },
    },
  ],
});

function paramsOf({ flat, nested, list, map }: Drawn): Record<string, Json> {
  return { flat, nested: { deep: { flat: nested } }, list, map };
}

function secretsOf(one: Drawn): string[] {
  return [...new Set([one.made, one.flat, one.nested, ...one.list, ...Object.values(one.map)])];
}

function actionsOf(one: Drawn, got: unknown[]): ActionRegistry {
  const told = secretsOf(one).map(one.form).join(" ");
  const has = (channel: Channel): boolean => one.channels.includes(channel);
  const tell = (ctx: ActionContext<unknown>): Json => {
    if (has("log")) ctx.log(told, has("details") ? { [has("key") ? told : "a"]: [told] } : undefined);
    if (ctx.attempt > 1 || !(has("message") || has("code") || has("failure")))
      return has("output") ? { told, [has("key") ? told : "b"]: 1 } : 1;
    const failure = { code: has("code") ? told : "E", details: has("failure") ? { told: [told, one.made] } : 1 };
    throw Object.assign(new Error(has("message") ? told : "no"), failure);
  };
  return {
    login: {
      idempotent: true,
      secret: one.declared,
      run: () => ({ token: one.made, deep: { list: [one.made, "open"] } }),
    },
    tell: { idempotent: true, run: tell },
    each: { idempotent: true, run: (ctx) => ({ item: ctx.item as Json }) },
    last: { idempotent: true, run: ({ input }: ActionContext<unknown>) => void got.push(input) },
  };
}

async function operate(run: Run, one: Drawn): Promise<void> {
  await settleTurns();
  if (nodeOf(run.snapshot(), "wait").status !== "RUNNING") return;
  const told = secretsOf(one).map(one.form).join(" ");
  const has = (channel: Channel): boolean => one.channels.includes(channel);
  await run.signal("wait", {
    ...(has("why") ? { why: told } : {}),
    ...(has("who") ? { who: told } : {}),
    ...(has("signal") ? { output: { told } } : {}),
  });
}

test("R46: whatever is secret, wherever it stands and however it is told, it shows nowhere and is there again", async () => {
  const key = Buffer.alloc(32, 46);
  await fc.assert(
    fc.asyncProperty(drawn, async (one) => {
      const watch = new Watch();
      const live = async (journal: MemoryJournal): Promise<void> => {
        const got: unknown[] = [];
        const options = { actions: actionsOf(one, got), clock: new ManualClock(), secrets: { key } };
        const engine = await createEngine({ ...options, journal: watchedJournal(watch, journal) });
        const run = engine.run("r") ?? (await engine.start(PLAN, { runId: "r", seed: 1, params: paramsOf(one) }));
        watch.listen(run);
        await operate(run, one);
        expect((await run.settled()).status).toBe("SUCCESSFUL");
        watch.see(run.snapshot(), PLAN);
        const each = [...one.list, one.made].map((item) => ({ item }));
        expect(got).toEqual([
          { params: paramsOf(one), login: { token: one.made, deep: { list: [one.made, "open"] } }, each },
        ]);
        await engine.close();
      };
      const journal = new MemoryJournal();
      await live(journal);
      const records = journal.read("r")?.records.length as number;
      await live(journal.afterCrash(1 + Math.floor(one.crash * (records - 2))));
      expect(watch.leaks(secretsOf(one)).slice(0, 3)).toEqual([]);
    }),
    { numRuns: 100 },
  );
}, 60_000);

test("R46: the search finds every form that is told", () => {
  fc.assert(
    fc.property(secret, fc.constantFrom(...FORMS), (text, form) => {
      const watch = new Watch();
      watch.take("here", form(text));
      const isShifted = form(text) === Buffer.from(`u:${text}`).toString("base64");
      if (!isShifted) expect(watch.leaks([text]).length, Object.keys(formsOf(text)).join()).toBeGreaterThan(0);
    }),
  );
});
