/**
 * @belay/server/demo: what `belay serve --demo` stands in front of. Two PolarDB clusters made of real PostgreSQL servers on this machine,
 * and the model of two OceanBase clusters. On a data directory all of it outlives its server for a while, so that the next one goes on.
 */
import { join } from "node:path";
import type { Site } from "../site.ts";
import { joinPolar } from "./join-polar.ts";
import { demoOceanBase } from "./oceanbase.ts";
import { type DemoPolar, demoPolar, type PolarSpec } from "./polardb.ts";

/** What `demoSite` takes. */
export interface DemoOptions {
  /** Directory of everything; null = temporary ones, removed at the end. */
  readonly dataDir: string | null;
  readonly log: (line: string) => void;
}

/** The clusters of the demo, by what the API shows. */
export const DEMO_POLAR: readonly PolarSpec[] = [
  { clusterId: "pc-demomysql", engine: "MySQL", version: "8.0", nodeClass: "polar.mysql.x4.large" },
  { clusterId: "pc-demopostgres", engine: "PostgreSQL", version: "14", nodeClass: "polar.pg.x4.large" },
];

/** Brings everything up; takes some seconds. Fails with ENVIRONMENT where no PostgreSQL runs. */
export async function demoSite({ dataDir, log }: DemoOptions): Promise<Site> {
  const directoryOf = (name: string): string | null => (dataDir === null ? null : join(dataDir, name));
  const raised = await Promise.allSettled(DEMO_POLAR.map((spec) => demoPolar(spec, directoryOf(spec.clusterId), log)));
  const clusters = raised.flatMap((one): DemoPolar[] => (one.status === "fulfilled" ? [one.value] : []));
  try {
    const failed = raised.find((one) => one.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    const polar = joinPolar(clusters);
    const oceanbase = await demoOceanBase(directoryOf("oceanbase.json"));
    return {
      actions: { ...polar.actions, ...oceanbase.actions },
      clusters: [...polar.clusters, ...oceanbase.clusters],
      ocp: oceanbase.ocp,
      polardb: polar.site,
      attach: (runs) => {
        for (const one of [...clusters, oceanbase]) one.attach?.(runs);
      },
      close: async (keep) => {
        await Promise.all(clusters.map(({ close }) => close(keep)));
        if (keep && dataDir !== null) log("the demo's PostgreSQL servers wait 15 minutes for the next start");
      },
    };
  } catch (error) {
    await Promise.allSettled(clusters.map(({ close }) => close(false)));
    throw error;
  }
}
