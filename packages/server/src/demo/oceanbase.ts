/**
 * Two OceanBase clusters of 3.x in memory, as OCP knows them: 5, the primary, whose servers are all down, and 6, its standby. On a data
 * directory the model is kept in a file after every change, before the change is answered: its clusters outlive the process.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { ActionRegistry } from "@belay/engine";
import {
  createOceanBaseModel,
  type OceanBaseModel,
  type OceanBaseModelState,
  oceanBaseActions,
  restoreOceanBaseModel,
} from "@belay/failover-plans/oceanbase";
import type { OcpSite, SiteCluster, SiteRuns } from "../site.ts";

/** What the demo has of OceanBase. */
export interface DemoOceanBase {
  readonly actions: ActionRegistry;
  readonly clusters: readonly SiteCluster[];
  readonly ocp: OcpSite;
  /** As of `Site`. */
  attach(runs: SiteRuns): void;
}

const PRIMARY = 5;
const STANDBY = 6;
const SPECS = [
  { clusterId: PRIMARY, name: "obcluster_primary", role: "PRIMARY" },
  { clusterId: STANDBY, name: "obcluster_standby", role: "PHYSICAL STANDBY" },
] as const;

/** Each question takes this long, each change that long: a run can be watched. */
const READ_MS = 10;
const CHANGE_MS = 250;
const POLL_MS = 150;

/** The clusters as they begin, or as the file has them; null: kept nowhere. */
export async function demoOceanBase(file: string | null): Promise<DemoOceanBase> {
  const made: { model?: OceanBaseModel; runs?: SiteRuns } = {};
  const hasEnded = async (runId: string): Promise<boolean> => (await made.runs?.hasEnded(runId)) ?? false;
  const options = {
    flashbackRounds: 2,
    cleanupLooks: 2,
    switchingLooks: 2,
    before: ({ method }: { readonly method: string }) => sleep(method.startsWith("read") ? READ_MS : CHANGE_MS),
    after: () => keep(made.model, file),
  };
  const state = file === null ? undefined : stateIn(file);
  const model = state === undefined ? createOceanBaseModel(SPECS, options) : restoreOceanBaseModel(state, options);
  made.model = model;
  if (state === undefined) model.stopCluster(PRIMARY);
  keep(model, file);
  return {
    actions: oceanBaseActions(model, { pollIntervalMs: POLL_MS, hasEnded }),
    clusters: model.clusterIds.map((id) => inventoryOf(model, id)),
    ocp: {
      clusters: async () =>
        model.save().clusters.map(({ clusterId, name, role }) => ({
          id: clusterId,
          name,
          obClusterId: clusterId,
          type: role === "PRIMARY" ? "PRIMARY" : "STANDBY",
        })),
    },
    attach: (runs) => {
      made.runs = runs;
    },
  };
}

function inventoryOf(model: OceanBaseModel, id: number): SiteCluster {
  const params = { clusterId: id };
  return {
    id: String(id),
    system: "oceanbase",
    description: "a model in memory: no OceanBase runs here",
    planned: { plan: "oceanbase-switchover", params },
    forced: { plan: "oceanbase-failover", params },
    nodes: async () => {
      const found = model.save().clusters.find(({ clusterId }) => clusterId === id);
      return (found?.servers ?? []).map(([address, alive]) => ({
        id: address,
        role: found?.role === "PRIMARY" ? "writer" : "reader",
        status: alive ? "RUNNING" : "UNAVAILABLE",
        endpoint: null,
      }));
    },
  };
}

function stateIn(file: string): OceanBaseModelState | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as OceanBaseModelState;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function keep(model: OceanBaseModel | undefined, file: string | null): void {
  if (model === undefined || file === null) return;
  writeFileSync(`${file}.new`, JSON.stringify(model.save()));
  renameSync(`${file}.new`, file);
}
