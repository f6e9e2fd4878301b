/** Schemas of clusters, locks, and of what a validation finds. */
import { anything, flag, list, nullable, object, oneOf, open, ref, type Schema, text, time } from "./build.ts";

const way = nullable(object({ plan: text("Name of the plan."), takesTarget: flag("POST failover takes `target`.") }));

const cluster = {
  id: text(),
  system: text("postgres, polardb, oceanbase, mariadb, mysql, or a word of the site."),
  description: nullable(text()),
  planned: way,
  forced: way,
};

/** By the names that `ref` takes. */
export const CLUSTER_SCHEMAS: Readonly<Record<string, Schema>> = {
  Cluster: object(cluster, [], "A cluster of the inventory."),
  ClusterNode: object({
    id: text(),
    role: nullable(oneOf(["writer", "reader"])),
    status: text("A word of its system."),
    endpoint: nullable(text("host:port.")),
  }),
  ClusterState: object(
    {
      ...cluster,
      nodes: nullable(list(ref("ClusterNode"), "null = they could not be asked.")),
      problem: nullable(text("Why they could not be asked.")),
    },
    [],
    "A cluster and its nodes as they stand now.",
  ),
  Lock: object({
    resource: text(),
    runId: text(),
    plan: text(),
    since: time("Start of the run that holds it."),
    owner: nullable(text("The engine that executes that run.")),
  }),
  Validation: object(
    {
      valid: flag("It would start, and its checks pass."),
      failures: list(
        object({ node: nullable(text("The step that refused.")), code: text(), message: text(), details: anything() }),
      ),
      undecided: flag("The checks did not answer in time."),
      lockedBy: object({ resource: text(), runId: text(), plan: text() }),
      outputs: open("What each check found, by node."),
    },
    ["lockedBy"],
    "What would keep a run from starting.",
  ),
};
