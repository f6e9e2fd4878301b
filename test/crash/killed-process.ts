/**
 * One life of a real process (T7): an engine on a real database file, plans of every kind, and a SIGKILL at a drawn moment.
 * Arguments: folder, seed, point. Owns: the log of what was called, what took effect and what was acknowledged, one file over
 * all lives; the point at which it dies. Ends with 0 once every run has ended for good.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type ActionContext,
  type ActionDefinition,
  createEngine,
  definePlan,
  type Plan,
  type PlanDocument,
  type Run,
} from "@belay/engine";
import { openSqliteJournal } from "@belay/engine/sqlite";

const [folder, seedText, pointText] = process.argv.slice(2) as [string, string, string];
const seed = Number(seedText);
/** Points left until the process dies: anything that is done or written is one. */
let left = Number(pointText);
const file = join(folder, "log");
/** What took effect in all lives so far: the world, which outlives the process. */
const effects = new Set(
  existsSync(file)
    ? readFileSync(file, "utf8")
        .split("\n")
        .filter((line) => line.startsWith("effect "))
        .map((line) => line.slice(7))
    : [],
);

function log(line: string): void {
  appendFileSync(file, `${line}\n`);
}

function point(): void {
  if (--left === 0) process.kill(process.pid, "SIGKILL");
}

/** 0..1, the same for the same text and seed. */
function toss(text: string): number {
  let h = seed ^ 0x811c9dc5;
  for (let place = 0; place < text.length; place++) h = Math.imul(h ^ text.charCodeAt(place), 0x01000193);
  h ^= h >>> 15;
  return ((Math.imul(h, 0x2c1b3c6d) >>> 8) % 1000) / 1000;
}

async function act(ctx: ActionContext): Promise<unknown> {
  const key = ctx.idempotencyKey;
  log(`call ${key}`);
  point();
  for (let turns = Math.floor(toss(key) * 3); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
  // It fails now and then, but never for ever.
  if (ctx.attempt < 3 && toss(`fault ${key}`) < 0.08) throw new Error("a fault");
  effects.add(key);
  log(`effect ${key}`);
  point();
  return { list: ["x", "y"], node: ctx.nodeId };
}

const verify: NonNullable<ActionDefinition["verify"]> = (ctx) => {
  point();
  const done = effects.has(ctx.idempotencyKey);
  return done ? { done, output: { list: ["x", "y"], node: ctx.nodeId } } : { done: false };
};

const actions = { asked: { run: act, verify }, again: { run: act, idempotent: true }, neither: { run: act } };

const node = (
  id: string,
  action: string,
  upstreams: readonly string[] = [],
  more: object = {},
): PlanDocument["nodes"][number] => ({
  id,
  action,
  upstreams,
  compensation: { action: "asked" },
  ...more,
});

const plans: readonly Plan[] = [
  definePlan({
    belay: 1,
    name: "chain",
    nodes: Array.from({ length: 8 }, (_, v) =>
      node(`n${v}`, ["asked", "again", "neither"][v % 3] as string, v === 0 ? [] : [`n${v - 1}`]),
    ),
  }),
  definePlan({
    belay: 1,
    name: "groups",
    locks: ["cluster"],
    onFailure: "rollback",
    nodes: [
      node("a", "asked"),
      node("g", "again", ["a"], {
        split: { over: "nodes.a.output.list" },
        retry: { maxAttempts: 3, initialInterval: 0 },
      }),
      node("f", "asked", ["g"], { split: { over: "['p', 'q', 'r']", method: "FIRST_SUCCESS" } }),
      node("s", "neither", ["f"], {
        split: { over: "[1, 2]", method: "SERIAL" },
        with: { from: { $cel: "nodes.a.output.node" } },
      }),
      node("z", "asked", ["s"], { prohibitRollback: true, compensation: undefined }),
      { id: "t", action: "again", always: { for: ["a"] } },
    ],
  }),
  definePlan({
    belay: 1,
    name: "outer",
    nodes: [
      node("a", "asked"),
      node("sub", "belay.plan", ["a"], { with: { plan: "chain" } }),
      { id: "w", action: "belay.wait", with: { seconds: 0.01 }, upstreams: ["sub"] },
    ],
  }),
];

const watched = new WeakSet<Run>();
const journal = openSqliteJournal(join(folder, "belay.db"));
const append = journal.append.bind(journal);
journal.append = async (...args) => {
  point();
  await append(...args);
  point();
};
const engine = await createEngine({ actions, journal, plans: { chain: plans[0] as Plan }, concurrency: 6 });
for (const run of engine.runs()) watch(run);
for (const [place, plan] of plans.entries()) {
  const run = await engine.start(plan, { clientToken: `token ${place}`, runId: `${plan.document.name}-${place}` });
  log(`ack start ${run.id}`);
  point();
  watch(run);
}
await Promise.all(engine.runs().map(bringToAnEnd));
await engine.close();

function watch(run: Run): void {
  if (watched.has(run)) return;
  watched.add(run);
  run.on("node:succeeded", ({ nodeId, attempt }) => {
    log(`ack succeeded ${run.id}/${nodeId}/${attempt}`);
    point();
  });
  run.on("node:compensated", ({ nodeId, attempt }) => {
    log(`ack undone ${run.id}/${nodeId}/undo/${attempt}`);
    point();
  });
}

/** What an operator would do, each thing under a request id of its own. */
async function bringToAnEnd(run: Run): Promise<void> {
  for (;;) {
    const { status } = await run.settled();
    const requestId = `${process.pid}-${run.id}-${left}`;
    if (status === "FAILED" || status === "PARTIALLY_ROLLED_BACK" || status === "CANCELED")
      await run.retry({ who: "operator", requestId });
    else if (status === "ROLLBACK_FAILED") await run.rollback({ who: "operator", requestId });
    else return;
    log(`ack verb ${run.id} ${requestId}`);
    point();
  }
}
