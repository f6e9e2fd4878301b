/**
 * Every shipped plan, every kind of fault at every node, a crash before and after every record: each is played to its end by a
 * second process (R39, R42, R43). Exhaustive, not drawn: the counts follow from the plans and their records. In lives with a fault the
 * four kinds of recovery take turns, one at each record (RECOVERIES=all: all four). A plan that has the graph of one before it, under
 * other names, is played once.
 */
import { createEngine, MemoryJournal, type Plan, type Run, type RunSnapshot } from "@belay/engine";
import { ManualClock, settleTurns } from "@belay/engine/testing";
import { loadPlan } from "@belay/failover-plans";
import { expect, test } from "vitest";
import { SETTINGS, type Setting } from "../fixtures/shipped-settings.ts";
import { type Prefix, prefixOf } from "./prefix.ts";
import { type Nature, WORLD_FAULTS, World, type WorldFault } from "./world.ts";

/** CRASHES=2: the process dies again, at every record of its second life (T2); takes a few hundred times as long. */
const CRASHES = Number(process.env["CRASHES"] ?? 1);

/** A cut off attempt had taken effect, or not; and what recovery may ask of the actions. */
const RECOVERIES: readonly { readonly nature: Nature; readonly took: boolean }[] = [
  { nature: "verify", took: true },
  { nature: "verify", took: false },
  { nature: "idempotent", took: true },
  { nature: "neither", took: true },
];

/** Whether lives with a fault are played with every kind of recovery at every record. */
const ALL = process.env["RECOVERIES"] === "all" || CRASHES > 1;

interface Played {
  readonly of: { readonly plan: Plan; readonly setting: Setting };
  readonly journal: MemoryJournal;
  readonly world: World;
  readonly snapshot: RunSnapshot;
  readonly run: Run;
  readonly clock: ManualClock;
  /** Nobody waits for it: what is deaf never lets go, and time stands still. */
  close(): void;
}

/** One process: until the run rests, or nothing moves any more. */
async function play(of: Played["of"], world: World, journal: MemoryJournal, at?: number): Promise<Played> {
  const { plan, setting } = of;
  const clock = new ManualClock(at);
  const engine = await createEngine({
    actions: world.actions(plan.document),
    clock,
    journal,
    onRefusedRun: ({ error }) => {
      throw error;
    },
  });
  const run = engine.run("r") ?? (await engine.start(plan, { params: setting.params, runId: "r", seed: 1 }));
  await drain(run, clock);
  world.answerLate();
  await drain(run, clock);
  return { of, journal, world, snapshot: run.snapshot(), run, clock, close: () => void engine.close() };
}

async function drain(run: Run, clock: ManualClock): Promise<void> {
  let rested = false;
  void run.settled().then(() => {
    rested = true;
  });
  for (;;) {
    await settleTurns();
    if (rested || clock.nextDue === undefined) return;
    await clock.next();
  }
}

/** What an operator does until nothing is left to do. */
async function finish({ run, clock }: Played): Promise<string> {
  for (let tries = 0; tries < 4; tries++) {
    const { status } = run.snapshot();
    if (status === "FAILED" || status === "PARTIALLY_ROLLED_BACK" || status === "CANCELED") await run.retry();
    else if (status === "ROLLBACK_FAILED") await run.rollback();
    else return status;
    await drain(run, clock);
  }
  return run.snapshot().status;
}

/** What is wrong with the second life, before an operator did anything; empty = nothing. */
function faultsOf(played: Played, prefix: Prefix, nature: Nature, took: boolean): string[] {
  const { world, snapshot } = played;
  const faults: string[] = [];
  for (const key of world.calls) if (prefix.ended.has(key)) faults.push(`${key} had ended and was called again`);
  for (const { key, id, undo, aborted } of prefix.cutOff) {
    const calls = world.calls.filter((called) => called === key).length;
    const mayCall = !aborted && (nature === "idempotent" || (nature === "verify" && !took));
    if (calls !== (mayCall ? 1 : 0)) faults.push(`${key} was called ${calls} times`);
    if (nature === "verify" && !aborted && world.asked.filter((asked) => asked === key).length !== 1)
      faults.push(`${key} was not asked about once`);
    if (nature !== "neither" || aborted) continue;
    const node = snapshot.nodes.find((one) => one.id === id);
    const error = undo ? node?.compensation?.error : node?.error;
    if (error?.code !== "CRASHED" && node?.status !== "COMPENSATED" && snapshot.status !== "ROLLED_BACK")
      faults.push(`${key}: ${node?.status}, ${error?.code}, and nobody knows what came of it`);
  }
  if (nature !== "idempotent")
    for (const [key, times] of world.effects) if (times > 1) faults.push(`${key} took effect ${times} times`);
  if (snapshot.status === "RUNNING" || snapshot.status === "ROLLING_BACK")
    faults.push(`it is stuck in ${snapshot.status}`);
  return faults;
}

