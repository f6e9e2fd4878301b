/**
 * MariaDB's words: SLAVE and MASTER, GTID positions.
 *
 * Trap: a replica by GTID that is stopped wholly (`STOP SLAVE`) throws its relay log away when it starts again and fetches anew; what a
 * dead writer sent cannot be fetched anew. So a freeze stops the IO thread only, until the relay log is used up.
 */
import { quoteLiteral, type Row } from "../mysql-client/client.ts";
import type { Dialect, UnsharedRange } from "./dialect.ts";
import { missingTransactions, parseGtids, sequenceIn, unionOfPositions } from "./gtid-position.ts";
import type { ServerStatus } from "./server-status.ts";

const STATUS_SQL = `
  select @@global.server_id as identity, @@global.gtid_domain_id as domain, @@global.read_only as readOnly,
         @@global.gtid_current_pos as executed, @@global.gtid_binlog_state as history,
         @@global.gtid_slave_pos as replicated, @@global.gtid_strict_mode as strict,
         @@global.log_bin and @@global.log_slave_updates as keepsLog,
         @@global.rpl_semi_sync_slave_enabled as semisyncReplica, @@global.rpl_semi_sync_master_enabled as semisyncWriter`;

/** The words of MariaDB 10.5 and later. */
export const mariadbDialect: Dialect = {
  name: "mariadb",
  statusSql: STATUS_SQL,
  replicaSql: "show slave status",
  readStatus,
  stopReceiving: "stop slave io_thread",
  startReceiving: "start slave io_thread",
  stop: "stop slave",
  forget: ["stop slave", "reset slave all"],
  refuseWrites: ["set global read_only = 1"],
  takeWrites: ["set global read_only = 0"],
  blockCommits: "flush tables with read lock",
  follow: (source, account) => [
    "stop slave",
    `change master to master_host = ${quoteLiteral(source.host)}, master_port = ${source.port},
       master_user = ${quoteLiteral(account.user)}, master_password = ${quoteLiteral(account.password)},
       master_connect_retry = 1, master_use_gtid = slave_pos`,
    "start slave",
  ],
  adopt: ({ executed }) => [`set global gtid_slave_pos = ${quoteLiteral(executed)}`],
  semisync: (role) => [
    `set global rpl_semi_sync_master_enabled = ${role === "writer" ? 1 : 0}`,
    `set global rpl_semi_sync_slave_enabled = ${role === "writer" ? 0 : 1}`,
  ],
  waitFor: (position, seconds) => ({
    text: "select master_gtid_wait(?, ?) as waited",
    values: [position, seconds],
    reached: (row) => Number(row?.["waited"]) === 0,
  }),
  missing: missingTransactions,
  union: unionOfPositions,
  unshared,
};

function readStatus(row: Row, replica: Row | undefined): ServerStatus {
  const text = (value: unknown): string => (value === null || value === undefined ? "" : String(value));
  const replicated = text(row["replicated"]);
  return {
    identity: text(row["identity"]),
    domain: text(row["domain"]),
    readOnly: Number(row["readOnly"]) === 1,
    executed: text(row["executed"]),
    history: text(row["history"]),
    replicated,
    strict: Number(row["strict"]) === 1,
    keepsLog: Number(row["keepsLog"]) === 1,
    semisyncReplica: Number(row["semisyncReplica"]) === 1,
    semisyncWriter: Number(row["semisyncWriter"]) === 1,
    semisyncAble: true,
    replica:
      replica === undefined
        ? null
        : {
            host: text(replica["Master_Host"]),
            port: Number(replica["Master_Port"]),
            receiving: receivingOf(text(replica["Slave_IO_Running"])),
            applying: text(replica["Slave_SQL_Running"]) === "Yes",
            // Known since the first connection.
            reached: Number(replica["Master_Server_Id"]) > 0,
            // Right after a start the thread has not said yet where it is.
            received: unionOfPositions(text(replica["Gtid_IO_Pos"]), replicated),
            byGtid: text(replica["Using_Gtid"]) !== "No",
            receiveError: text(replica["Last_IO_Error"]),
            applyError: text(replica["Last_SQL_Error"]),
          },
  };
}

/** "Preparing" is what newer servers say before the first connection. */
function receivingOf(word: string): "yes" | "no" | "connecting" {
  if (word === "Yes") return "yes";
  return word === "No" ? "no" : "connecting";
}

/**
 * The last transaction of its own, in each domain, against what the others know of this server. In strict mode, what it wrote before
 * it last replicated is shared all the same: a writer that lacked it would have stopped it there. That counts, because the others
 * may lag behind, or be copies whose logs began empty.
 */
function unshared(server: ServerStatus, others: readonly ServerStatus[]): readonly UnsharedRange[] {
  const ranges: UnsharedRange[] = [];
  for (const { domain, server: writtenBy, sequence } of parseGtids(server.history)) {
    if (writtenBy !== server.identity) continue;
    const known = others.flatMap(({ history }) =>
      parseGtids(history).flatMap((gtid) =>
        gtid.domain === domain && gtid.server === writtenBy ? [gtid.sequence] : [],
      ),
    );
    const shared = Math.max(server.strict ? sequenceIn(server.replicated, domain) : 0, ...known);
    if (sequence <= shared) continue;
    // Sequences that others wrote in between are counted too: an upper bound, never too few.
    ranges.push({ gtids: rangeOf(`${domain}-${writtenBy}`, shared + 1, sequence), count: sequence - shared });
  }
  return ranges;
}

function rangeOf(prefix: string, from: number, to: number): string {
  return from === to ? `${prefix}-${to}` : `${prefix}-${from}..${to}`;
}
