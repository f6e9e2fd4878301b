/**
 * One real PostgreSQL server for the journals of a test file, a schema per case. Owns: the server, a connection to look
 * with, and what outsiders may do to a journal: end leases, cut connections, drop what is left.
 */
import type { PostgresAddress } from "@belay/engine/postgres";
import { createPostgresCluster, type PostgresCluster } from "@belay/failover-plans/embedded-postgres";
import { connect, type Row, type Session, withSession } from "../../packages/failover-plans/src/postgres/client.ts";
import type { PostgresNode } from "../../packages/failover-plans/src/postgres/ports.ts";

const PATIENT = { connectTimeoutMs: 10_000, queryTimeoutMs: 30_000 } as const;

export class JournalServer {
  readonly cluster: PostgresCluster;
  readonly node: PostgresNode;
  #session: Session;
  #schemas = 0;
  #tail: Promise<unknown> = Promise.resolve();

  private constructor(cluster: PostgresCluster, node: PostgresNode, session: Session) {
    this.cluster = cluster;
    this.node = node;
    this.#session = session;
  }

  /** `fsync: false` for what is not about crashes of the machine and commits many thousands of times. */
  static async start({ fsync = true }: { fsync?: boolean } = {}): Promise<JournalServer> {
    const cluster = await createPostgresCluster({ nodes: 1, durability: "local" });
    const node = cluster.nodes[0] as PostgresNode;
    const server = new JournalServer(cluster, node, await connect(node, PATIENT));
    if (!fsync) {
      await server.query("alter system set fsync = off");
      await server.query("select pg_reload_conf()");
    }
    return server;
  }

  async stop(): Promise<void> {
    await this.#session.end();
    await this.cluster.stop();
  }

  get address(): PostgresAddress {
    const { host, port, user, database, password } = this.node;
    return { host, port, user, database, password: password ?? "" };
  }

  /** A name that no schema has yet. */
  newSchema(): string {
    this.#schemas++;
    return `journal ${this.#schemas}`;
  }

  /** Asks past every journal, one after the other. */
  query<R extends object = Row>(text: string, values: readonly unknown[] = []): Promise<readonly R[]> {
    const answer = this.#tail.then(() => this.#session.query<R>(text, values));
    this.#tail = answer.catch(() => undefined);
    return answer;
  }

  /** Runs a statement in a session of its own and holds its transaction open. */
  async hold(text: string): Promise<{ commit(): Promise<void> }> {
    const session = await connect(this.node, PATIENT);
    await session.query("begin");
    await session.query(text);
    return {
      async commit() {
        await session.query("commit");
        await session.end();
      },
    };
  }

  /** Asks in a session of its own: the answer may be long in coming. */
  async aside(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return await withSession(this.node, PATIENT, (session) => session.query(text, values));
  }

  /** Whether a session waits for another one's lock. */
  async somebodyWaits(): Promise<boolean> {
    return (await this.query("select from pg_stat_activity where wait_event_type = 'Lock'")).length > 0;
  }

  /** The server is killed with everything it was doing, and started again. */
  async killAndStart(): Promise<void> {
    await this.#session.end();
    await this.cluster.control.kill(this.node.name);
    await this.cluster.control.start(this.node.name);
    this.#session = await connect(this.node, PATIENT);
  }

  /** The leases of these engines, or of all, end now by the server's clock. */
  async endLeases(schema: string, engines?: readonly string[]): Promise<void> {
    const which = engines === undefined ? "" : "where engine = any($1)";
    const text = `update "${schema}".owners set until = clock_timestamp() - interval '1 ms' ${which}`;
    await this.query(text, engines === undefined ? [] : [engines]);
  }

  /** Connections that journals have, and others that call themselves like them. */
  async connections(): Promise<number> {
    const text = "select from pg_stat_activity where application_name = 'belay' and pid <> pg_backend_pid()";
    return (await this.query(text)).length;
  }

  /** Ends every connection of every journal, as the end of their processes would. */
  async cutConnections(): Promise<void> {
    await this.query(
      "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'belay' and pid <> pg_backend_pid()",
    );
  }

  async drop(schema: string): Promise<void> {
    await this.query(`drop schema if exists "${schema}" cascade`);
  }
}
