/**
 * The PolarDB plan on real PostgreSQL servers: node ids for the servers of a `LiveDrill`, runs of the plan on them, and a witness that
 * asks all servers all the time how many of them take writes.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ActionRegistry, createEngine, type Engine, type Json, type Plan } from "@belay/engine";
import {
  openPolarRecords,
  type PolarEngine,
  type PolarOnPostgres,
  type PolarRecords,
  polardbActions,
  polarOnPostgres,
} from "@belay/failover-plans/polardb";
import type { NodeControl } from "../../packages/failover-plans/src/postgres/ports.ts";
import { LiveDrill, type Settled } from "../postgres/live-drill.ts";
import { planThat } from "./model-run.ts";

export const CLUSTER = "pc-drill";
/** pg3 is preferred to pg2 to pg1. */
const PRIORITY: Readonly<Record<string, number>> = { pg1: 1, pg2: 5, pg3: 9 };

/** What differs from a plain run. */
export interface PolarSetup {
  readonly engine?: PolarEngine;
  readonly plan?: Plan;
  readonly control?: NodeControl;
  /** Changes the actions. */
  readonly actions?: (actions: ActionRegistry) => ActionRegistry;
  /** Default 0: one cluster is switched many times here. */
  readonly switchIntervalSeconds?: number;
}

/** Node id of a server, and back. */
export const idOf = (server: string): string => server.replace("pg", "pi-");
export const serverOf = (nodeId: string): string => nodeId.replace("pi-", "pg");

export class PolarDrill {
  readonly live: LiveDrill;
  readonly records: PolarRecords;
  readonly #engines: Engine[] = [];

  private constructor(live: LiveDrill, records: PolarRecords) {
    this.live = live;
    this.records = records;
  }

  static async create(): Promise<PolarDrill> {
    const live = await LiveDrill.create();
    return new PolarDrill(live, await openPolarRecords(join(live.cluster.dataDir, "polardb")));
  }

  async close(): Promise<void> {
    await Promise.all(this.#engines.map((engine) => engine.close()));
    await this.live.close();
  }

  /** The cluster as a new process would reach it: nothing but the servers and the records is shared. */
  control(setup: PolarSetup = {}): PolarOnPostgres {
    const { cluster } = this.live;
    const members = cluster.nodes.map(({ name }) => ({
      nodeId: idOf(name),
      server: name,
      failoverPriority: PRIORITY[name] ?? 1,
    }));
    return polarOnPostgres({
      clusterId: CLUSTER,
      engine: setup.engine ?? "MySQL",
      members,
      writer: idOf(cluster.primary),
      servers: setup.control ? { ...cluster, control: setup.control } : cluster,
      records: this.records,
      streamPatienceMs: 1500,
    });
  }

  actions(setup: PolarSetup = {}): ActionRegistry {
    const actions = polardbActions({ ...this.control(setup), recoveries: this.live.cluster.recoveries });
    return setup.actions ? setup.actions(actions) : actions;
  }

  params({ switchIntervalSeconds = 0 }: PolarSetup = {}, params: Record<string, Json> = {}): Record<string, Json> {
    return { cluster: CLUSTER, switchIntervalSeconds, ...params };
  }

  /** Starts the plan on an engine of its own and waits until the run rests. */
  async start(params: Record<string, Json> = {}, setup: PolarSetup = {}): Promise<Settled> {
    const engine = await createEngine({ actions: this.actions(setup) });
    this.#engines.push(engine);
    const run = await engine.start(setup.plan ?? planThat(), { params: this.params(setup, params) });
    return { run, snapshot: await run.settled() };
  }

  /** The most servers that were seen to take writes at once, while `work` was under way. */
  async mostWriters(work: () => Promise<void>): Promise<number> {
    let most = 0;
    let over = false;
    const witness = async (): Promise<void> => {
      while (!over) {
        most = Math.max(most, (await this.live.writers()).length);
        await sleep(50);
      }
    };
    const watching = witness();
    try {
      await work();
    } finally {
      over = true;
      await watching;
    }
    return most;
  }
}
