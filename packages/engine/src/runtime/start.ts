/**
 * Everything checked before a run starts (R3): the plan is a plan, its actions and pools exist, the parameters fit, the
 * lists have items, the locks have names. Nothing is journaled when anything is wrong. Owns: the run's header.
 */
import { BelayError, type ErrorCode } from "../errors.ts";
import type { RunHeader } from "../journal/port.ts";
import { type CompiledProgram, compilePlan } from "../plan/compile.ts";
import type { Diagnostic } from "../plan/diagnostic.ts";
import type { Json, Plan } from "../plan/document.ts";
import { bindItems } from "../plan/expand.ts";
import { compileExpression } from "../plan/expression.ts";
import { canonicalJson, hashText } from "../plan/identity.ts";
import { frozenCopy } from "../plan/json.ts";
import type { Limits } from "../plan/limits.ts";
import { checkParams } from "../plan/params.ts";
import { formatDiagnostic } from "../plan/parse.ts";
import type { StartOptions } from "./engine-api.ts";
import type { RunFacts } from "./facts.ts";
import type { Host } from "./host.ts";
import { checkSubPlans, unknownActions, unknownPools } from "./known-names.ts";
import { secretMissing } from "./missing-secrets.ts";
import { RunSecrets } from "./run-secrets.ts";
import type { SecretTexts } from "./secret-texts.ts";

export interface PreparedRun {
  readonly header: RunHeader;
  /** The header as the journal keeps it: secrets are sealed (R46). */
  readonly recorded: RunHeader;
  readonly secrets: RunSecrets;
  readonly program: CompiledProgram;
  readonly locks: readonly string[];
}

/** Fails with UNKNOWN_ACTION, PLAN_INVALID, PARAMS_INVALID or INVALID_ARGUMENT, with every diagnostic there is. */
export function prepareRun(
  plan: Plan,
  options: StartOptions,
  host: Host,
  identity: Pick<RunHeader, "runId" | "seed" | "graceMs" | "parent"> & { readonly texts: SecretTexts | undefined },
): PreparedRun {
  if (!isPlan(plan)) {
    throw new BelayError("INVALID_ARGUMENT", "start needs a plan made by definePlan, parsePlan or importOcpTask");
  }
  const checked = checkParams(plan.document.params, options.params ?? {}, host.limits);
  const params = frozenCopy(checked.params) as Readonly<Record<string, Json>>;
  const { texts, ...rest } = identity;
  const header: Omit<RunHeader, "items" | "requestHash"> = {
    ...rest,
    format: 1,
    document: plan.document,
    planHash: plan.hash,
    params,
    clientToken: options.clientToken ?? null,
    at: host.clock.now(),
  };
  const fits = checked.diagnostics.every(({ severity }) => severity !== "error");
  // What reads the parameters is only judged with parameters that fit.
  const bound = fits ? bindItems(plan, params, host.limits) : { items: {}, diagnostics: [] };
  const secrets = new RunSecrets(header.runId, host.keys, texts);
  const whole: RunHeader = { ...header, items: bound.items, requestHash: "" };
  const sealed = secrets.sealHeader(whole);
  const locks = fits ? bindLocks(plan, header, host.limits) : { names: [], diagnostics: [] };
  refuseSecretNames(options, secrets);
  refuse(plan, [
    ...unknownNames(plan, host),
    ["PARAMS_INVALID", withoutSecrets([...checked.diagnostics, ...bound.diagnostics, ...locks.diagnostics], secrets)],
    ["PARAMS_INVALID", secretLocks(plan, locks.names, secrets)],
  ]);
  const named = namedBy(options, secrets);
  const request = canonicalJson({ plan: plan.hash, params });
  const requestHash = sealed === whole ? hashText(request) : secrets.requestHash(request);
  return {
    header: { ...whole, requestHash, ...named },
    recorded: { ...sealed, requestHash, ...named },
    secrets,
    program: programOf(plan, bound.items, host.limits),
    locks: locks.names,
  };
}

/** Programs are only ever read: runs of a plan whose groups bind nothing at their start have one in common. */
const PROGRAMS = new WeakMap<Limits, WeakMap<Plan, CompiledProgram>>();

function programOf(plan: Plan, items: RunHeader["items"], limits: Limits): CompiledProgram {
  if (Object.keys(items).length > 0) return compilePlan(plan, items, limits);
  let programs = PROGRAMS.get(limits);
  if (programs === undefined) {
    programs = new WeakMap();
    PROGRAMS.set(limits, programs);
  }
  const known = programs.get(plan);
  if (known !== undefined) return known;
  const program = compilePlan(plan, items, limits);
  programs.set(plan, program);
  return program;
}

/** Whether a run was started by the same request, by what both hold; what could not be opened compares with nothing. */
export function sameRequest({ header }: PreparedRun, run: RunFacts | undefined): boolean {
  if (run === undefined || run.header.planHash !== header.planHash) return false;
  const missing = run.secrets?.missing ?? [];
  if (missing.length > 0) throw secretMissing(run.header.runId, missing);
  return canonicalJson(run.header.params) === canonicalJson(header.params);
}

/** Who and why are for people: a secret is lost in them (R46). */
function namedBy({ who, why }: StartOptions, secrets: RunSecrets): Pick<RunHeader, "startedBy"> {
  if (who === undefined && why === undefined) return {};
  const shown = (text: string | undefined): string | null => (text === undefined ? null : secrets.text(text));
  return { startedBy: { who: shown(who), why: shown(why) } };
}

