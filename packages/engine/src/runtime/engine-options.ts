/**
 * What an engine is made of, and what `recover` takes. Owns: the options and the refusal of those that make no sense. Does not own:
 * what is checked where it is used, pools and limits (`pools.ts`, `plan/limits.ts`).
 */
import { BelayError } from "../errors.ts";
import type { Journal } from "../journal/port.ts";
import type { Plan } from "../plan/document.ts";
import type { Limits } from "../plan/limits.ts";
import type { ActionRegistry } from "./api.ts";
import type { Clock, PoolOptions } from "./engine-api.ts";
import type { RefusedRun } from "./recovery.ts";
import type { SecretOptions } from "./seal-keys.ts";
import { isPlan } from "./start.ts";

/** What an engine is made of; only `actions` is needed. */
export interface EngineOptions<A extends ActionRegistry = ActionRegistry> {
  /** The code behind the plans' actions, by name. */
  readonly actions: A;
  /** Attempts and compensations at once over all runs, from 1, for nodes without a pool (R41). Default: no limit. */
  readonly concurrency?: number;
  /** Named limits shared by runs, for nodes with `pool` (R41). Default: none. */
  readonly pools?: Readonly<Record<string, PoolOptions>>;
  /** Plans that `belay.plan` may run, by the name it gives. Default: none. */
  readonly plans?: Readonly<Record<string, Plan>>;
  /** Where runs are recorded; closed by `close()`. Default: a new `MemoryJournal`. */
  readonly journal?: Journal;
  /** Source of time. Default: `systemClock`. */
  readonly clock?: Clock;
  /** Milliseconds an aborted attempt is given to let go, from 0 (R26). Default 5000. */
  readonly graceMs?: number;
  /** How secrets are kept (R46). Default: sealed with a key that lives as long as the engine. */
  readonly secrets?: SecretOptions;
  /** Limits on parameters, groups and outputs to raise or lower (R4); those on plans are an option of `parsePlan`. */
  readonly limits?: Partial<Limits>;
  /**
   * Whether the engine takes up, when it is created and whenever another engine leaves some, the runs of the journal that
   * have not ended (R42). Default true; false = only by `engine.recover()`.
   */
  readonly recover?: boolean;
  /** Told of runs that could not be taken up by themselves. Default: a process warning of type BelayRecoveryWarning. */
  readonly onRefusedRun?: (refused: RefusedRun) => void;
  /** Gets what listeners of runs throw. Default: a process warning of type BelayListenerWarning. */
  readonly onListenerError?: (error: unknown) => void;
}

const OPTION_NAMES: ReadonlySet<string> = new Set([
  "actions",
  "concurrency",
  "pools",
  "plans",
  "journal",
  "clock",
  "graceMs",
  "limits",
  "secrets",
  "recover",
  "onRefusedRun",
  "onListenerError",
] satisfies readonly (keyof EngineOptions)[]);

const JOURNAL_METHODS: readonly (keyof Journal)[] = [
  "open",
  "create",
  "claim",
  "append",
  "release",
  "read",
  "list",
  "ask",
  "takeRequests",
  "answer",
  "answerTo",
  "log",
  "logs",
  "remove",
  "close",
];

/** Fails with INVALID_ARGUMENT. */
export function checkEngineOptions(options: unknown): void {
  if (typeof options !== "object" || options === null) throw invalid("createEngine needs options: { actions }");
  const unknown = Object.keys(options).find((name) => !OPTION_NAMES.has(name));
  if (unknown !== undefined) {
    throw invalid(`there is no option "${unknown}"; there are ${[...OPTION_NAMES].join(", ")}`);
  }
  const { actions, clock, journal, plans, concurrency, graceMs } = options as Record<string, unknown>;
  if (concurrency !== undefined && !isLimit(concurrency))
    throw invalid(`concurrency must be a whole number from 1 on, not ${concurrency}`);
  if (graceMs !== undefined && !(typeof graceMs === "number" && graceMs >= 0 && Number.isFinite(graceMs)))
    throw invalid(`graceMs must be 0 or more, not ${graceMs}`);
  if (clock !== undefined && !hasMethods(clock, ["now", "schedule"])) throw invalid("clock must have now and schedule");
  for (const [name, plan] of Object.entries(plans ?? {})) {
    if (!isPlan(plan)) throw invalid(`plans.${name} must be a plan made by definePlan, parsePlan or importOcpTask`);
  }
  if (journal !== undefined && !hasMethods(journal, JOURNAL_METHODS)) {
    throw invalid("journal must be a Journal");
  }
  const isRegistry =
    typeof actions === "object" && actions !== null && !Array.isArray(actions) && !(actions instanceof Map);
  if (!isRegistry) throw invalid("actions must be an object with the plans' actions by name");
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== "object" || value === null) return false;
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === "function");
}

/** A whole number from 1 on, or no limit. */
function isLimit(value: unknown): boolean {
  return value === Number.POSITIVE_INFINITY || (typeof value === "number" && Number.isInteger(value) && value >= 1);
}

/** Fails with INVALID_ARGUMENT. */
export function checkRecoverOptions(options: unknown): void {
  if (typeof options !== "object" || options === null)
    throw invalid("recover takes an object with runs, plans, secrets, giveUp");
  const { runs, plans, secrets, giveUp, ...others } = options as Record<string, unknown>;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) throw invalid(`recover has no option "${unknown}"; it has runs, plans, secrets, giveUp`);
  const isIds = Array.isArray(runs) && runs.every((id) => typeof id === "string");
  if (runs !== undefined && !isIds) throw invalid("recover: runs must be a list of run ids");
  if (plans !== undefined && !(Array.isArray(plans) && plans.every(isPlan)))
    throw invalid("recover: plans must be a list of plans made by definePlan, parsePlan or importOcpTask");
  if (giveUp !== undefined && typeof giveUp !== "boolean") throw invalid("recover: giveUp must be true or false");
  const isOne = Array.isArray(runs) && runs.length === 1;
  if (secrets !== undefined && !(isOne && typeof secrets === "object" && secrets !== null && !Array.isArray(secrets)))
    throw invalid('recover: secrets are those of one run, by name: { runs: ["id"], secrets: { password: "..." } }');
}

/** INVALID_ARGUMENT of an engine. */
export function invalid(message: string): BelayError {
  return new BelayError("INVALID_ARGUMENT", `engine: ${message}`);
}
