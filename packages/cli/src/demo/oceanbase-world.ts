/**
 * What the OceanBase demos run on: a model in memory that answers SQL as servers of MySQL's protocol on the loopback interface, since no
 * OceanBase runs here. With `--db` the model is kept in a file: its clusters outlive the process like clusters do. Owns: how long a call
 * takes, that an effect is kept before its answer is given, what is said at the end. The clusters themselves are in
 * `oceanbase-clusters.ts`, the tenants in `oceanbase-tenants.ts`.
 */
import { renameSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { ActionRegistry, Json, RunSnapshot } from "@belay/engine";
import type { Context } from "../context.ts";
import { JsonRenderer } from "../render/json-renderer.ts";
import type { Renderer } from "../render/renderer.ts";
import type { OceanBaseDemoName } from "./demo-options.ts";
import { type ClusterWorldState, makeClusters } from "./oceanbase-clusters.ts";
import type { Installation, Surrounding } from "./oceanbase-installation.ts";
import { makeTenants, type TenantWorldState } from "./oceanbase-tenants.ts";

/** Each question takes this long. */
const READ_MS = 15;
/** Each change takes this long. */
const CHANGE_MS = 250;
export class OceanBaseWorld {
  #installation: Installation | undefined;
  #file: string | undefined;

  private constructor(file: string | undefined) {
    this.#file = file;
  }

  /** An installation as the demo begins. */
  static async create(name: OceanBaseDemoName): Promise<OceanBaseWorld> {
    return await OceanBaseWorld.#make(name, undefined, undefined);
  }

  /** What another process left in a file. */
  static async restore(name: OceanBaseDemoName, file: string): Promise<OceanBaseWorld> {
    return await OceanBaseWorld.#make(name, file, JSON.parse(await readFile(file, "utf8")));
  }

  static async #make(name: OceanBaseDemoName, file: string | undefined, state: unknown): Promise<OceanBaseWorld> {
    const world = new OceanBaseWorld(file);
    const surrounding: Surrounding = {
      before: async ({ method }) => {
        await sleep(/^(read|rehearse)/.test(method) ? READ_MS : CHANGE_MS);
      },
      after: () => world.#keep(),
    };
    world.#installation =
      name === "oceanbase-tenant-switchover" || name === "oceanbase-tenant-failover"
        ? await makeTenants(name, state as TenantWorldState | undefined, surrounding)
        : await makeClusters(name, state as ClusterWorldState | undefined, surrounding);
    return world;
  }

  /** The first line of the demo. */
  get about(): string {
    return `no OceanBase runs here: a model in memory answers SQL as servers of MySQL's protocol on 127.0.0.1; ${this.#made.about}`;
  }

  get params(): Readonly<Record<string, Json>> {
    return this.#made.params;
  }

  /** Statements that changed something so far. */
  get statements(): readonly string[] {
    return this.#made.statements;
  }

  /** From now on every change is kept in the file. */
  keepIn(file: string): void {
    this.#file = file;
    this.#keep();
  }

  actions(): ActionRegistry {
    return this.#made.actions;
  }

  /** Stops the servers; what is in the file stays. */
  async close(): Promise<void> {
    await this.#made.close();
  }

  get #made(): Installation {
    if (this.#installation === undefined) throw new Error("the installation is not made yet");
    return this.#installation;
  }

  #keep(): void {
    if (this.#file === undefined || this.#installation === undefined) return;
    writeFileSync(`${this.#file}.new`, JSON.stringify(this.#installation.save()));
    renameSync(`${this.#file}.new`, this.#file);
  }
}

/** The run's last picture and the statements that changed something, then `outcome`. */
export function tellStatements(
  statements: readonly string[],
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
      ? ["No statement changed anything."]
      : ["Statements that changed something:", ...statements.map((statement) => `  ${statement}`)];
  for (const line of ["", ...given, "", ...outcome]) context.terminal.out.line(line);
}
