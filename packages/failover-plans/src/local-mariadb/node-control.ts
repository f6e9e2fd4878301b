/**
 * The port NodeControl for servers of this machine.
 *
 * Owns the order of verbs: those on one node run one after the other, so that a retry never starts a server that an earlier attempt
 * is still copying; `kill` waits for nobody, because a fence must work while something hangs. Does not own processes (server.ts) or
 * files (node-directory.ts).
 */
import { BelayError } from "@belay/engine";
import type { ServerUser } from "../local-servers/server-user.ts";
import type { MariadbNode, NodeControl, StartRole } from "../mariadb/ports.ts";
import { quoteLiteral, withSession } from "../mysql-client/client.ts";
import { copyDirectory, readStartRole, writeStartRole } from "./node-directory.ts";
import type { Server } from "./server.ts";
import { copyTables } from "./table-copy.ts";

/** A node with everything that belongs to it. */
export interface LocalNode {
  readonly node: MariadbNode;
  readonly server: Server;
  /** Directory of everything that is the node's. */
  readonly directory: string;
}

/** What a `LocalControl` is made of. */
export interface ControlSpec {
  readonly nodes: readonly LocalNode[];
  /** Directory with system tables and accounts, from which nodes are made. */
  readonly template: string;
  /** Whose files the data are; null = one's own. */
  readonly user: ServerUser | null;
}

const LIMITS = { connectTimeoutMs: 5000, queryTimeoutMs: 10_000 } as const;

/** Every verb throws NOT_FOUND for an unknown name, CLOSED after `close`. */
export class LocalControl implements NodeControl {
  readonly #spec: ControlSpec;
  readonly #byName: ReadonlyMap<string, LocalNode>;
  /** The last verb on each node; never rejects. */
  readonly #tails = new Map<string, Promise<unknown>>();
  readonly #closing = new AbortController();

  constructor(spec: ControlSpec) {
    this.#spec = spec;
    this.#byName = new Map(spec.nodes.map((local) => [local.node.name, local]));
  }

  async kill(name: string): Promise<void> {
    await this.#find(name).server.kill();
  }

  async start(name: string): Promise<void> {
    await this.#inTurn(name, async ({ server, directory }) => server.start(await readStartRole(directory)));
  }

  async isRunning(name: string): Promise<boolean> {
    return this.#find(name).server.isRunning();
  }

  async setStartRole(name: string, role: StartRole): Promise<void> {
    await this.#inTurn(name, ({ directory }) => writeStartRole(directory, role, this.#spec.user));
  }

  async startRole(name: string): Promise<StartRole> {
    return await readStartRole(this.#find(name).directory);
  }

  async reclone(name: string, source: MariadbNode): Promise<{ readonly rows: number }> {
    if (source.name === name) throw new BelayError("INVALID_ARGUMENT", `${name} cannot be copied from itself`);
    return await this.#inTurn(name, async (local) => {
      await this.#renew(local);
      const { rows, position, binlogState } = await copyTables(source, local.node, this.#closing.signal);
      await withSession(local.node, LIMITS, async (session) => {
        await session.query("reset master");
        await session.query(`set global gtid_binlog_state = ${quoteLiteral(binlogState)}`);
        await session.query(`set global gtid_slave_pos = ${quoteLiteral(position)}`);
      });
      return { rows };
    });
  }

  replicationUser(_name: string, source: MariadbNode): { readonly user: string; readonly password: string } {
    return { user: source.user, password: source.password ?? "" };
  }

  /** Ends every server and every verb under way; later verbs throw CLOSED. When it has returned, no process of the nodes exists. */
  async close(discard: boolean): Promise<void> {
    this.#closing.abort(new BelayError("CLOSED", "the cluster is stopped"));
    const servers = this.#spec.nodes.map(({ server }) => server);
    // What a server cannot do itself any more (frozen, stuck) is done to it.
    await Promise.all(servers.map((server) => (discard ? server.kill() : server.stop()).catch(() => server.kill())));
    // A start that was under way may have made a server since.
    await Promise.all(this.#tails.values());
    await Promise.all(servers.map((server) => server.kill()));
  }

  /** An empty server in place of what was there, fenced: a copy that breaks off leaves nothing that could be taken for whole. */
  async #renew({ server, directory }: LocalNode): Promise<void> {
    const { template, user } = this.#spec;
    await server.kill();
    await copyDirectory(template, directory, user);
    await writeStartRole(directory, "fenced", user);
    await server.start("fenced");
  }

  async #inTurn<T>(name: string, work: (local: LocalNode) => Promise<T>): Promise<T> {
    const local = this.#find(name);
    const turn = (this.#tails.get(name) ?? Promise.resolve()).then(() => {
      this.#closing.signal.throwIfAborted();
      return work(local);
    });
    const settled = turn.catch(() => undefined);
    this.#tails.set(name, settled);
    return await turn;
  }

  #find(name: string): LocalNode {
    const local = this.#byName.get(name);
    if (local !== undefined) return local;
    throw new BelayError("NOT_FOUND", `no node "${name}": there are ${[...this.#byName.keys()].join(", ")}`);
  }
}
