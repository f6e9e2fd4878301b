/**
 * Runs of the PolarDB plan on a cluster in memory, with a clock that a test moves. Owns: how a run is played to its rest, and what of it
 * a test compares.
 */
import {
  type ActionRegistry,
  createEngine,
  type EngineOptions,
  type Json,
  type Plan,
  parsePlan,
  type Run,
  type RunSnapshot,
} from "@belay/engine";
import { ManualClock } from "@belay/engine/testing";
import { loadPlan, planText } from "@belay/failover-plans";
import { type ModelNode, memoryRoute, PolarModel, polardbActions } from "@belay/failover-plans/polardb";
import { memoryRecoveryLog, type RecoveryLog } from "../../packages/failover-plans/src/recovery/recovery-log.ts";
import type { Route } from "../../packages/failover-plans/src/route/route.ts";

export const CLUSTER = "pc-1";
/** The writer and three readers; pi-2 is preferred to pi-3 to pi-4. */
export const NODES: readonly ModelNode[] = [
  { nodeId: "pi-1", failoverPriority: 15 },
  { nodeId: "pi-2", failoverPriority: 9 },
  { nodeId: "pi-3", failoverPriority: 5 },
  { nodeId: "pi-4", failoverPriority: 1 },
];

/** What outlives an engine. */
export interface World {
  readonly model: PolarModel;
  readonly route: Route;
  readonly recoveries: RecoveryLog;
  readonly clock: ManualClock;
}

export function worldOf(
  nodes: readonly ModelNode[] = NODES,
  spec: { engine?: "MySQL" | "PostgreSQL"; lockMode?: string } = {},
): World {
  return {
    model: PolarModel.create({ clusterId: CLUSTER, nodes, ...spec }),
    route: memoryRoute({ writer: "pi-1", epoch: 1 }),
    recoveries: memoryRecoveryLog(),
    clock: new ManualClock(),
  };
}

export function actionsOf({ model, route, recoveries, clock }: World): ActionRegistry {
  return polardbActions({ control: model, route, recoveries, now: () => clock.now() });
}

/** The shipped plan, with another `onFailure`. */
export function planThat(onFailure: "pause" | "rollback" = "rollback"): Plan {
  if (onFailure === "rollback") return loadPlan("polardb-failover");
  return parsePlan(planText("polardb-failover").replace("onFailure: rollback", "onFailure: pause"));
}

export interface Played {
  readonly run: Run;
  readonly snapshot: RunSnapshot;
}

export interface PlayOptions {
  readonly params?: Readonly<Record<string, Json>>;
  readonly plan?: Plan;
  readonly actions?: ActionRegistry;
  readonly engine?: Partial<EngineOptions>;
}

/** Plays a run to its rest; time passes as often as nothing else can happen. The engine stays open for verbs. */
export async function play(world: World, options: PlayOptions = {}): Promise<Played> {
  const engine = await createEngine({
    ...options.engine,
    actions: options.actions ?? actionsOf(world),
    clock: world.clock,
  });
  const params = { cluster: CLUSTER, ...options.params };
  const run = await engine.start(options.plan ?? planThat(), { params });
  return { run, snapshot: await settle(world, run) };
}

/** Moves the time until the run rests. */
export async function settle({ clock }: World, run: Run): Promise<RunSnapshot> {
  let resting: RunSnapshot | undefined;
  void run.settled().then((snapshot) => {
    resting = snapshot;
  });
  for (let turns = 0; resting === undefined; turns++) {
    if (turns > 1000) throw new Error(`the run does not rest: ${JSON.stringify(statuses(run.snapshot()))}`);
    await clock.elapse(1000);
  }
  return resting;
}

/** Status by node or member. */
export function statuses({ nodes }: RunSnapshot): Readonly<Record<string, string>> {
  return Object.fromEntries(nodes.map(({ id, status }) => [id, status]));
}

/** Code of the failure by node or member, of those that failed. */
export function failures({ nodes }: RunSnapshot): Readonly<Record<string, string>> {
  return Object.fromEntries(nodes.flatMap(({ id, error }) => (error === null ? [] : [[id, error.code]])));
}

export function nodeOf({ nodes }: RunSnapshot, id: string): RunSnapshot["nodes"][number] {
  const found = nodes.find((node) => node.id === id);
  if (found === undefined) throw new Error(`no node ${id}`);
  return found;
}
