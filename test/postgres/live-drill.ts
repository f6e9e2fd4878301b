/**
 * A stage for plans on real servers: one cluster for many cases. Each case takes the roles as it finds them, runs a plan in which
 * one node fails, and asks the servers themselves, by SQL, what came of it. Owns the questions; every wait is bounded.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  type ActionContext,
  type ActionRegistry,
  createEngine,
  type Engine,
  type Json,
  type Run,
  type RunSnapshot,
} from "@belay/engine";
import { type FailurePoint, injectFailure, loadPlan } from "@belay/failover-plans";
import { createPostgresCluster, type Durability, type PostgresCluster } from "@belay/failover-plans/embedded-postgres";
import { postgresActions } from "@belay/failover-plans/postgres";
import { expect } from "vitest";
import { query } from "../../packages/failover-plans/src/postgres/client.ts";
import type { NodeControl, PostgresNode } from "../../packages/failover-plans/src/postgres/ports.ts";
import { readStatus } from "../../packages/failover-plans/src/postgres/status.ts";
import type { Route } from "../../packages/failover-plans/src/route/route.ts";

/** Who does what, as the servers say. */
export interface Roles {
  readonly primary: string;
  readonly standbys: readonly string[];
  readonly timeline: number;
}

/** Where a plan fails in a case. */
export interface Fault {
  readonly node: string;
  readonly when: FailurePoint;
}

/** What differs from a plain run. */
export interface Setup {
  readonly fault?: Fault;
  /** What the actions reach instead of the real thing. */
  readonly access?: {
    readonly control?: NodeControl;
    readonly nodes?: readonly PostgresNode[];
    readonly route?: Route;
  };
}

/** A run at rest. */
export interface Settled {
  readonly run: Run;
  readonly snapshot: RunSnapshot;
}

const HEALTHY_TIMEOUT_MS = 20_000;
const READ_ONLY_TRANSACTION = "25006";
/** A busy machine may need longer to greet a client than a plan would wait: that is no finding of a test. */
const PATIENT = { connectTimeoutMs: 10_000, queryTimeoutMs: 10_000 } as const;

export class LiveDrill {
  readonly cluster: PostgresCluster;
  readonly #engines: Engine[] = [];
  #rows = 0;
  #epoch = 0;

  private constructor(cluster: PostgresCluster) {
    this.cluster = cluster;
  }

  static async create(durability: Durability = "on"): Promise<LiveDrill> {
    const drill = new LiveDrill(await createPostgresCluster({ durability, fsync: false }));
    await query(drill.node(drill.cluster.primary), "create table kept (id integer primary key)");
    return drill;
  }

