/**
 * Sealed values whose key is gone (R46). Owns: their names, the ways to have them again: values that an operator gives, what the run
 * around gave, lists that follow from parameters; the refusal that names both remedies. A run never goes on with a value that is
 * not the one it had.
 */
import type { RunState } from "../core/index.ts";
import { BelayError, NonRetryable } from "../errors.ts";
import { replay } from "../journal/replay.ts";
import { compilePlan } from "../plan/compile.ts";
import type { Json, Plan } from "../plan/document.ts";
import { bindItems } from "../plan/expand.ts";
import { canonicalJson } from "../plan/identity.ts";
import type { Limits } from "../plan/limits.ts";
import { checkParams } from "../plan/params.ts";
import { formatPath, type PathSegment } from "../plan/path.ts";
import type { ActionDefinition } from "./api.ts";
import type { RunFacts } from "./facts.ts";
import { nodeId, nodeNumber } from "./node-id.ts";
import { corrupt, type OpenedRun, type Opening, openRun, type StoredRun } from "./open-run.ts";

/** Secrets that an operator gives again, by the names that SECRET_MISSING lists. */
export type GivenSecrets = Readonly<Record<string, Json>>;

/** Where else a missing value may come from. */
export interface Remedies {
  readonly plan: Plan;
  readonly limits: Limits;
  readonly given: GivenSecrets | undefined;
  /** The run around this one, when this engine has it. */
  readonly parent: RunFacts | undefined;
}

type Place = readonly PathSegment[];

/** In place of every action of a run that is given up without its secrets: none is called with a value that is not the one it had. */
export const WITHOUT_SECRETS: ActionDefinition = {
  idempotent: true,
  async run({ outcome, signal }) {
    if (outcome !== undefined)
      throw new NonRetryable("not undone: the run is given up without its secrets", { code: "SECRET_MISSING" });
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
  },
};

/**
 * The run with every value it had. Fails with SECRET_MISSING, with INVALID_ARGUMENT for secrets that are not missing, with
 * PARAMS_INVALID for given ones that do not fit the plan.
 */
export function openWhole(stored: StoredRun, opening: Opening, remedies: Remedies): OpenedRun {
  const first = openRun(stored, opening);
  const names = namesOf(first, remedies);
  refuseUnknown(stored.header.runId, names, remedies.given ?? {});
  if (first.missing.length === 0) return first;
  const values = new Map<string, Json>();
  for (const [place, name] of names) {
    const given = remedies.given;
    if (given !== undefined && Object.hasOwn(given, name)) values.set(place, given[name] as Json);
  }
  const again = (): OpenedRun => openRun(stored, { ...opening, given: (place) => values.get(formatPath(place)) });
  let opened = again();
  opened = fromParent(opened, remedies, values) ? again() : opened;
  opened = fromParams(opened, remedies, values) ? again() : opened;
  if (opened.missing.length > 0) throw missingError(stored.header.runId, opened.missing, names);
  refuseUnfit(opened, remedies);
  return opened;
}

/** The refusal of a run whose values cannot be opened here. */
export function secretMissing(runId: string, names: readonly string[]): BelayError {
  const list = names.join(", ");
  const asked = names.map((name) => `${JSON.stringify(name)}: ...`).join(", ");
  const text =
    `the secrets of run ${runId} were sealed with a key that this engine does not have: ${list}; create the engine with ` +
    `the same secrets.key, or give the values again: engine.recover({ runs: ["${runId}"], secrets: { ${asked} } })`;
  return new BelayError("SECRET_MISSING", text, { runId, missing: names });
}

/** The names of what is missing, by place: `password`, `nodes.login.output.token`. */
function namesOf(run: OpenedRun, { plan, limits }: Remedies): Map<string, string> {
  const names = new Map<string, string>();
  if (run.missing.length === 0) return names;
  const { header, records } = run;
  const program = compilePlan(plan, header.items, limits);
  let state: RunState;
  try {
    state = replay(program.compiled, header, records);
  } catch (error) {
    throw corrupt(header.runId, error instanceof Error ? error.message : String(error), error);
  }
  for (const place of run.missing) {
    const [root, seq, ...rest] = place;
    const input = root === "records" ? records[seq as number]?.input : undefined;
    const hasNode = input !== undefined && "node" in input && input.node >= 0;
    const below = hasNode ? ["nodes", nodeId({ program, state }, input.node), ...rest] : place;
    names.set(formatPath(place), formatPath(root === "params" ? place.slice(1) : below));
  }
  return names;
}

