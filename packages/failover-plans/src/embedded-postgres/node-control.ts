/**
 * The port NodeControl for servers of this machine.
 *
 * Owns the order of verbs: those on one node run one after the other, so that a retry never starts a server that an earlier
 * attempt is still copying; `kill` waits for nobody, because a fence must work while a stop hangs. Does not own processes
 * (server.ts) or files (data-directory.ts, base-backup.ts).
 */
import { readdir, rm } from "node:fs/promises";
import { BelayError } from "@belay/engine";
import type { ServerUser } from "../local-servers/server-user.ts";
import type { ControlState, NodeControl, PostgresNode } from "../postgres/ports.ts";
import { takeBaseBackup } from "./base-backup.ts";
import { readControlFile } from "./control-file.ts";
import { finishCopy, isMarkedStandby, makePrivate, markStandby, putInPlace, unmarkStandby } from "./data-directory.ts";
import type { Server } from "./server.ts";

/** A node with everything that belongs to it. */
export interface LocalNode {
  readonly node: PostgresNode;
  readonly server: Server;
  /** Its data directory. */
  readonly directory: string;
}

/** What a `LocalControl` is made of. */
export interface ControlSpec {
  readonly nodes: readonly LocalNode[];
  /** Whose files the data are; null = one's own. */
  readonly user: ServerUser | null;
  /** File with the replication password, in libpq's format: the password itself never appears in a setting or a report. */
  readonly passwordFile: string;
}

/** Every verb throws NOT_FOUND for an unknown name, STATE_INVALID when it needs a stopped node and the node runs. */
export class LocalControl implements NodeControl {
  readonly #spec: ControlSpec;
  readonly #byName: ReadonlyMap<string, LocalNode>;
  /** The last verb on each node; never rejects. */
  readonly #tails = new Map<string, Promise<unknown>>();
  #closed = false;

  constructor(spec: ControlSpec) {
    this.#spec = spec;
    this.#byName = new Map(spec.nodes.map((local) => [local.node.name, local]));
  }

  async kill(name: string): Promise<void> {
    await this.#find(name).server.kill();
  }

  async stop(name: string): Promise<void> {
    await this.#inTurn(name, ({ server }) => server.stop());
  }

  async start(name: string): Promise<void> {
    await this.#inTurn(name, async ({ server, directory }) => {
      if (!server.isRunning()) await finishCopy(directory);
      await server.start();
    });
  }

  async isRunning(name: string): Promise<boolean> {
    return this.#find(name).server.isRunning();
  }

  async markStandby(name: string, primaryConninfo: string): Promise<void> {
    await this.#whileStopped(name, ({ directory }) => markStandby(directory, primaryConninfo, this.#spec.user));
  }

  async unmarkStandby(name: string): Promise<void> {
    await this.#whileStopped(name, ({ directory }) => unmarkStandby(directory));
  }

  async isMarkedStandby(name: string): Promise<boolean> {
    return await isMarkedStandby(this.#find(name).directory);
  }

  async controlState(name: string): Promise<ControlState> {
    return await this.#whileStopped(name, ({ directory }) => readControlFile(directory));
  }

  async reclone(name: string, source: PostgresNode, signal?: AbortSignal): Promise<{ readonly bytes: number }> {
    if (source.name === name) throw new BelayError("INVALID_ARGUMENT", `${name} cannot be copied from itself`);
    return await this.#whileStopped(name, (local) => this.#copy(local, source, signal));
  }

  async hasData(name: string): Promise<boolean> {
    const entries = await readdir(this.#find(name).directory).catch((error: unknown) => {
      // One that cannot be looked into is not empty.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      return [];
    });
    return entries.length > 0;
  }

  async wipe(name: string): Promise<void> {
    await this.#whileStopped(name, ({ directory }) => rm(directory, { recursive: true, force: true }));
  }

  conninfo(name: string, source: PostgresNode): string {
    const password = this.#spec.passwordFile.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
    return [
      `host=${source.host} port=${source.port} user=${source.user} passfile='${password}'`,
      // The name tells the source which standby this is (synchronous_standby_names).
      `application_name=${this.#find(name).node.name} connect_timeout=2`,
    ].join(" ");
  }

  /**
   * Ends every server, with a shutdown checkpoint or (`discard`) without one, and every verb under way; later verbs throw
   * CLOSED. When it has returned, no process of the nodes exists.
   */
  async close(discard: boolean): Promise<void> {
    this.#closed = true;
    const servers = this.#spec.nodes.map(({ server }) => server);
    // What a server cannot do itself any more (frozen, stuck) is done to it.
    await Promise.all(servers.map((server) => (discard ? server.discard() : server.stop()).catch(() => server.kill())));
    // A start that was under way may have made a server since.
    await Promise.all(this.#tails.values());
    await Promise.all(servers.map((server) => server.kill()));
  }

  async #copy({ node, directory }: LocalNode, source: PostgresNode, signal?: AbortSignal): Promise<{ bytes: number }> {
    const { user } = this.#spec;
    // Aside first: a copy that breaks off leaves the node as it was, and the attempt can be made again; once it is complete
    // it is put in its place, whatever happens (finishCopy).
    const aside = `${directory}.copy`;
    await rm(aside, { recursive: true, force: true });
    try {
      await makePrivate(aside, user);
      const bytes = await takeBaseBackup(source, { directory: aside, user, signal });
      await markStandby(aside, this.conninfo(node.name, source), user);
      signal?.throwIfAborted();
      await putInPlace(aside, directory);
      return { bytes };
    } finally {
      await rm(aside, { recursive: true, force: true });
    }
  }

  async #inTurn<T>(name: string, work: (local: LocalNode) => Promise<T>): Promise<T> {
    const local = this.#find(name);
    const turn = (this.#tails.get(name) ?? Promise.resolve()).then(() => {
      if (this.#closed) throw new BelayError("CLOSED", "the cluster is stopped");
      return work(local);
    });
    const settled = turn.catch(() => undefined);
    this.#tails.set(name, settled);
    return await turn;
  }

  async #whileStopped<T>(name: string, work: (local: LocalNode) => Promise<T>): Promise<T> {
    return await this.#inTurn(name, async (local) => {
      if (!local.server.isRunning()) {
        await finishCopy(local.directory);
        return await work(local);
      }
      throw new BelayError("STATE_INVALID", `${name} is running: stop it first`, { node: name });
    });
  }

  #find(name: string): LocalNode {
    const local = this.#byName.get(name);
    if (local !== undefined) return local;
    throw new BelayError("NOT_FOUND", `no node "${name}": there are ${[...this.#byName.keys()].join(", ")}`);
  }
}