/** Crashes a life after each of its records from `from` on, and plays every next one; answers how many lives that were. */
async function crashEverywhere(life: Played, from: number, told: Told): Promise<number> {
  const { plan, setting } = life.of;
  const { header, records } = life.journal.read("r") as NonNullable<ReturnType<MemoryJournal["read"]>>;
  let lives = 0;
  for (let kept = from; kept <= records.length; kept++) {
    const journal = life.journal.afterCrash(kept);
    if (journal.list()[0]?.ended === true) continue;
    const prefix = prefixOf(plan, header, records.slice(0, kept));
    for (const { nature, took } of told.recoveries.filter((_, at) => told.whole || at === kept % RECOVERIES.length)) {
      const had = [...life.world.effects.keys()].filter((key) => prefix.ended.has(key));
      const effects = took ? [...had, ...prefix.cutOff.map(({ key }) => key)] : had;
      const world = new World(setting.outputs, nature, { effects });
      const next = await play(life.of, world, journal.afterCrash(), life.clock.now());
      lives++;
      const what = `${told.story}, ${kept} records, ${nature}, ${took ? "" : "not "}taken`;
      expect(faultsOf(next, prefix, nature, took), what).toEqual([]);
      expect(next.journal.read("r")?.records.slice(0, kept), what).toEqual(records.slice(0, kept));
      if (told.crashes > 1) {
        const same = told.recoveries.filter((one) => one.nature === nature);
        const deeper = { story: what, crashes: told.crashes - 1, recoveries: same, whole: true };
        lives += await crashEverywhere(next, kept + 1, deeper);
      }
      expect(ENDS, what).toContain(await finish(next));
      next.close();
    }
  }
  return lives;
}

interface Told {
  readonly story: string;
  /** How often the process dies. */
  readonly crashes: number;
  readonly recoveries: typeof RECOVERIES;
  /** All of them at every record, not one. */
  readonly whole: boolean;
}

async function everyPoint(of: Played["of"], fault: { node: string; kind: WorldFault } | undefined): Promise<number> {
  const world = new World(of.setting.outputs, "verify", fault ? { fault } : {});
  const first = await play(of, world, new MemoryJournal());
  const story = `${of.plan.document.name}, ${fault?.kind ?? "no fault"} at ${fault?.node ?? "no node"}`;
  const lives = await crashEverywhere(first, 1, {
    story,
    crashes: CRASHES,
    recoveries: RECOVERIES,
    whole: ALL || fault === undefined,
  });
  first.close();
  return lives;
}

const ENDS: readonly string[] = ["SUCCESSFUL", "ROLLED_BACK"];

/** What a plan is made of, without names of systems, texts and parameters. */
function graphOf(name: string): string {
  const { nodes, failureMode, onFailure } = loadPlan(name).document;
  const bare = nodes.map(({ action, name: _, description: __, with: ___, compensation, ...rest }) => ({
    ...rest,
    action: action.split(".")[1],
    compensated: compensation !== undefined,
  }));
  return JSON.stringify({ bare, failureMode, onFailure });
}

const GRAPHS = new Map(
  Object.keys(SETTINGS)
    .toReversed()
    .map((name) => [graphOf(name), name]),
);

test.each([...GRAPHS.values()].toReversed())(
  "R39, R42, R43: %s survives a crash at every record, with every fault at every node",
  { timeout: 300_000 * 200 ** (CRASHES - 1) },
  async (name) => {
    const plan = loadPlan(name);
    const of = { plan, setting: SETTINGS[name] as Setting };
    let lives = await everyPoint(of, undefined);
    for (const { id } of plan.document.nodes) {
      for (const kind of WORLD_FAULTS) lives += await everyPoint(of, { node: id, kind });
    }
    expect(lives).toBeGreaterThan(plan.document.nodes.length * WORLD_FAULTS.length);
  },
);
