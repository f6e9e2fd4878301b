/**
 * The port through which the MariaDB and MySQL plans reach what SQL cannot: the server processes and what they are when they start
 * next. The other one, to the place where clients learn which node takes writes, is every system's: `route/route.ts`.
 *
 * Owns the contracts only. An implementation lives next to the thing it drives (servers of this machine, an agent on each host).
 * Invariants the plans rely on: a fence is certain (`kill` returns only when the server is gone), and a start role holds for every
 * later start, whoever starts the server.
 */
import type { MysqlServer } from "../mysql-client/client.ts";

/**
 * One server as the plans address it. `user` may do everything: replication, read_only and all. `host` is the address by which the
 * other nodes reach it too, written as they write it: by it a replica is known to follow another node than the writer.
 */
export interface MariadbNode extends MysqlServer {
  /** Promotion preference among equally advanced replicas; the higher number wins. */
  readonly priority: number;
}

/**
 * What a server is when it starts: `writer` takes writes (read_only=0); `replica` refuses them and goes on replicating from where it
 * was; `fenced` refuses them and replicates from nobody until it is told to (read_only=1, skip-slave-start; super_read_only=1 and
 * skip-replica-start in MySQL). For MariaDB under semi-sync `fenced` should also set init-rpl-role=SLAVE: crash recovery then takes back
 * what no replica acknowledged. Not without semi-sync: there it would take back what clients were told is committed, unseen.
 */
export type StartRole = "writer" | "replica" | "fenced";

/** Power over server processes. Every method names a node by its `name`; all are idempotent. */
export interface NodeControl {
  /** Ends the server for certain (the fence) and waits until it is gone. */
  kill(node: string): Promise<void>;
  /** Starts the server in its start role and waits until it accepts connections; an already running one is fine. */
  start(node: string): Promise<void>;
  /** Whether the server process exists. */
  isRunning(node: string): Promise<boolean>;
  /** What the node is at its next start; a running server does not change by it. Durable when it returns. */
  setStartRole(node: string, role: StartRole): Promise<void>;
  /** What the node is at its next start. */
  startRole(node: string): Promise<StartRole>;
  /**
   * Wipes the node and copies `source`, which goes on taking writes; leaves the node running, fenced, knowing the GTIDs of what it
   * holds (`gtid_slave_pos`; `gtid_purged` in MySQL), so that it can follow by them.
   */
  reclone(node: string, source: MariadbNode): Promise<{ readonly rows: number }>;
  /** Account with which `node` replicates from `source`. */
  replicationUser(node: string, source: MariadbNode): { readonly user: string; readonly password: string };
}
