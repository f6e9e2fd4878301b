/**
 * The engine dies at every point of a run: between every two records, and between every two changes of the cluster that fall between
 * them, within a switch too. Each time another engine takes the run up, with what was durable and a cluster as it was then (R39, R42).
 * Exhaustive, not drawn: the points follow from the run.
 */
import { createEngine, MemoryJournal, type RunSnapshot } from "@belay/engine";
import { ManualClock } from "@belay/engine/testing";
import { PolarModel, type PolarModelState } from "@belay/failover-plans/polardb";
import { expect, test } from "vitest";
import {
  type KnownRecovery,
  memoryRecoveryLog,
  type RecoveryLog,
} from "../../packages/failover-plans/src/recovery/recovery-log.ts";
import type { Route, RouteEntry } from "../../packages/failover-plans/src/route/route.ts";
import { actionsOf, CLUSTER, planThat, settle, statuses, type World, worldOf } from "./model-run.ts";

/** All that outlives an engine. */
interface Saved {
  readonly model: PolarModelState;
  readonly route: RouteEntry;
  readonly recoveries: readonly KnownRecovery[];
}

/** The world at one point of a run. */
interface Point {
  /** How many records were durable. */
  readonly records: number;
  readonly saved: Saved;
}

/** A world that says after each of its changes how it stands. */
function watched(from: Saved, clock: ManualClock, tell: (saved: Saved) => void): World {
  let saved = from;
  const change = (part: Partial<Saved>): void => {
    saved = { ...saved, ...part };
    tell(saved);
  };
  const model = PolarModel.restore(from.model, () => change({ model: model.save() }));
  const route: Route = {
    current: async () => saved.route,
    publish: async (writer, epoch) => {
      if (epoch > saved.route.epoch) change({ route: { writer, epoch } });
      return saved.route.epoch === epoch && saved.route.writer === writer;
    },
  };
  return { model, route, recoveries: watchedLog(from.recoveries, (recoveries) => change({ recoveries })), clock };
}

function watchedLog(from: readonly KnownRecovery[], tell: (entries: readonly KnownRecovery[]) => void): RecoveryLog {
  const log = memoryRecoveryLog();
  const filled = Promise.all(from.map((entry) => log.note(entry)));
  return {
    list: async (cluster) => {
      await filled;
      return await log.list(cluster);
    },
    note: async (entry) => {
      await filled;
      await log.note(entry);
      tell(await log.list(CLUSTER));
    },
    withdraw: async (cluster, runId) => {
      await filled;
      await log.withdraw(cluster, runId);
      tell(await log.list(CLUSTER));
    },
    acknowledge: () => Promise.reject(new Error("nothing here acknowledges")),
  };
}

interface Life {
  readonly journal: MemoryJournal;
  readonly points: readonly Point[];
  readonly clock: ManualClock;
}

async function firstLife(faults: Readonly<Record<string, "refuses-promotion" | "answer-lost">>): Promise<Life> {
  const plain = worldOf();
  for (const [nodeId, kind] of Object.entries(faults)) plain.model.fault(nodeId, kind);
  const saved: Saved = { model: plain.model.save(), route: await plain.route.current(), recoveries: [] };
  const journal = new MemoryJournal();
  const points: Point[] = [{ records: 0, saved }];
  const world = watched(saved, plain.clock, (now) =>
    points.push({ records: journal.read("r")?.records.length ?? 0, saved: now }),
  );
  const engine = await createEngine({ actions: actionsOf(world), journal, clock: world.clock });
  const run = await engine.start(planThat(), { params: { cluster: CLUSTER }, runId: "r", seed: 1 });
  await settle(world, run);
  await engine.close();
  return { journal, points, clock: plain.clock };
}

/** The worlds in which a crash may leave a run of which that many records were durable. */
function worldsAt({ points }: Life, records: number): readonly Saved[] {
  const before = points.filter((point) => point.records < records).at(-1);
  const meanwhile = points.filter((point) => point.records === records);
  return [...(before ? [before] : []), ...meanwhile].map(({ saved }) => saved);
}

interface End {
  readonly status: RunSnapshot["status"];
  readonly writer: string;
  /** Nodes that were promoted, in order. */
  readonly promoted: readonly string[];
}

async function crashEverywhere(life: Life, expected: End): Promise<number> {
  const total = life.journal.read("r")?.records.length ?? 0;
  let lives = 0;
  for (let records = 1; records < total; records++) {
    for (const saved of worldsAt(life, records)) {
      const world = watched(saved, new ManualClock(life.clock.now()), () => undefined);
      const engine = await createEngine({
        actions: actionsOf(world),
        journal: life.journal.afterCrash(records),
        clock: world.clock,
      });
      const run = engine.run("r");
      if (run === undefined) throw new Error(`${records} records: the run is gone`);
      const snapshot = await settle(world, run);
      await engine.close();
      const what = `${records} records, ${saved.model.deeds.at(-1)}: ${JSON.stringify(statuses(snapshot))}`;
      const { model } = world;
      const promoted = model.deeds.flatMap((deed) => (deed.startsWith("promote ") ? [deed.slice(8)] : []));
      expect({ status: snapshot.status, writer: model.writers().join(), promoted }, what).toEqual(expected);
      expect(model.mostWriters, what).toBe(1);
      expect((await world.route.current()).writer, what).toBe(expected.writer);
      expect(model.save().cluster.status, what).toBe("Running");
      lives++;
    }
  }
  return lives;
}

const CASES = [
  ["a switch that goes through", {}, { status: "SUCCESSFUL", writer: "pi-2", promoted: ["pi-2"] }],
  ["an answer that is lost", { "pi-2": "answer-lost" }, { status: "SUCCESSFUL", writer: "pi-2", promoted: ["pi-2"] }],
  [
    "a first candidate that fails",
    { "pi-2": "refuses-promotion" },
    { status: "SUCCESSFUL", writer: "pi-3", promoted: ["pi-3"] },
  ],
  [
    "candidates that all fail",
    { "pi-2": "refuses-promotion", "pi-3": "refuses-promotion", "pi-4": "refuses-promotion" },
    { status: "ROLLED_BACK", writer: "pi-1", promoted: [] },
  ],
] as const;

test.each(CASES)(
  "R42: %s ends the same from every point, each promotion made once",
  { timeout: 60_000 },
  async (_, faults, end) => {
    const lives = await crashEverywhere(await firstLife(faults), end);
    expect(lives).toBeGreaterThan(30);
  },
);
