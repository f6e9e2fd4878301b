/**
 * A stage for plans on real MariaDB servers: one cluster for many cases. Each case takes the roles as it finds them, runs a plan, and
 * asks the servers themselves, by SQL, what came of it. Owns the questions; every wait is bounded.
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
import {
  createMariadbCluster,
  findMariadb,
  MARIADB_PACKAGE,
  type MariadbCluster,
} from "@belay/failover-plans/local-mariadb";
import { type MariadbNode, mariadbActions, type NodeControl } from "@belay/failover-plans/mariadb";
import { expect } from "vitest";
import { statusOf } from "../../packages/failover-plans/src/mariadb/access.ts";
import { mariadbDialect } from "../../packages/failover-plans/src/mariadb/mariadb-dialect.ts";
import type { ServerStatus } from "../../packages/failover-plans/src/mariadb/server-status.ts";
import { withSession as clusterSession, query } from "../../packages/failover-plans/src/mysql-client/client.ts";

/** Whether real servers can be raised here; says so once for each file that asks when they cannot. */
export const hasMariadb: boolean = await (async () => {
  if ((await findMariadb()) !== null) return true;
  // biome-ignore lint/suspicious/noConsole: a check that is skipped is said aloud.
  console.warn(
    `SKIPPED: tests on real MariaDB servers need Debian's package ${MARIADB_PACKAGE} (or BELAY_MARIADB_BIN)`,
  );
  return false;
})();

/** Who does what, as the servers say. */
export interface Roles {
  readonly writer: string;
  readonly replicas: readonly string[];
}

/** What differs from a plain run. */
export interface Setup {
  readonly fault?: { readonly node: string; readonly when: FailurePoint };
  /** What the actions reach instead of the real thing. */
  readonly access?: { readonly control?: NodeControl; readonly nodes?: readonly MariadbNode[] };
}

const HEALTHY_TIMEOUT_MS = 20_000;
/** ER_OPTION_PREVENTS_STATEMENT: --read-only. */
const READ_ONLY = 1290;
/** A busy machine may need longer to greet a client than a plan would wait: that is no finding of a test. */
export const PATIENT = { connectTimeoutMs: 10_000, queryTimeoutMs: 10_000 } as const;

export class LiveDrill {
  readonly cluster: MariadbCluster;
  readonly #engines: Engine[] = [];
  readonly #rows: number[] = [];
  #epoch = 0;

  constructor(cluster: MariadbCluster) {
    this.cluster = cluster;
  }

  static async create(nodes = 3): Promise<LiveDrill> {
    const drill = new LiveDrill(await createMariadbCluster({ nodes }));
    await query(drill.client(drill.cluster.writer), "create table kept (id bigint primary key)", [], PATIENT);
    return drill;
  }

