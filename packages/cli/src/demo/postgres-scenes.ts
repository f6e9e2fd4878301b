/**
 * The scenes of the PostgreSQL demos: what happens to a healthy cluster before the plan runs, and with which parameters it runs. One
 * entry per plan; everything else is alike.
 */
import type { ActionRegistry, Json } from "@belay/engine";
import type { PostgresCluster } from "@belay/failover-plans/embedded-postgres";
import { polardbActionsOn, polardbParams, polardbWords } from "./polardb.ts";

export const POSTGRES_DEMOS = [
  "postgres-failover",
  "postgres-switchover",
  "rejoin-standby",
  "add-standby",
  "fence-drill",
  "polardb-failover",
] as const;

export type PostgresDemo = (typeof POSTGRES_DEMOS)[number];

/** Whether a demo plays on a PostgreSQL cluster. */
export function isPostgresDemo(name: string): name is PostgresDemo {
  return POSTGRES_DEMOS.some((known) => known === name);
}

/** Who is who before anything happens. */
export interface Cast {
  readonly primary: string;
  readonly standbys: readonly string[];
}

export interface Scene {
  /** What happens; answers what was done, for the person who watches. */
  prepare(cluster: PostgresCluster, cast: Cast): Promise<string>;
  /** Parameters beside `cluster`. `table` is the one that the clients write to. */
  params(cast: Cast, table: string): Readonly<Record<string, Json>>;
  /** Said before anything else. */
  words?(nodes: number): string;
  /** What a plan has that is not one of PostgreSQL itself. */
  own?(cluster: PostgresCluster): {
    readonly params: Readonly<Record<string, Json>>;
    actions(): Promise<ActionRegistry>;
  };
}

const lastOf = ({ standbys }: Cast): string => standbys.at(-1) ?? "";

export const SCENES: Readonly<Record<PostgresDemo, Scene>> = {
  "postgres-failover": {
    prepare: async ({ control }, { primary }) => {
      await control.kill(primary);
      return `${primary} is killed (SIGKILL)`;
    },
    params: ({ primary, standbys }, table) => ({ primary, standbys, salvage: { table, key: "id" } }),
  },
  "postgres-switchover": {
    prepare: async () => "nothing happens: this is planned, under load",
    params: ({ primary, standbys }) => ({ primary, standbys, candidate: standbys[0] ?? "" }),
  },
  "rejoin-standby": {
    prepare: async ({ control }, cast) => {
      await control.kill(lastOf(cast));
      return `${lastOf(cast)} is killed (SIGKILL) and falls behind`;
    },
    params: (cast, table) => ({ node: lastOf(cast), writer: cast.primary, salvage: { table, key: "id" } }),
  },
  "add-standby": {
    prepare: async ({ control }, cast) => {
      await control.stop(lastOf(cast));
      await control.wipe(lastOf(cast));
      return `${lastOf(cast)} is replaced by an empty machine`;
    },
    params: (cast) => ({ node: lastOf(cast), writer: cast.primary }),
  },
  "fence-drill": {
    prepare: async () => "nothing happens: the primary is healthy, under load",
    params: ({ primary, standbys }) => ({ primary, standbys }),
  },
  "polardb-failover": {
    prepare: async () => "nothing happens: the writer is healthy, under load",
    params: () => ({}),
    words: polardbWords,
    own: (cluster) => ({ params: polardbParams(cluster), actions: () => polardbActionsOn(cluster) }),
  },
};