  async close(): Promise<void> {
    try {
      await Promise.all(this.#engines.map((engine) => engine.close()));
    } finally {
      await this.cluster.stop();
    }
  }

  node(name: string): PostgresNode {
    const node = this.cluster.nodes.find((one) => one.name === name);
    if (node === undefined) throw new Error(`no node ${name}`);
    return node;
  }

  /** The roles; fails unless exactly one node is a primary and all answer. */
  async roles(): Promise<Roles> {
    const status = await this.cluster.status();
    const primaries = status.filter(({ role }) => role === "primary");
    expect(primaries.length, JSON.stringify(status)).toBe(1);
    const standbys = status.filter(({ role }) => role === "standby").map(({ name }) => name);
    expect(standbys.length, JSON.stringify(status)).toBe(status.length - 1);
    return { primary: primaries[0]?.name ?? "", standbys, timeline: primaries[0]?.timeline ?? 0 };
  }

  /** Names of the nodes that are out of recovery. */
  async writers(): Promise<readonly string[]> {
    return (await this.cluster.status()).filter(({ role }) => role === "primary").map(({ name }) => name);
  }

  /** Writes one row on the primary and waits for its acknowledgement: it must never be lost. */
  async keepRow(primary: string): Promise<void> {
    this.#rows += 1;
    await query(this.node(primary), "insert into kept values ($1)", [this.#rows], PATIENT);
  }

  /** The primary dies after one more acknowledged row; the roles are those before its death. */
  async loseThePrimary(): Promise<Roles> {
    const roles = await this.roles();
    await this.keepRow(roles.primary);
    await this.cluster.control.kill(roles.primary);
    return roles;
  }

  /** Starts a plan on an engine of its own and waits until the run rests. */
  async start(planName: string, params: Record<string, Json>, setup: Setup = {}): Promise<Settled> {
    const plan = loadPlan(planName);
    let actions: ActionRegistry = postgresActions({ ...this.cluster, ...setup.access });
    if (setup.fault) actions = injectFailure(actions, plan, setup.fault.node, setup.fault.when);
    const engine = await createEngine({ actions });
    this.#engines.push(engine);
    // One cluster is failed over many times here: what keeps operators from that has tests of its own.
    const repeated = planName === "postgres-failover" ? { recoveryBlockSeconds: 0 } : {};
    const run = await engine.start(plan, { params: { cluster: "drill", ...repeated, ...params } });
    return { run, snapshot: await run.settled() };
  }

  /** Calls one action outside any run. */
  async act(name: string, input: Json, given?: AbortSignal): Promise<unknown> {
    const action = postgresActions(this.cluster)[name];
    if (typeof action !== "object") throw new Error(`no action ${name}`);
    const signal = given ?? new AbortController().signal;
    const ctx = { signal, input, runId: "by hand", nodeId: name, heartbeat: () => undefined, fencingTokens: {} };
    return await action.run(ctx as unknown as ActionContext);
  }

  /**
   * Proves that the cluster is whole: `primary` alone takes writes and is on the route, under an epoch that never went back; all
   * others follow it, refuse writes and hold every row that was ever acknowledged.
   */
  async expectHealthy(primary: string, timeline?: number): Promise<void> {
    await this.eventually(async () => {
      const roles = await this.roles();
      expect(roles.primary).toBe(primary);
      for (const { name, role, follows, timeline: own } of await this.cluster.status()) {
        if (role === "standby") expect({ name, follows, own }).toEqual({ name, follows: primary, own: roles.timeline });
      }
    });
    if (timeline !== undefined) expect((await this.roles()).timeline).toBe(timeline);
    const route = await this.cluster.route.current();
    expect(route.writer).toBe(primary);
    expect(route.epoch).toBeGreaterThanOrEqual(this.#epoch);
    this.#epoch = route.epoch;
    expect(await this.cluster.control.isMarkedStandby(primary)).toBe(false);
    expect((await readStatus(this.node(primary), PATIENT)).readOnlyByDefault).toBe(false);
    await this.keepRow(primary);
    const rows = Array.from({ length: this.#rows }, (_, index) => index + 1);
    for (const node of this.cluster.nodes) {
      await this.eventually(async () => {
        const kept = await query<{ id: number }>(node, "select id from kept order by id");
        expect(
          kept.map(({ id }) => id),
          node.name,
        ).toEqual(rows);
      });
      if (node.name === primary) continue;
      const write = query(node, "insert into kept values (0)", [], PATIENT);
      await expect(write, node.name).rejects.toMatchObject({ code: READ_ONLY_TRANSACTION });
    }
  }

  /** Repeats a check until it holds; its last failure is the test's. */
  async eventually(check: () => Promise<void>): Promise<void> {
    const deadline = performance.now() + HEALTHY_TIMEOUT_MS;
    for (;;) {
      try {
        return await check();
      } catch (error) {
        if (performance.now() > deadline) throw error;
      }
      await sleep(25);
    }
  }
}

/** Status of a node of the plan, or of the worst member of a group. */
export function statusOf(snapshot: RunSnapshot, id: string): readonly string[] {
  const found = snapshot.nodes.filter((node) => node.id === id || node.group === id);
  return [...new Set(found.map(({ status }) => status))].sort();
}

/** The codes of all failures of a run. */
export function failuresOf(snapshot: RunSnapshot): readonly string[] {
  return [...new Set(snapshot.nodes.flatMap(({ error }) => (error === null ? [] : [error.code])))].sort();
}

/** The same control with some verbs changed: a machine that does not answer, a supervisor that starts what was stopped. */
export function controlBut(control: NodeControl, changes: Partial<NodeControl>): NodeControl {
  return {
    kill: (name) => control.kill(name),
    stop: (name) => control.stop(name),
    start: (name) => control.start(name),
    isRunning: (name) => control.isRunning(name),
    markStandby: (name, conninfo) => control.markStandby(name, conninfo),
    unmarkStandby: (name) => control.unmarkStandby(name),
    isMarkedStandby: (name) => control.isMarkedStandby(name),
    controlState: (name) => control.controlState(name),
    reclone: (name, source, signal) => control.reclone(name, source, signal),
    hasData: (name) => control.hasData(name),
    wipe: (name) => control.wipe(name),
    conninfo: (name, source) => control.conninfo(name, source),
    ...changes,
  };
}
