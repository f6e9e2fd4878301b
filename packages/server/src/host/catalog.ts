/**
 * The plans a server can start, by name: the shipped ones, those of the site, those of the configured directories, in that order; the
 * last of a name counts. Nobody puts a plan in through an API. Owns: where plans come from, which of their actions are missing.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { BelayError, type Plan, parsePlan } from "@belay/engine";
import { loadPlan, planNames } from "@belay/failover-plans";
import type { Site } from "../site.ts";

/** A plan and whether it could be started here. */
export interface CatalogEntry {
  readonly plan: Plan;
  /** Actions that it names and the site does not have; such a plan is refused at start with UNKNOWN_ACTION. */
  readonly missingActions: readonly string[];
}

/** All plans, by name ascending. */
export type Catalog = ReadonlyMap<string, CatalogEntry>;

const PLAN_FILE = /\.(ya?ml|json)$/;

/** Reads everything there is. Fails with PLAN_INVALID for a file that is no plan, naming it and the place in it. */
export async function readCatalog(site: Site, directories: readonly string[]): Promise<Catalog> {
  const plans = [...planNames().map((name) => loadPlan(name)), ...(site.plans ?? [])];
  for (const directory of directories) plans.push(...(await plansIn(directory)));
  const known = new Set(Object.keys(site.actions));
  const entries = new Map<string, CatalogEntry>();
  for (const plan of plans) {
    const missingActions = actionsOf(plan).filter((action) => !known.has(action) && !action.startsWith("belay."));
    entries.set(plan.document.name, { plan, missingActions });
  }
  return new Map([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function plansIn(directory: string): Promise<Plan[]> {
  const files = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    throw new BelayError("ENVIRONMENT", `cannot read plans from ${directory}: ${error.code ?? error.message}`);
  });
  return await Promise.all(
    files
      .filter((file) => PLAN_FILE.test(file))
      .sort()
      .map(async (file) => parsePlan(await readFile(join(directory, file), "utf8"), { filename: file })),
  );
}

function actionsOf({ document }: Plan): readonly string[] {
  const names = document.nodes.flatMap(({ action, compensation }) => [action, compensation?.action ?? action]);
  return [...new Set(names)].sort();
}
