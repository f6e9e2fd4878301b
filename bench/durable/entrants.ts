/** Who takes part in `npm run bench:durable`, in the order of a round; the code of each is loaded in its own process only. */
import type { Open } from "./contender.ts";

/** A contender by name. */
export interface Entrant {
  readonly name: string;
  readonly title: string;
  /** Whose store it is. */
  readonly store: "sqlite" | "postgres" | "redis";
  /** Belay itself, not a peer. */
  readonly own: boolean;
  /** Loads its code, in the contender's own process. */
  load(): Promise<Open>;
}

export const ENTRANTS: readonly Entrant[] = [
  {
    name: "belay-sqlite",
    title: "Belay, SQLite",
    store: "sqlite",
    own: true,
    load: async () => (await import("./belay-sqlite.ts")).openBelaySqlite,
  },
  {
    name: "belay-postgres",
    title: "Belay, PostgreSQL",
    store: "postgres",
    own: true,
    load: async () => (await import("./belay-postgres.ts")).openBelayPostgres,
  },
  {
    name: "bullmq",
    title: "BullMQ, a job adds the next",
    store: "redis",
    own: false,
    load: async () => (await import("./bullmq-next.ts")).openBullNext,
  },
  {
    name: "bullmq-flow",
    title: "BullMQ, flows",
    store: "redis",
    own: false,
    load: async () => (await import("./bullmq-flow.ts")).openBullFlow,
  },
  {
    name: "dbos",
    title: "DBOS",
    store: "postgres",
    own: false,
    load: async () => (await import("./dbos.ts")).openDbos,
  },
  {
    name: "graphile-worker",
    title: "graphile-worker",
    store: "postgres",
    own: false,
    load: async () => (await import("./graphile-worker.ts")).openGraphileWorker,
  },
];
