/**
 * Options of a simulation that make no sense. Owns: telling them, by name. A misspelt option would otherwise prove less than
 * its caller believes, and no worker would read as a broken rule.
 */
import { BelayError } from "../../errors.ts";
import { isPlan } from "../../runtime/start.ts";
import { FAULTS } from "./faults.ts";
import type { SimulationOptions } from "./simulate.ts";

/** What is wrong with a value, as words that follow its name; undefined = nothing. */
type Check = (value: unknown) => string | undefined;

const share: Check = (value) =>
  typeof value === "number" && value >= 0 && value <= 1 ? undefined : " must be a share from 0 to 1";
const steps: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : " must be a whole number from 0 on";
const slots: Check = (value) =>
  value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && (value as number) >= 1)
    ? undefined
    : " must be a whole number from 1 on, or Infinity";
const callable: Check = (value) => (typeof value === "function" ? undefined : " must be a function");
const integer: Check = (value) => (Number.isSafeInteger(value) ? undefined : " must be an integer");

const OPTIONS: Readonly<Record<keyof SimulationOptions, Check>> = {
  seed: integer,
  // Held against the plan's own schema.
  params: () => undefined,
  faults: named(share, FAULTS),
  cutOff: named(share, ["done", "lost"]),
  crashes: share,
  operators: share,
  workers: slots,
  pools: named(slots),
  outputs: callable,
  steps,
  bound: steps,
  world: callable,
};

/** Throws INVALID_ARGUMENT for what is no checked plan, and for options that make no sense. */
export function checkSimulation(plan: unknown, options: unknown): void {
  if (!isPlan(plan)) throw invalid("the plan must be one that definePlan or parsePlan has made");
  if (typeof options !== "object" || options === null) throw invalid("the options must be an object with a seed");
  for (const [name, value] of Object.entries({ seed: undefined, ...options })) {
    if (value === undefined && name !== "seed") continue;
    const check = Object.hasOwn(OPTIONS, name) ? OPTIONS[name as keyof SimulationOptions] : undefined;
    const fault = check === undefined ? ` is no option: there are ${Object.keys(OPTIONS).join(", ")}` : check(value);
    if (fault !== undefined) throw invalid(`${name}${fault}`);
  }
}

/** Every value by name is right; `names`: there are no others. */
function named(check: Check, names?: readonly string[]): Check {
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return " must be an object";
    for (const [name, one] of Object.entries(value)) {
      if (names?.includes(name) === false) return ` has no "${name}": there are ${names.join(", ")}`;
      const fault = one === undefined ? undefined : check(one);
      if (fault !== undefined) return `.${name}${fault}`;
    }
    return undefined;
  };
}

function invalid(message: string): BelayError {
  return new BelayError("INVALID_ARGUMENT", `simulate: ${message}`);
}