  async close(): Promise<void> {
    try {
      await Promise.all(this.#engines.map((engine) => engine.close()));
    } finally {
      await this.cluster.stop();
    }
  }

  node(name: string): MariadbNode {
    const node = this.cluster.nodes.find((one) => one.name === name);
    if (node === undefined) throw new Error(`no node ${name}`);
    return node;
  }

  client(name: string): MariadbCluster["clients"][number] {
    const client = this.cluster.clients.find((one) => one.name === name);
    if (client === undefined) throw new Error(`no client of ${name}`);
    return client;
  }

  async sql(name: string, ...statements: readonly string[]): Promise<void> {
    await clusterSession(this.node(name), PATIENT, async (session) => {
      for (const statement of statements) await session.query(statement);
    });
  }

  /** Two rows that exist on the writer only, for certain: nobody listens, nobody is waited for, and both are on its disk. */
  async diverge({ writer, replicas }: Roles, ids: readonly [number, number]): Promise<void> {
    for (const name of replicas) await this.sql(name, "stop slave io_thread");
    await this.sql(writer, "set global rpl_semi_sync_master_enabled = 0");
    for (const id of ids) await this.sql(writer, `insert into app.kept values (${id})`);
    await this.sql(writer, "flush local engine logs");
  }

  async status(name: string): Promise<ServerStatus> {
    return await clusterSession(this.node(name), PATIENT, (session) => statusOf(session, mariadbDialect));
  }

  /** Names of the nodes that answer and take writes. */
  async writers(): Promise<readonly string[]> {
    const names = this.cluster.nodes.map(({ name }) => name);
    const statuses = await Promise.all(names.map((name) => this.status(name).catch(() => undefined)));
    return names.filter((_, index) => statuses[index]?.readOnly === false);
  }

  /** The roles; fails unless exactly one node takes writes. */
  async roles(): Promise<Roles> {
    const writers = await this.writers();
    expect(writers.length, writers.join()).toBe(1);
    const [writer = ""] = writers;
    return { writer, replicas: this.cluster.nodes.map(({ name }) => name).filter((name) => name !== writer) };
  }

  /** Writes one row and waits for its acknowledgement: it must never be lost. */
  async keepRow(writer: string): Promise<void> {
    const id = this.#rows.length + 1;
    await query(this.client(writer), "insert into kept values (?)", [id], PATIENT);
    this.#rows.push(id);
  }

  /** The writer dies after one more acknowledged row; the roles are those before its death. */
  async loseTheWriter(): Promise<Roles> {
    const roles = await this.roles();
    await this.keepRow(roles.writer);
    await this.cluster.control.kill(roles.writer);
    return roles;
  }

  /** Starts a plan on an engine of its own and waits until the run rests. */
  async start(
    planName: string,
    params: Readonly<Record<string, Json>>,
    setup: Setup = {},
  ): Promise<{ readonly run: Run; readonly snapshot: RunSnapshot }> {
    const plan = loadPlan(planName);
    let actions: ActionRegistry = mariadbActions({ ...this.cluster, ...setup.access });
    if (setup.fault) actions = injectFailure(actions, plan, setup.fault.node, setup.fault.when);
    const engine = await createEngine({ actions });
    this.#engines.push(engine);
    // One cluster is failed over many times here: what keeps operators from that has tests of its own.
    const repeated = planName === "mariadb-failover" ? { recoveryBlockSeconds: 0 } : {};
    const run = await engine.start(plan, { params: { cluster: "drill", ...repeated, ...params } });
    return { run, snapshot: await run.settled() };
  }

  /** Calls one action outside any run. */
  async act(name: string, input: Json): Promise<unknown> {
    const action = mariadbActions(this.cluster)[name];
    if (typeof action !== "object") throw new Error(`no action ${name}`);
    return await action.run({ signal: new AbortController().signal, input } as unknown as ActionContext);
  }

  /**
   * Proves that the cluster is whole: `writer` alone takes writes and is on the route, under an epoch that never went back; all others
   * follow it, refuse writes of clients and hold every row that was ever acknowledged; everyone would be the same after a restart.
   */
  async expectHealthy(writer: string): Promise<void> {
    const { port } = this.node(writer);
    await this.eventually(async () => {
      for (const { name } of this.cluster.nodes) {
        const { readOnly, replica, semisyncWriter, semisyncReplica } = await this.status(name);
        const role = await this.cluster.control.startRole(name);
        const follows = replica && {
          port: replica.port,
          io: replica.receiving,
          sql: replica.applying,
          why: replica.applyError,
        };
        if (name === writer)
          expect({ name, readOnly, follows, role, semisyncWriter }).toEqual({
            name,
            readOnly: false,
            follows: null,
            role: "writer",
            semisyncWriter: true,
          });
        else
          expect({ name, readOnly, follows, role, semisyncReplica }).toEqual({
            name,
            readOnly: true,
            follows: { port, io: "yes", sql: true, why: "" },
            role: "replica",
            semisyncReplica: true,
          });
      }
    });
    const route = await this.cluster.route.current();
    expect(route.writer).toBe(writer);
    expect(route.epoch).toBeGreaterThanOrEqual(this.#epoch);
    this.#epoch = route.epoch;
    await this.keepRow(writer);
    for (const { name } of this.cluster.nodes) {
      await this.eventually(async () => {
        const kept = await query<{ id: number }>(this.client(name), "select id from kept where id > 0 order by id");
        expect(
          kept.map(({ id }) => Number(id)),
          name,
        ).toEqual(this.#rows);
      });
      if (name === writer) continue;
      const write = query(this.client(name), "insert into kept values (0)", [], PATIENT);
      await expect(write, name).rejects.toMatchObject({ errno: READ_ONLY });
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

/** Statuses of a node of the plan, or of the members of a group. */
export function statusesOf(snapshot: RunSnapshot, id: string): readonly string[] {
  const found = snapshot.nodes.filter((node) => node.id === id || node.group === id);
  return [...new Set(found.map(({ status }) => status))].sort();
}

/** The codes of all failures of a run. */
export function failuresOf(snapshot: RunSnapshot): readonly string[] {
  return [...new Set(snapshot.nodes.flatMap(({ error }) => (error === null ? [] : [error.code])))].sort();
}

/** The output of a node. */
export function outputOf(snapshot: RunSnapshot, id: string): Record<string, Json> {
  return (snapshot.nodes.find((node) => node.id === id)?.output ?? {}) as Record<string, Json>;
}

/** Everything that can be read from a run, for messages. */
export function explain(snapshot: RunSnapshot): string {
  return JSON.stringify(snapshot.nodes.map(({ id, status, error }) => ({ id, status, error })));
}
