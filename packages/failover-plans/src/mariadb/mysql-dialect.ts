/**
 * MySQL's words, version 8.0.26 and later: REPLICA and SOURCE, GTID sets, super_read_only (read_only alone does not bind an
 * administrator, such as a replica's own jobs).
 */
import { quoteLiteral, type Row } from "../mysql-client/client.ts";
import type { Dialect, UnsharedRange } from "./dialect.ts";
import { formatGtidSet, parseGtidSet, sizeOf, subtract, unite } from "./gtid-set.ts";
import type { ServerStatus } from "./server-status.ts";

/** A variable of a plugin that may not be installed: then it reads as null. */
function pluginVariable(name: string): string {
  return `(select VARIABLE_VALUE from performance_schema.global_variables where VARIABLE_NAME = '${name}')`;
}

const STATUS_SQL = `
  select @@global.server_uuid as identity, @@global.read_only as readOnly, @@global.gtid_executed as executed,
         @@global.log_bin and @@global.log_replica_updates as keepsLog,
         ${pluginVariable("rpl_semi_sync_replica_enabled")} as semisyncReplica,
         ${pluginVariable("rpl_semi_sync_source_enabled")} as semisyncWriter`;

/** The words of MySQL 8.0.26 and later. */
export const mysqlDialect: Dialect = {
  name: "mysql",
  statusSql: STATUS_SQL,
  replicaSql: "show replica status",
  readStatus,
  stopReceiving: "stop replica io_thread",
  startReceiving: "start replica io_thread",
  stop: "stop replica",
  forget: ["stop replica", "reset replica all"],
  refuseWrites: ["set global super_read_only = 1"],
  takeWrites: ["set global super_read_only = 0", "set global read_only = 0"],
  blockCommits: "flush tables with read lock",
  follow: (source, account) => [
    "stop replica",
    `change replication source to source_host = ${quoteLiteral(source.host)}, source_port = ${source.port},
       source_user = ${quoteLiteral(account.user)}, source_password = ${quoteLiteral(account.password)},
       source_connect_retry = 1, source_auto_position = 1, get_source_public_key = 1`,
    "start replica",
  ],
  // What it committed itself is in gtid_executed already.
  adopt: () => [],
  semisync: (role) => [
    `set global rpl_semi_sync_source_enabled = ${role === "writer" ? 1 : 0}`,
    `set global rpl_semi_sync_replica_enabled = ${role === "writer" ? 0 : 1}`,
  ],
  waitFor: (position, seconds) => ({
    text: "select wait_for_executed_gtid_set(?, ?) as waited",
    values: [position, seconds],
    reached: (row) => Number(row?.["waited"]) === 0,
  }),
  missing: (part, whole) => sizeOf(subtract(parseGtidSet(whole), parseGtidSet(part))),
  union: (a, b) => formatGtidSet(unite(parseGtidSet(a), parseGtidSet(b))),
  unshared,
};

function readStatus(row: Row, replica: Row | undefined): ServerStatus {
  const text = (value: unknown): string => (value === null || value === undefined ? "" : String(value));
  const executed = text(row["executed"]);
  return {
    identity: text(row["identity"]).toLowerCase(),
    domain: "",
    readOnly: Number(row["readOnly"]) === 1,
    executed,
    history: executed,
    replicated: executed,
    strict: true,
    keepsLog: Number(row["keepsLog"]) === 1,
    semisyncReplica: text(row["semisyncReplica"]) === "ON",
    semisyncWriter: text(row["semisyncWriter"]) === "ON",
    semisyncAble: text(row["semisyncWriter"]) !== "",
    replica:
      replica === undefined
        ? null
        : {
            host: text(replica["Source_Host"]),
            port: Number(replica["Source_Port"]),
            receiving: receivingOf(text(replica["Replica_IO_Running"])),
            applying: text(replica["Replica_SQL_Running"]) === "Yes",
            // Known since the first connection.
            reached: Number(replica["Source_Server_Id"]) > 0,
            received: formatGtidSet(unite(parseGtidSet(text(replica["Retrieved_Gtid_Set"])), parseGtidSet(executed))),
            byGtid: Number(replica["Auto_Position"]) === 1,
            receiveError: text(replica["Last_IO_Error"]),
            applyError: text(replica["Last_SQL_Error"]),
          },
  };
}

function receivingOf(word: string): "yes" | "no" | "connecting" {
  if (word === "Yes") return "yes";
  return word === "No" ? "no" : "connecting";
}

/** Exact: a set names every transaction, whoever holds the log of it. */
function unshared(server: ServerStatus, others: readonly ServerStatus[]): readonly UnsharedRange[] {
  const whole = parseGtidSet(server.executed);
  const own = new Map([...whole].filter(([uuid]) => uuid === server.identity));
  // Received counts as had: it will be applied.
  const shared = others
    .map(({ executed, replica }) => unite(parseGtidSet(executed), parseGtidSet(replica?.received ?? "")))
    .reduce(unite, new Map());
  const left = subtract(own, shared);
  return left.size === 0 ? [] : [{ gtids: formatGtidSet(left), count: sizeOf(left) }];
}
