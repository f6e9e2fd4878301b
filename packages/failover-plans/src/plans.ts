/**
 * The plans that ship with this package: YAML files in `plans/`, read when asked for. Owns nothing of their content.
 */
import { readdirSync, readFileSync } from "node:fs";
import { BelayError, type Plan, parsePlan } from "@belay/engine";

/** Beside `src/` and `dist/` alike. */
const PLANS = new URL("../plans/", import.meta.url);
const EXTENSION = ".yaml";

/** Names of all shipped plans, in alphabetical order. */
export function planNames(): readonly string[] {
  return readdirSync(PLANS)
    .filter((file) => file.endsWith(EXTENSION))
    .map((file) => file.slice(0, -EXTENSION.length))
    .sort();
}

/** The text of a shipped plan. NOT_FOUND when there is none of that name; `details.known` lists those there are. */
export function planText(name: string): string {
  const known = planNames();
  if (!known.includes(name)) {
    throw new BelayError("NOT_FOUND", `no plan is named "${name}"; there are ${known.join(", ")}`, { name, known });
  }
  return readFileSync(new URL(`${name}${EXTENSION}`, PLANS), "utf8");
}

/** A shipped plan, checked. NOT_FOUND as above. */
export function loadPlan(name: string): Plan {
  return parsePlan(planText(name), { filename: `${name}${EXTENSION}` });
}
