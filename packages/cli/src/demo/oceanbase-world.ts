/**
 * The clusters of the OceanBase demo, in memory and, with `--db`, in a file: they outlive the process like clusters do. Owns:
 * how long a call takes, that an effect is kept before its answer is given, what is said at the end.
 */
import { renameSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { ActionRegistry, RunSnapshot } from "@belay/engine";
import {
  createOceanBaseModel,
  type OceanBaseModel,
  type OceanBaseModelOptions,
  oceanBaseActions,
  restoreOceanBaseModel,
} from "@belay/failover-plans/oceanbase";
import type { Context } from "../context.ts";
import { JsonRenderer } from "../render/json-renderer.ts";
import type { Renderer } from "../render/renderer.ts";

export const PRIMARY = 1;
export const STANDBY = 2;
/** Each call of the model takes this long. */
const CALL_MS = 120;
const POLL_MS = 200;

export class OceanBaseWorld {
  readonly model: OceanBaseModel;
  #file: string | undefined;

  private constructor(make: (options: OceanBaseModelOptions) => OceanBaseModel, file: string | undefined) {
    this.#file = file;
    const before = async (): Promise<void> => {
      await sleep(CALL_MS);
    };
    this.model = make({ flashbackRounds: 2, cleanupLooks: 2, before, after: () => this.#keep() });
  }

  /** Two clusters; every server of the primary is down. */
  static create(): OceanBaseWorld {
    const specs = [
      { clusterId: PRIMARY, name: "obcluster_primary", role: "PRIMARY" },
      { clusterId: STANDBY, name: "obcluster_standby", role: "PHYSICAL STANDBY" },
    ] as const;
    const world = new OceanBaseWorld((options) => createOceanBaseModel(specs, options), undefined);
    world.model.stopCluster(PRIMARY);
    return world;
  }

  /** The clusters that another process left in a file. */
  static async restore(file: string): Promise<OceanBaseWorld> {
    const state = JSON.parse(await readFile(file, "utf8")) as Parameters<typeof restoreOceanBaseModel>[0];
    return new OceanBaseWorld((options) => restoreOceanBaseModel(state, options), file);
  }

  /** From now on every change is kept in the file. */
  keepIn(file: string): void {
    this.#file = file;
    this.#keep();
  }

  actions(): ActionRegistry {
    return oceanBaseActions(this.model, { pollIntervalMs: POLL_MS });
  }

  #keep(): void {
    if (this.#file === undefined) return;
    writeFileSync(`${this.#file}.new`, JSON.stringify(this.model.save()));
    renameSync(`${this.#file}.new`, this.#file);
  }
}

/** The run's last picture and the statements that changed a cluster, then `outcome`. */
export function tellStatements(
  { statements }: OceanBaseModel,
  snapshot: RunSnapshot,
  renderer: Renderer,
  { outcome, context }: { readonly outcome: readonly string[]; readonly context: Context },
): void {
  if (renderer instanceof JsonRenderer) {
    renderer.record({ type: "report", statements });
    renderer.rest(snapshot);
    return;
  }
  renderer.rest(snapshot);
  const given =
    statements.length === 0
      ? ["No statement changed a cluster."]
      : ["Statements that changed a cluster:", ...statements.map((statement) => `  ${statement}`)];
  for (const line of ["", ...given, "", ...outcome]) context.terminal.out.line(line);
}
