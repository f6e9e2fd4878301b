/**
 * What one server says about itself, in words that MariaDB and MySQL share. Owns the shape; how it is asked, and how positions are
 * compared, is the dialect's. Positions are texts of the server: `0-1-42` in MariaDB, `uuid:1-42` in MySQL.
 */

/** How a server replicates. */
export interface ReplicaStatus {
  /** Whom it follows. */
  readonly host: string;
  readonly port: number;
  /** The thread that receives; `connecting`: it runs, but has no connection now. */
  readonly receiving: "yes" | "no" | "connecting";
  /** Whether the thread that applies runs. */
  readonly applying: boolean;
  /**
   * Whether it has reached whom it follows since it started. Before that, what it once received and had not applied may be gone:
   * MariaDB throws a relay log away at a start by GTID, MySQL with relay_log_recovery.
   */
  readonly reached: boolean;
  /** Everything that it has, applied or not: a semi-sync acknowledgement stands for this. */
  readonly received: string;
  /** Whether it follows by GTID: without, nobody else can be followed safely. */
  readonly byGtid: boolean;
  /** Last errors of the two threads; "" when there is none. */
  readonly receiveError: string;
  readonly applyError: string;
}

/** A server's view of itself. */
export interface ServerStatus {
  /** The server in its own GTIDs: server_id, or server_uuid in MySQL. */
  readonly identity: string;
  /** gtid_domain_id, in which it writes; "" in MySQL, which has none. */
  readonly domain: string;
  /** Whether it refuses writes of ordinary clients (read_only). */
  readonly readOnly: boolean;
  /** What it has committed. */
  readonly executed: string;
  /** Who wrote what of that, as far as its own log tells: gtid_binlog_state, gtid_executed. */
  readonly history: string;
  /** The last that it got by replication: gtid_slave_pos; in MySQL the same as `executed`. */
  readonly replicated: string;
  /** Refuses GTIDs out of order (gtid_strict_mode); always in MySQL. */
  readonly strict: boolean;
  /** Writes a binlog with what it replicates: only such a one can be followed after a promotion. */
  readonly keepsLog: boolean;
  /** Semi-sync switched on for the role of a replica, or of a writer. */
  readonly semisyncReplica: boolean;
  readonly semisyncWriter: boolean;
  /** Whether it could be a semi-sync writer: MySQL needs a plugin for that. */
  readonly semisyncAble: boolean;
  /** Null when it replicates from nobody. */
  readonly replica: ReplicaStatus | null;
}
