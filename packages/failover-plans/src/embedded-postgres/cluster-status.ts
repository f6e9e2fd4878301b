/** Asks every node of a cluster what it is now. Owns the question only; a node that does not answer is "down", never an error. */
import { query } from "../postgres/client.ts";
import type { PostgresNode } from "../postgres/ports.ts";

/** A node that takes longer is as good as down for who looks at a status. */
const LIMITS = { connectTimeoutMs: 1000, queryTimeoutMs: 2000 } as const;

/** What one node answered. */
export interface NodeStatus {
  readonly name: string;
  /** "down" = no process, or it did not answer in time. */
  readonly role: "primary" | "standby" | "down";
  /** Last LSN written (primary) or replayed (standby), as PostgreSQL prints it; null when down. */
  readonly lsn: string | null;
  /** Timeline of the WAL that the node writes or receives; null when down. */
  readonly timeline: number | null;
  /** Name of the node a standby streams from; null when it streams from nobody. */
  readonly follows: string | null;
}

/** All nodes, in the order of the cluster's `nodes`. */
export type ClusterStatus = readonly NodeStatus[];

/** One row: role, position, timeline, and where a standby's rows come from. */
const QUESTION = `
  SELECT in_recovery,
         CASE WHEN in_recovery THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text AS lsn,
         CASE WHEN in_recovery THEN coalesce(received_tli, (SELECT timeline_id FROM pg_control_checkpoint()))
              ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END AS timeline,
         CASE WHEN status = 'streaming' THEN sender_host END AS host,
         CASE WHEN status = 'streaming' THEN sender_port END AS port
  FROM (SELECT pg_is_in_recovery() AS in_recovery) AS self LEFT JOIN pg_stat_wal_receiver ON true`;

interface Answer {
  readonly in_recovery: boolean;
  readonly lsn: string | null;
  readonly timeline: number;
  readonly host: string | null;
  readonly port: number | null;
}

/** Asks all nodes at once. */
export async function askStatus(nodes: readonly PostgresNode[]): Promise<ClusterStatus> {
  return await Promise.all(
    nodes.map(async ({ name, ...address }): Promise<NodeStatus> => {
      try {
        const [answer] = await query<Answer>({ name, ...address }, QUESTION, [], LIMITS);
        if (answer === undefined) throw new Error("no row");
        const followed = nodes.find((node) => node.host === answer.host && node.port === answer.port);
        const role = answer.in_recovery ? "standby" : "primary";
        return { name, role, lsn: answer.lsn, timeline: answer.timeline, follows: followed?.name ?? null };
      } catch {
        return { name, role: "down", lsn: null, timeline: null, follows: null };
      }
    }),
  );
}
