/**
 * What a PostgreSQL demo plays on: a cluster, clients that write, and the bill at the end. Owns: how they come to be, in
 * this process or from one that died, and how they go. Does not own: the run.
 */
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ActionRegistry, Json, Plan, RunSnapshot } from "@belay/engine";
import { INJECTED_FAILURE } from "@belay/failover-plans";
import {
  createPostgresCluster,
  type PostgresCluster,
  resumeWorkload,
  startWorkload,
  takeOverPostgresCluster,
  type Workload,
} from "@belay/failover-plans/embedded-postgres";
import { postgresActions } from "@belay/failover-plans/postgres";
import type { Renderer } from "../render/renderer.ts";
import type { DemoOptions } from "./demo-options.ts";
import type { PostgresReport } from "./postgres-report.ts";
import { type Cast, type PostgresDemo, SCENES } from "./postgres-scenes.ts";
import { withFailure } from "./run-plan.ts";

/** After the run, writes may need a moment to come back; longer than this they do not. */
const RESUME_MS = 5000;
const POLL_MS = 20;
/** Name of the writers' table, told to the plan for its report of rows that only the old primary had. */
const TABLE = "belay_demo";

/** How long the servers wait for the process that goes on with their run. */
export const PATIENCE_MS: number = 15 * 60_000;

/** What is shown, and to whom. */
export interface ShowSpec {
  readonly name: PostgresDemo;
  readonly plan: Plan;
  readonly options: DemoOptions;
  readonly renderer: Renderer;
  readonly interrupted: AbortSignal;
}

export class PostgresShow {
  readonly #spec: ShowSpec;
  readonly cluster: PostgresCluster;
  readonly workload: Workload;
  #ending: Promise<void> | undefined;

  private constructor(spec: ShowSpec, cluster: PostgresCluster, workload: Workload) {
    this.#spec = spec;
    this.cluster = cluster;
    this.workload = workload;
  }

  /** A new cluster with its clients. Leaves nothing behind when it fails, or is interrupted. */
  static async raise(spec: ShowSpec): Promise<PostgresShow> {
    const { options, renderer, interrupted } = spec;
    const began = performance.now();
    const { words } = SCENES[spec.name];
    if (words !== undefined) renderer.say(words(options.nodes));
    renderer.say(`starting a PostgreSQL cluster of ${options.nodes} servers: real ones, on this machine`);
    const place = options.keep ? { dataDir: join(tmpdir(), `belay-demo-${process.pid}-${Date.now()}`) } : {};
    const cluster = await createPostgresCluster({ nodes: options.nodes, signal: interrupted, ...place });
    try {
      interrupted.throwIfAborted();
      const took = ((performance.now() - began) / 1000).toFixed(1);
      const addresses = cluster.nodes.map((node) => `${node.name} :${node.port}`).join(", ");
      renderer.say(`the cluster is up after ${took} s: ${addresses}; ${cluster.primary} takes writes`);
      const { writers } = options;
      const workload = await startWorkload({ ...cluster, writers, table: TABLE, file: fileOf(cluster.dataDir) });
      return new PostgresShow(spec, cluster, workload);
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** The cluster of a process that died, with new clients. NOT_FOUND when its servers are gone. */
  static async resume(spec: ShowSpec, dataDir: string): Promise<PostgresShow> {
    const cluster = await takeOverPostgresCluster(dataDir, { patienceMs: PATIENCE_MS });
    const { writers } = spec.options;
    const workload = await resumeWorkload({ ...cluster, writers, file: fileOf(cluster.dataDir) });
    return new PostgresShow(spec, cluster, workload);
  }

  /** The plan's actions on this cluster; the failure that was asked for happens once per run. */
  async actions(before?: RunSnapshot): Promise<ActionRegistry> {
    const { plan, options, name } = this.#spec;
    const { fail } = options;
    const own = SCENES[name].own?.(this.cluster);
    const real = own === undefined ? postgresActions(this.cluster) : await own.actions();
    const nodes = before?.nodes ?? [];
    const happened = nodes.some(
      ({ id, group, error }) => (id === fail || group === fail) && error?.code === INJECTED_FAILURE,
    );
    return happened ? real : withFailure(real, plan, options);
  }

  get cast(): Cast {
    const { primary, nodes } = this.cluster;
    return { primary, standbys: nodes.map((node) => node.name).filter((node) => node !== primary) };
  }

  params(): Readonly<Record<string, Json>> {
    const { dataDir } = this.cluster;
    // Its name is that of its lock: demos whose runs are kept in one file do not exclude each other.
    const cluster = this.#spec.options.db === undefined ? "demo" : basename(dataDir);
    const scene = SCENES[this.#spec.name];
    return { cluster, ...scene.params(this.cast, TABLE), ...scene.own?.(this.cluster).params };
  }

  /** Ends the clients and counts; undefined when interrupted. */
  async bill(snapshot: RunSnapshot): Promise<PostgresReport | undefined> {
    const { renderer, interrupted } = this.#spec;
    if (interrupted.aborted) return undefined;
    if (snapshot.status !== "SUCCESSFUL")
      renderer.say("the writers get a few seconds to find a server that takes writes");
    await this.#writesResume();
    await this.workload.stop();
    renderer.say("writers stopped, counting rows on every server");
    return await unlessAborted(this.workload.report(), interrupted);
  }

  /** Ends clients and servers, whatever the run came to. A second call waits for the first. */
  async end(): Promise<void> {
    this.#ending ??= this.#end();
    await this.#ending;
  }

  async #end(): Promise<void> {
    const { options, renderer } = this.#spec;
    await this.workload.stop();
    await this.cluster.stop();
    if (options.keep) renderer.say(`data and logs of the servers are kept in ${this.cluster.dataDir}`);
  }

  /** Ends the clients; the servers wait for the next process. */
  async leave(): Promise<void> {
    await this.workload.stop();
  }

  /** Waits until clients can write again, so that the gap they noticed has an end; not for ever: they may never. */
  async #writesResume(): Promise<void> {
    const { workload } = this;
    const before = workload.acknowledged();
    const deadline = performance.now() + RESUME_MS;
    const { interrupted } = this.#spec;
    while (workload.acknowledged() === before && performance.now() < deadline && !interrupted.aborted)
      await sleep(POLL_MS);
  }
}

/** Where the clients keep what they saw. */
function fileOf(dataDir: string): string {
  return join(dataDir, "clients.log");
}

/** The promise's value, or undefined as soon as the signal is aborted; nobody waits for the promise then. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const aborted = new Promise<undefined>((resolve) => {
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
    if (signal.aborted) resolve(undefined);
  });
  return await Promise.race([promise, aborted]);
}