/** Names are shown to everybody: to tell one by a secret would tell the secret (R46). */
function refuseSecretNames(options: StartOptions, secrets: RunSecrets): void {
  if (!secrets.any) return;
  for (const name of ["clientToken", "runId"] as const) {
    if (options[name] === undefined || !secrets.texts.hides(options[name])) continue;
    throw new BelayError("INVALID_ARGUMENT", `start: ${name} shows a secret of the run; use another one`);
  }
}

function secretLocks(plan: Plan, names: readonly string[], secrets: RunSecrets): readonly Diagnostic[] {
  const written = plan.document.locks ?? [];
  if (!secrets.any || !names.some((name) => !written.includes(name) && secrets.texts.hides(name))) return [];
  const message = "the name of a lock shows a secret: others are told what they wait for";
  return [{ code: "PARAMS", severity: "error", path: "locks", message }];
}

function withoutSecrets(diagnostics: readonly Diagnostic[], secrets: RunSecrets): readonly Diagnostic[] {
  if (!secrets.any) return diagnostics;
  return diagnostics.map((diagnostic) => ({ ...diagnostic, message: secrets.text(diagnostic.message) }));
}

/** Fails with UNKNOWN_ACTION or PLAN_INVALID when the engine lacks an action, a pool or a plan that the plan names. */
export function checkKnownNames(plan: Plan, host: Host): void {
  refuse(plan, unknownNames(plan, host));
}

type Found = readonly [ErrorCode, readonly Diagnostic[]];

function unknownNames(plan: Plan, host: Host): readonly Found[] {
  return [
    ["UNKNOWN_ACTION", unknownActions(plan, host)],
    ["PLAN_INVALID", [...unknownPools(plan, host), ...checkSubPlans(plan, host)]],
  ];
}

/** Whether it was made by `definePlan` and its kin. */
export function isPlan(value: unknown): value is Plan {
  if (typeof value !== "object" || value === null) return false;
  const { hash, document } = value as Partial<Plan>;
  return typeof hash === "string" && typeof document === "object";
}

/** Everything at once; the error's code is that of the first kind of fault there is. */
function refuse(plan: Plan, found: readonly Found[]): void {
  const errors = found.flatMap(([, diagnostics]) => diagnostics.filter(({ severity }) => severity === "error"));
  const first = found.find(([, diagnostics]) => diagnostics.some(({ severity }) => severity === "error"));
  if (first === undefined) return;
  const shown = errors.slice(0, 10).map((diagnostic) => `  ${formatDiagnostic(diagnostic)}`);
  const more = errors.length > 10 ? `\n  ... and ${errors.length - 10} more` : "";
  const text = `plan "${plan.document.name}" cannot run:\n${shown.join("\n")}${more}`;
  throw new BelayError(first[0], text, { diagnostics: errors });
}

/** Fails with INVALID_ARGUMENT for options that make no sense. */
export function checkStartOptions(options: unknown): asserts options is StartOptions {
  const fail = (message: string): never => {
    throw new BelayError("INVALID_ARGUMENT", `start: ${message}`);
  };
  if (typeof options !== "object" || options === null || Array.isArray(options)) fail("the options must be an object");
  const { runId, seed, clientToken, who, why, ...others } = options as Record<string, unknown>;
  if (runId !== undefined && !(typeof runId === "string" && /^[!-~]{1,128}$/.test(runId))) {
    fail("runId must have 1 to 128 printable ASCII characters without blanks");
  }
  if (seed !== undefined && !Number.isSafeInteger(seed)) fail("seed must be an integer");
  if (clientToken !== undefined) checkToken(clientToken, fail);
  for (const [name, text] of Object.entries({ who, why })) {
    if (text !== undefined && typeof text !== "string") fail(`${name} must be a string`);
  }
  const unknown = Object.keys(others).find((name) => name !== "params");
  if (unknown !== undefined)
    fail(`there is no option "${unknown}"; there are params, clientToken, runId, seed, who, why`);
}

/** PolarDB's rule for its ClientToken (R43). */
function checkToken(token: unknown, fail: (message: string) => never): void {
  if (typeof token !== "string" || !/^[\x20-\x7e]{1,64}$/.test(token)) {
    fail("clientToken must have 1 to 64 printable ASCII characters");
  }
}

/** Lock names, each once, in sorted order: two runs that share some take them in the same order. */
function bindLocks(
  plan: Plan,
  { runId, at, params }: Pick<RunHeader, "runId" | "at" | "params">,
  limits: Limits,
): { readonly names: readonly string[]; readonly diagnostics: readonly Diagnostic[] } {
  const names = new Set<string>();
  const diagnostics: Diagnostic[] = [];
  for (const [index, lock] of (plan.document.locks ?? []).entries()) {
    if (typeof lock === "string") {
      names.add(lock);
      continue;
    }
    const expression = compileExpression(lock.$cel, limits);
    const result = expression.ok
      ? expression.evaluate({ params, nodes: {}, run: { id: runId, startedAt: at } })
      : expression;
    if (result.ok && typeof result.value === "string" && result.value !== "") {
      names.add(result.value);
      continue;
    }
    // Not which value: it may be a secret (R46).
    const why = result.ok ? "the result is no name: a text that is not empty" : result.message;
    diagnostics.push({ code: "PARAMS", severity: "error", path: `locks[${index}]`, message: why });
  }
  return { names: [...names].sort(), diagnostics };
}
