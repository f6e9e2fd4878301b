/**
 * What runs need of a process besides their journal. Owns: where it comes from (the command line, the run's note, a demo),
 * that runs with needs of their own can share an engine, and what is said when something is missing.
 */
import { resolve } from "node:path";
import {
  type ActionRegistry,
  BelayError,
  checkPlan,
  type EngineOptions,
  type Plan,
  type PlanDocument,
} from "@belay/engine";
import { loadActions } from "../actions-module.ts";
import type { Context } from "../context.ts";
import { isOceanBaseDemo } from "../demo/demo-options.ts";
import { readSecretsFile } from "../params-file.ts";
import { loadPlanFile } from "../plan-file.ts";
import { UsageError } from "../usage-error.ts";
import { mergeActions } from "./actions-by-run.ts";
import { type DemoNote, plansOf, type RunNote } from "./run-note.ts";
import type { LoadedSurroundings, Search, SurroundedRun, Surroundings } from "./surrounded-run.ts";
import { withoutCode } from "./without-code.ts";

/** What the command line gives beside the notes, or instead of them. */
export interface GivenSurroundings {
  /** Module with the actions. */
  readonly actions?: string;
  /** Files of plans. */
  readonly plan?: readonly string[];
  readonly pool?: ReadonlyMap<string, number>;
  /** File of values for secrets whose key is gone. */
  readonly secrets?: string;
}

/** Loads what the command line names. Throws UsageError, or Refused once the diagnostics are printed. */
export async function loadGiven(given: GivenSurroundings, { terminal }: Context): Promise<LoadedSurroundings> {
  const actions = given.actions === undefined ? undefined : await loadActions(given.actions);
  const plans: Plan[] = [];
  for (const file of given.plan ?? []) plans.push(await loadPlanFile(file, terminal.err));
  const module = given.actions === undefined ? undefined : resolve(given.actions);
  const secrets = given.secrets === undefined ? undefined : await readSecretsFile(given.secrets);
  return { actions, plans, pools: Object.fromEntries(given.pool ?? []), module, secrets };
}

/** What a run needs. Fails with UNKNOWN_ACTION, PLAN_INVALID or ENVIRONMENT when it cannot be had. */
export async function findSurroundings(run: SurroundedRun, search: Search): Promise<Surroundings> {
  const note = await search.notes.read(run.notedAs);
  if (search.code === "none") return nothingCalled(run, note);
  try {
    if (note?.demo) return await demoSurroundings(run, note.demo, search);
    const found = await planSurroundings(note, search.given);
    checkActions(run.document, found.actions);
    return found;
  } catch (error) {
    if (search.code === "if-there") return nothingCalled(run, note);
    throw error;
  }
}

function nothingCalled({ document }: SurroundedRun, note: RunNote | undefined): Surroundings {
  const keepsNote = typeof note?.demo?.dataDir === "string";
  return { ...withoutCode(document, note), keepsNote, close: async () => undefined };
}

/** Notes what the command line gave for a run that was taken up with it: the next command needs not be told again. */
export async function noteGiven(notedAs: string, { notes, given }: Search): Promise<void> {
  const { module, plans, pools } = given;
  if (module === undefined && plans.length === 0 && Object.keys(pools).length === 0) return;
  const before = await notes.read(notedAs);
  if (before?.demo) return;
  const known = new Map((before?.plans ?? []).map((document) => [document.name, document]));
  for (const { document } of plans) known.set(document.name, document);
  await notes.write({
    format: 1,
    runId: notedAs,
    actions: module ?? before?.actions ?? null,
    plans: [...known.values()],
    pools: { ...before?.pools, ...pools },
    demo: null,
  });
}

async function planSurroundings(note: RunNote | undefined, given: LoadedSurroundings): Promise<Surroundings> {
  const plans = new Map((note === undefined ? [] : plansOf(note)).map((plan) => [plan.document.name, plan]));
  for (const plan of given.plans) plans.set(plan.document.name, plan);
  return {
    actions: given.actions ?? (await notedActions(note)),
    plans: [...plans.values()],
    pools: { ...note?.pools, ...given.pools },
    close: async () => undefined,
  };
}

async function notedActions(note: RunNote | undefined): Promise<ActionRegistry> {
  if (!note?.actions) return {};
  try {
    return await loadActions(note.actions);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new BelayError("UNKNOWN_ACTION", error.message, {}, error);
  }
}

/** The engine checks against all actions there are; a run has only its own. */
function checkActions(document: PlanDocument, actions: ActionRegistry): void {
  const { diagnostics } = checkPlan(document, { actions: Object.keys(actions) });
  const unknown = diagnostics.filter(({ code }) => code === "UNKNOWN_ACTION");
  if (unknown.length === 0) return;
  const text = [...new Set(unknown.map(({ message }) => message))].join("; ");
  throw new BelayError("UNKNOWN_ACTION", text, { diagnostics: unknown });
}

async function demoSurroundings(run: SurroundedRun, demo: DemoNote, search: Search): Promise<Surroundings> {
  const { name } = demo;
  if (isOceanBaseDemo(name)) {
    const { resumeOceanBase } = await import("../demo/oceanbase-resume.ts");
    return await resumeOceanBase(run, { ...demo, name }, search);
  }
  const { resumePostgres } = await import("../demo/postgres-resume.ts");
  return await resumePostgres(run, demo, search);
}

/** Surroundings of several runs, for one engine. */
export interface SharedSurroundings {
  readonly engine: Pick<EngineOptions, "actions" | "plans" | "pools">;
  /** Of the runs that share it. */
  readonly byRun: ReadonlyMap<string, Surroundings>;
  /** Runs that do not get on with those before them. */
  readonly apart: readonly { readonly runId: string; readonly error: BelayError }[];
}

/** Puts surroundings together, in order; what does not fit to those before is left apart. */
export function shareSurroundings(found: ReadonlyMap<string, Surroundings>): SharedSurroundings {
  const byRun = new Map<string, Surroundings>();
  const apart: { readonly runId: string; readonly error: BelayError }[] = [];
  let engine = engineOf(byRun);
  for (const [runId, one] of found) {
    try {
      engine = engineOf(new Map([...byRun, [runId, one]]));
      byRun.set(runId, one);
    } catch (error) {
      if (!(error instanceof BelayError)) throw error;
      apart.push({ runId, error });
    }
  }
  return { engine, byRun, apart };
}

function engineOf(byRun: ReadonlyMap<string, Surroundings>): SharedSurroundings["engine"] {
  const plans: Record<string, Plan> = {};
  const pools: Record<string, { readonly concurrency: number }> = {};
  for (const one of byRun.values()) {
    for (const plan of one.plans) {
      const { name } = plan.document;
      if (plans[name] !== undefined && plans[name].hash !== plan.hash) throw differs(`plan "${name}"`);
      plans[name] = plan;
    }
    for (const [name, concurrency] of Object.entries(one.pools)) {
      if (pools[name] !== undefined && pools[name].concurrency !== concurrency) throw differs(`pool "${name}"`);
      pools[name] = { concurrency };
    }
  }
  const actions = mergeActions(new Map([...byRun].map(([runId, one]) => [runId, one.actions])));
  return { actions, plans, pools };
}

function differs(what: string): BelayError {
  return new BelayError("INVALID_ARGUMENT", `other runs were started with another ${what}`);
}