/** What the run around gave this one: its node's input, when that is still the one it was started with. */
function fromParent(run: OpenedRun, { plan, parent, limits }: Remedies, values: Map<string, Json>): boolean {
  const { header, missing } = run;
  const wanted = missing.filter(([root]) => root === "params");
  if (wanted.length === 0 || parent === undefined || header.parent === null) return false;
  const node = nodeNumber(parent, header.parent.nodeId);
  const input = parent.values.inputs.get(node) as { readonly params?: Json } | undefined;
  const boundAt = parent.values.startedAt.get(node);
  if (input === undefined || boundAt === undefined || boundAt > header.at) return false;
  const { params, diagnostics } = checkParams(plan.document.params, input.params ?? {}, limits);
  const same = { ...params } as Record<string, Json>;
  if (diagnostics.length > 0 || !sameBut(wanted, header.params, same)) return false;
  for (const place of wanted) values.set(formatPath(place), valueAt(params, place.slice(1)) as Json);
  return true;
}

/** Whether two sets of parameters are one but for these places. */
function sameBut(places: readonly Place[], left: Json, right: Json): boolean {
  const without = (params: Json): string => {
    const copy = structuredClone(params);
    for (const place of places) {
      const holder = valueAt(copy, place.slice(1, -1));
      if (typeof holder !== "object" || holder === null) return "";
      Object.defineProperty(holder, place.at(-1) as PathSegment, { value: null, enumerable: true });
    }
    return canonicalJson(copy);
  };
  return without(left) !== "" && without(left) === without(right);
}

/** Lists of groups that follow from the parameters, once these are known. */
function fromParams(run: OpenedRun, { plan, limits }: Remedies, values: Map<string, Json>): boolean {
  const { header, missing } = run;
  const wanted = missing.filter(([root]) => root === "items");
  if (wanted.length === 0 || missing.some(([root]) => root === "params")) return false;
  const { items } = bindItems(plan, header.params, limits);
  for (const place of wanted) {
    const item = valueAt(items as Json, place.slice(1));
    if (item !== undefined) values.set(formatPath(place), item);
  }
  return true;
}

function valueAt(value: Json, segments: Place): Json | undefined {
  let at: Json | undefined = value;
  for (const segment of segments) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, segment)) return undefined;
    at = (at as Readonly<Record<PathSegment, Json>>)[segment];
  }
  return at;
}

function missingError(runId: string, missing: readonly Place[], names: ReadonlyMap<string, string>): BelayError {
  // Lists follow from parameters: naming these is enough.
  const asked = missing.filter(([root]) => root !== "items" || !missing.some(([other]) => other === "params"));
  return secretMissing(runId, [...new Set(asked.map((place) => names.get(formatPath(place)) as string))]);
}

function refuseUnknown(runId: string, names: ReadonlyMap<string, string>, given: GivenSecrets): void {
  const missing = [...new Set(names.values())];
  const unknown = Object.keys(given).find((name) => !missing.includes(name));
  if (unknown === undefined) return;
  const which = missing.length === 0 ? "no secret" : missing.join(", ");
  throw new BelayError("INVALID_ARGUMENT", `recover: run ${runId} lacks ${which}, not "${unknown}"`, {
    runId,
    missing,
  });
}

/** Parameters that were given again are checked like those of a start. */
function refuseUnfit({ header }: OpenedRun, { plan, limits }: Remedies): void {
  const diagnostics = checkParams(plan.document.params, header.params, limits).diagnostics;
  const [first] = diagnostics;
  if (first === undefined) return;
  const text = `the secrets given for run ${header.runId} do not fit its plan: ${first.path}: ${first.message}`;
  throw new BelayError("PARAMS_INVALID", text, { diagnostics });
}
