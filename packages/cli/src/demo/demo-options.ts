/** The demos there are, and what can be asked of them. */
import { POSTGRES_DEMOS, type PostgresDemo } from "./postgres-scenes.ts";

/** The demos of OceanBase; each is named after its plan. */
export const OCEANBASE_DEMO_NAMES = [
  "oceanbase-failover",
  "oceanbase-switchover",
  "oceanbase-tenant-failover",
  "oceanbase-tenant-switchover",
] as const;

export type OceanBaseDemoName = (typeof OCEANBASE_DEMO_NAMES)[number];

export const MARIADB_DEMO_NAMES = [
  "mariadb-failover",
  "mariadb-switchover",
  "mariadb-rejoin",
  "mysql-failover",
] as const;

export type MariadbDemoName = (typeof MARIADB_DEMO_NAMES)[number];

/** Whether a demo plays on a MariaDB cluster. */
export function isMariadbDemo(name: string): name is MariadbDemoName {
  return MARIADB_DEMO_NAMES.some((known) => known === name);
}

export type DemoName = PostgresDemo | MariadbDemoName | OceanBaseDemoName;

export const DEMO_NAMES: readonly DemoName[] = [...POSTGRES_DEMOS, ...MARIADB_DEMO_NAMES, ...OCEANBASE_DEMO_NAMES];

/** What the words of the command line say. */
export interface DemoWords extends Omit<DemoOptions, "writers" | "nodes"> {
  readonly writers?: number;
  readonly nodes?: number;
}

export interface DemoOptions {
  /** Node of the plan that is made to fail. */
  readonly fail?: string;
  /** Before its action ran, or after it took effect. Default `before`. */
  readonly failWhen?: "before" | "after";
  /** Default: what the plan says. */
  readonly onFailure?: "pause" | "rollback";
  /** Clients that write, 1..64; 8 unless said. */
  readonly writers: number;
  /** Servers, 2..9; 3 unless said. */
  readonly nodes: number;
  readonly json?: boolean;
  /** File of the journal that keeps the run. Default: none, it ends with the process. */
  readonly db?: string;
  /** Keep data and logs of the servers; they are stopped all the same. */
  readonly keep?: boolean;
}

/** Whether it is a demo of OceanBase. */
export function isOceanBaseDemo(name: DemoName): name is OceanBaseDemoName {
  return OCEANBASE_DEMO_NAMES.some((known) => known === name);
}
