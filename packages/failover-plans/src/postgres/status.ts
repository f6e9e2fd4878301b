/**
 * What one server says about itself, in one question. Owns: the query and the meaning of its columns.
 *
 * Timeline: a primary names that of the WAL it writes. A standby's control file lags behind its WAL, so the highest timeline
 * of its WAL segments is taken; a history file alone does not count, since a diverged server has fetched that too.
 */
import { type CallOptions, query } from "./client.ts";
import { maxLsn } from "./lsn.ts";
import type { PostgresNode } from "./ports.ts";

/** A server's view of itself. LSNs are text, as PostgreSQL prints them. */
export interface ServerStatus {
  /** true: a standby; false: a primary, it can take writes. */
  readonly inRecovery: boolean;
  /** Last position received from a primary since the server started; null on a primary, or when nothing was received. */
  readonly receiveLsn: string | null;
  /** Last position replayed; null on a server that never was in recovery. */
  readonly replayLsn: string | null;
  /** Whether a standby has replayed all the WAL on its disk and waits for more: before that, `replayLsn` is not its end of WAL. */
  readonly replayIdle: boolean;
  /** Last position flushed to disk on a primary; null on a standby. */
  readonly flushLsn: string | null;
  /** Timeline of the server's newest WAL. */
  readonly timeline: number;
  /** Status of the WAL receiver; null when there is none. "streaming" alone proves nothing: see `receivedTimeline`. */
  readonly walReceiver: string | null;
  /** Timeline that the WAL receiver receives; null without a WAL receiver. */
  readonly receivedTimeline: number | null;
  /** Last position that the upstream reported as its own; null without a WAL receiver. */
  readonly upstreamLsn: string | null;
  /** Milliseconds since the upstream's last message; null without a WAL receiver. */
  readonly upstreamSilentMs: number | null;
  /** Setting `wal_receiver_timeout`, milliseconds; 0 = the receiver never gives up. After half of it in silence it asks for a sign. */
  readonly receiverTimeoutMs: number;
  /** Identity of the cluster: equal on all its members, whatever their timeline. Text, because it is a 64-bit number. */
  readonly systemIdentifier: string;
  /** Setting `synchronous_standby_names`. */
  readonly synchronousStandbyNames: string;
  /** Setting `primary_conninfo`; may contain a password. */
  readonly primaryConninfo: string;
  /** Setting `default_transaction_read_only` of new sessions. */
  readonly readOnlyByDefault: boolean;
}

const STATUS_SQL = `
  select r.recovering                                                  as "inRecovery",
         case when r.recovering then pg_last_wal_receive_lsn()::text end as "receiveLsn",
         pg_last_wal_replay_lsn()::text                                as "replayLsn",
         exists (select from pg_stat_activity where backend_type = 'startup'
                    and wait_event in ('RecoveryWalStream', 'RecoveryRetrieveRetryInterval')) as "replayIdle",
         case when not r.recovering then pg_current_wal_flush_lsn()::text end as "flushLsn",
         case when r.recovering
              then coalesce((select max(('x' || left(name, 8))::bit(32)::int) from pg_ls_waldir()
                              where name ~ '^[0-9A-F]{24}$'),
                            (select timeline_id from pg_control_checkpoint()))
              else ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int end as "timeline",
         w.status                                                      as "walReceiver",
         w.received_tli                                                as "receivedTimeline",
         w.latest_end_lsn::text                                        as "upstreamLsn",
         (extract(epoch from clock_timestamp() - w.last_msg_receipt_time) * 1000)::float8 as "upstreamSilentMs",
         (select setting::int from pg_settings where name = 'wal_receiver_timeout') as "receiverTimeoutMs",
         (select system_identifier::text from pg_control_system())     as "systemIdentifier",
         current_setting('synchronous_standby_names')                  as "synchronousStandbyNames",
         current_setting('primary_conninfo')                           as "primaryConninfo",
         (select reset_val = 'on' from pg_settings where name = 'default_transaction_read_only') as "readOnlyByDefault"
    from (select pg_is_in_recovery() as recovering) r
    left join pg_stat_wal_receiver w on true`;

/** Asks a server about itself. Rejects when it does not answer in time. */
export async function readStatus(node: PostgresNode, options: CallOptions = {}): Promise<ServerStatus> {
  return only(await query<ServerStatus>(node, STATUS_SQL, [], options));
}

/** The end of the WAL that a standby holds: received but not yet replayed WAL counts, a promotion replays it first. */
export function endOfWal(status: ServerStatus): string {
  return maxLsn(status.receiveLsn, status.replayLsn, status.flushLsn) ?? "0/0";
}

/**
 * Whether `endOfWal` is really the end of what a standby holds. One that was restarted and has not received since knows only how far
 * it has replayed, and a receiver starts only when the WAL on disk is used up: until then that position stands for less than it holds.
 */
export function isEndOfWalKnown({ receiveLsn, replayIdle }: ServerStatus): boolean {
  return receiveLsn !== null || replayIdle;
}

function only<R>(rows: readonly R[]): R {
  const [row] = rows;
  if (row === undefined) throw new Error("the server answered no row");
  return row;
}
