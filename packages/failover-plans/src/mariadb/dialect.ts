/**
 * What MariaDB and MySQL say differently: statements, names of columns, GTIDs. Every action is written once, over this. Owns the
 * contract and the choice.
 */
import type { MysqlServer, Row } from "../mysql-client/client.ts";
import { mariadbDialect } from "./mariadb-dialect.ts";
import { mysqlDialect } from "./mysql-dialect.ts";
import type { ServerStatus } from "./server-status.ts";

/** A statement that waits on the server, and how its answer is read. */
export interface WaitStatement {
  readonly text: string;
  readonly values: readonly (string | number)[];
  /** Whether the row says that the position was reached. */
  reached(row: Row | undefined): boolean;
}

/** The account with which a replica follows. */
export interface ReplicationAccount {
  readonly user: string;
  readonly password: string;
}

/** One of the two. Statements are run in order, each by itself. */
export interface Dialect {
  /** Prefix of the actions' names, and of the plans'. */
  readonly name: "mariadb" | "mysql";
  /** One row, without a replica's part. */
  readonly statusSql: string;
  /** One row for a replica, none otherwise. */
  readonly replicaSql: string;
  /** The rows of the two, in common words. */
  readStatus(row: Row, replica: Row | undefined): ServerStatus;
  /** A replica stops receiving, and goes on applying what it has. */
  readonly stopReceiving: string;
  readonly startReceiving: string;
  /** A replica neither receives nor applies any more. */
  readonly stop: string;
  /** A replica becomes a server that follows nobody, for good. */
  readonly forget: readonly string[];
  readonly refuseWrites: readonly string[];
  readonly takeWrites: readonly string[];
  /** Everything up to the present position is in the table files' view: nobody may commit from the first statement on. */
  readonly blockCommits: string;
  /** Follows `source` by GTID, from what the server holds. */
  follow(source: MysqlServer, account: ReplicationAccount): readonly string[];
  /** What it committed itself counts as replicated: a former writer goes on from there. The replica is stopped. */
  adopt(status: ServerStatus): readonly string[];
  /** Switches semi-sync to the role. */
  semisync(role: "writer" | "replica"): readonly string[];
  /** Waits on the server until it has committed everything up to `position`, `seconds` at most. */
  waitFor(position: string, seconds: number): WaitStatement;
  /** How many transactions of `whole` are missing in `part`; 0 when it has them all. */
  missing(part: string, whole: string): number;
  /** The least position that includes both. */
  union(a: string, b: string): string;
  /**
   * Transactions that `server` wrote itself and that no one of `others` has, as GTIDs or ranges of them: errant ones, or those that a
   * dead writer took with it. Empty when there are none.
   */
  unshared(server: ServerStatus, others: readonly ServerStatus[]): readonly UnsharedRange[];
}

/** Consecutive transactions of one server. */
export interface UnsharedRange {
  /** As people write it: `0-3-501..503`, `uuid:7-9`. */
  readonly gtids: string;
  readonly count: number;
}

/** The dialect of that name. */
export function dialectOf(name: "mariadb" | "mysql"): Dialect {
  return name === "mysql" ? mysqlDialect : mariadbDialect;
}
