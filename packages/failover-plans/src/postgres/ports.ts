/**
 * The port through which the PostgreSQL plans reach what SQL cannot: the server processes and their data directories. The other
 * one, to the place where clients learn which node takes writes, is every system's: `route/route.ts`.
 *
 * Owns the contracts only. An implementation lives next to the thing it drives (an embedded cluster, an agent on each host, a service
 * registry). Invariant the plans rely on: a fence is certain (`kill` returns only when the server is gone).
 */

/** One PostgreSQL server as the plans address it. */
export interface PostgresNode {
  /** Name used in plan parameters, locks and reports; unique in the cluster. */
  readonly name: string;
  /** Address that the controller, and the other nodes, connect to. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
  /** Superuser that the plans connect as. */
  readonly user: string;
  /** Database that the plans connect to. */
  readonly database: string;
  /** Promotion preference among equally advanced standbys; the higher number wins. */
  readonly priority: number;
  /** Password, when the server asks for one. */
  readonly password?: string;
}

/** What the control file of a stopped node says. */
export interface ControlState {
  /** True when the server ended with a shutdown checkpoint: nothing is left to replay. */
  readonly cleanShutdown: boolean;
  /** LSN of the last checkpoint record, as PostgreSQL prints it, e.g. "0/3000028". */
  readonly checkpointLsn: string;
  /** Timeline of that checkpoint. */
  readonly timeline: number;
  /** The cluster's identifier, as `pg_control_system()` prints it: the same on a primary and all that were ever copied from it. */
  readonly systemIdentifier: string;
}

/** Power over server processes and data directories. Every method names a node by `PostgresNode.name`. */
export interface NodeControl {
  /**
   * Ends the server for certain (the fence) and waits until it is gone. Idempotent. `order.epoch` grows from run to run: whoever
   * carries the order out may refuse one that is lower than what it has obeyed.
   */
  kill(node: string, order?: { readonly epoch: number }): Promise<void>;
  /** Fast shutdown (SIGINT); waits until the server is gone. */
  stop(node: string): Promise<void>;
  /** Starts the server and waits until it accepts connections; an already running one is fine. */
  start(node: string): Promise<void>;
  /** Whether the server process exists. */
  isRunning(node: string): Promise<boolean>;
  /**
   * Whether the node's machine is known to be down, so that nothing can be written there; its server does not run then. Without it a
   * machine counts as up.
   */
  isMachineDown?(node: string): Promise<boolean>;
  /** Writes standby.signal and primary_conninfo of the stopped node; "" makes a fenced standby that follows nobody. */
  markStandby(node: string, primaryConninfo: string): Promise<void>;
  /** Removes standby.signal, so that the next start makes a primary. */
  unmarkStandby(node: string): Promise<void>;
  /** Whether standby.signal exists. */
  isMarkedStandby(node: string): Promise<boolean>;
  /** Reads the control file of the stopped node. */
  controlState(node: string): Promise<ControlState>;
  /**
   * Wipes the node, copies `source` over the replication protocol, leaves the node stopped and marked as its standby. `signal` ends the
   * copy; the node is then as it was before. Without one the copy goes on to its end.
   */
  reclone(node: string, source: PostgresNode, signal?: AbortSignal): Promise<{ readonly bytes: number }>;
  /** Whether the node has a data directory with anything in it. */
  hasData(node: string): Promise<boolean>;
  /** Removes the data directory of the stopped node; nothing when it has none. */
  wipe(node: string): Promise<void>;
  /** The primary_conninfo with which `node` follows `source`. */
  conninfo(node: string, source: PostgresNode): string;
}
