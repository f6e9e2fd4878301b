/**
 * The scenes of the MariaDB demos: what happens to a healthy cluster before the plan runs, and with which parameters and actions it
 * runs. One entry per plan; everything else is alike.
 */
import type { ActionRegistry, Json } from "@belay/engine";
import type { MariadbCluster } from "@belay/failover-plans/local-mariadb";
import { mariadbActions } from "@belay/failover-plans/mariadb";
import type { MariadbDemoName } from "./demo-options.ts";

export interface MariadbScene {
  /** What happens; answers what was done, for the person who watches. */
  prepare(cluster: MariadbCluster): Promise<string>;
  params(cluster: MariadbCluster): Readonly<Record<string, Json>>;
  /** Default: MariaDB's own actions. */
  actions?(cluster: MariadbCluster): ActionRegistry;
  /** What the servers are not, said before anything else. */
  readonly reservation?: string;
}

const replicasOf = ({ nodes, writer }: MariadbCluster): string[] =>
  nodes.map((node) => node.name).filter((node) => node !== writer);

const lastOf = (cluster: MariadbCluster): string => replicasOf(cluster).at(-1) ?? "";

const failover: MariadbScene = {
  prepare: async ({ control, writer }) => {
    await control.kill(writer);
    return `${writer} is killed (SIGKILL)`;
  },
  params: (cluster) => ({ cluster: "demo", writer: cluster.writer, replicas: replicasOf(cluster) }),
};

/** The plan of MySQL with the actions of MariaDB under its names: the same steps, in the words that these servers understand. */
function asMysql(cluster: MariadbCluster): ActionRegistry {
  const actions = Object.entries(mariadbActions(cluster));
  return Object.fromEntries(actions.map(([name, action]) => [name.replace(/^mariadb\./, "mysql."), action]));
}

export const MARIADB_SCENES: Readonly<Record<MariadbDemoName, MariadbScene>> = {
  "mariadb-failover": failover,
  "mysql-failover": {
    ...failover,
    actions: asMysql,
    reservation:
      "no server of MySQL 8 is to be had from Debian: the plan runs on MariaDB, each step in MariaDB's words; MySQL's own were run on no server",
  },
  "mariadb-switchover": {
    prepare: async () => "nothing happens: this is planned, under load",
    params: (cluster) => ({
      cluster: "demo",
      writer: cluster.writer,
      replicas: replicasOf(cluster),
      candidate: replicasOf(cluster)[0] ?? "",
    }),
  },
  "mariadb-rejoin": {
    prepare: async (cluster) => {
      await cluster.control.kill(lastOf(cluster));
      return `${lastOf(cluster)} is killed (SIGKILL) and falls behind`;
    },
    params: (cluster) => ({ cluster: "demo", node: lastOf(cluster), writer: cluster.writer }),
  },
};
