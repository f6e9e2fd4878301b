/** The demos there are, and what can be asked of them. */

export const DEMO_NAMES = [
  "postgres-failover",
  "postgres-switchover",
  "polardb-failover",
  "oceanbase-failover",
] as const;

export type DemoName = (typeof DEMO_NAMES)[number];

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
