/**
 * One run of a drill, whose engine may die. Owns: after which step, and the next engine on what was durable then. What the actions did to
 * the servers stays, as after a real death; killing the process itself is what test/crash does.
 */
import { type ActionRegistry, createEngine, type Json, MemoryJournal, type RunSnapshot } from "@belay/engine";
import { loadPlan } from "@belay/failover-plans";
import type { PostgresCluster } from "@belay/failover-plans/embedded-postgres";
import { postgresActions } from "@belay/failover-plans/postgres";

/** What is played. */
export interface DrillRun {
  readonly kind: string;
  readonly params: Readonly<Record<string, Json>>;
  readonly cluster: PostgresCluster;
  /** The engine dies once. */
  readonly cut: boolean;
  readonly seed: number;
}

export interface DrillEnd {
  readonly snapshot: RunSnapshot;
  /** null when the engine lived. */
  readonly cutAfter: string | null;
}

export async function playOut({ kind, params, cluster, cut, seed }: DrillRun): Promise<DrillEnd> {
  const plan = loadPlan(kind);
  const { nodes } = plan.document;
  const fatal = cut ? (nodes[drawn(seed, nodes.length)]?.id ?? "") : null;
  const real = postgresActions(cluster);
  let journal = new MemoryJournal();
  if (fatal !== null) {
    let spring = (): void => undefined;
    const sprung = new Promise<"died">((resolve) => {
      spring = () => resolve("died");
    });
    const engine = await createEngine({ actions: trapped(real, fatal, spring), journal });
    const run = await engine.start(plan, { params });
    await Promise.race([run.settled(), sprung]);
    // What a death leaves is what was durable now.
    const left = journal.afterCrash();
    await engine.close();
    journal = left;
  }
  const engine = await createEngine({ actions: real, journal });
  try {
    const run = engine.runs()[0] ?? (await engine.start(plan, { params }));
    return { snapshot: await run.settled(), cutAfter: fatal };
  } finally {
    await engine.close();
  }
}

/** The step takes effect and answers nothing, until its engine is closed. */
function trapped(actions: ActionRegistry, fatal: string, spring: () => void): ActionRegistry {
  const entries = Object.entries(actions).map(([name, action]) => {
    if (typeof action === "function") throw new Error(`${name} says nothing about crashes`);
    const run: typeof action.run = async (ctx) => {
      const output = await action.run(ctx);
      if (ctx.nodeId !== fatal) return output;
      spring();
      await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve, { once: true }));
      throw ctx.signal.reason;
    };
    return [name, { ...action, run }] as const;
  });
  return Object.fromEntries(entries);
}

/** A number below `limit`, drawn from the seed: a step of a well-mixed hash, so that neighbouring seeds differ. */
function drawn(seed: number, limit: number): number {
  let x = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return ((x ^ (x >>> 16)) >>> 0) % limit;
}
