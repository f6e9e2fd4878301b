/**
 * `belay run FILE`: runs a plan of the user's with actions of the user's. Owns: the order of refusals (actions, plan,
 * parameters) before anything starts, and the way from a resting run to an exit code. With `--db` the run is kept in a file
 * and survives this process; other runs of the file are left alone.
 */
import { resolve } from "node:path";
import {
  BelayError,
  createEngine,
  type Diagnostic,
  type EngineOptions,
  type Plan,
  type Run,
  type RunSnapshot,
  type StartOptions,
} from "@belay/engine";
import { loadActions } from "../actions-module.ts";
import { endChildren } from "../children.ts";
import type { Context } from "../context.ts";
import { ownDatabase, throwInUse } from "../database/database-file.ts";
import { dropNote, type Facts, sayUnfinished, startNoted } from "../database/noted-start.ts";
import { RunNotes } from "../database/run-note.ts";
import { ExitCode, exitCodeOf } from "../exit-code.ts";
import { followRun } from "../follow-run.ts";
import { parseParams, withoutSecret } from "../params.ts";
import { readParamsFile } from "../params-file.ts";
import { loadPlanFile, printDiagnostics, withOnFailure } from "../plan-file.ts";
import { chooseRenderer } from "../render/choose-renderer.ts";
import { type NextCommands, outcomeLines, storedOutcomeLines } from "../render/outcome.ts";
import type { Renderer } from "../render/renderer.ts";
import { secretSettings } from "../secret-key.ts";
import { commandLine } from "../shell.ts";
import { Refused } from "../usage-error.ts";

export interface RunOptions {
  /** `name=value` and `@file`, in the order given. */
  readonly params?: readonly string[];
  /** Module with the actions. Default: built-in actions only. */
  readonly actions?: string;
  /** Files of plans that `belay.plan` may run, each under its plan's name. */
  readonly plan?: readonly string[];
  readonly json?: boolean;
  /** Default: what the plan says. */
  readonly onFailure?: "pause" | "rollback";
  readonly clientToken?: string;
  /** File of the journal that keeps the run. Default: none, it ends with the process. */
  readonly db?: string;
  /** Concurrency of each pool, by name. */
  readonly pool?: ReadonlyMap<string, number>;
}

/** What children get to end by themselves after Ctrl-C. */
const CHILD_GRACE_MS = 2000;

export async function runCommand(file: string, options: RunOptions, context: Context): Promise<ExitCode> {
  const { terminal, interrupts } = context;
  const actions = options.actions === undefined ? {} : await loadActions(options.actions);
  const advise = (diagnostic: Diagnostic): Diagnostic => withRemedy(diagnostic, options);
  const checked = await loadPlanFile(file, terminal.err, { actions: Object.keys(actions), advise });
  const plan = withOnFailure(checked, options.onFailure);
  const plans: Record<string, Plan> = {};
  for (const inner of options.plan ?? []) {
    const loaded = await loadPlanFile(inner, terminal.err, { actions: Object.keys(actions), advise });
    plans[loaded.document.name] = loaded;
  }
  const params = await parseParams(options.params ?? [], plan.document.params, readParamsFile);
  const renderer = chooseRenderer(terminal, options.json ?? false);
  const start: StartOptions = {
    params,
    ...(options.clientToken === undefined ? {} : { clientToken: options.clientToken }),
  };
  const secrets = await secretSettings(process.env);
  const pools = Object.fromEntries([...(options.pool ?? [])].map(([name, concurrency]) => [name, { concurrency }]));
  const execution = { file, plan, engine: { actions, plans, pools, ...secrets }, start, advise, options };
  const snapshot = await execute(execution, renderer, context);
  if (interrupts.signal.aborted) await endChildren(CHILD_GRACE_MS);
  renderer.rest(snapshot);
  if (!options.json) {
    const { colors } = terminal.out;
    const stored = { run: snapshot.id.slice(0, 8), db: options.db ?? "", executedBy: null };
    const lines =
      options.db === undefined
        ? outcomeLines(snapshot, nextCommands(file, options, plan), colors)
        : storedOutcomeLines(snapshot, stored, colors);
    for (const line of ["", ...lines]) terminal.out.line(line);
  }
  return interrupts.signal.aborted ? ExitCode.INTERRUPTED : exitCodeOf(snapshot.status);
}

interface Execution {
  readonly file: string;
  readonly plan: Plan;
  readonly engine: EngineOptions & { readonly plans: Readonly<Record<string, Plan>> };
  readonly start: StartOptions;
  readonly advise: (diagnostic: Diagnostic) => Diagnostic;
  readonly options: RunOptions;
}

async function execute(execution: Execution, renderer: Renderer, context: Context): Promise<RunSnapshot> {
  const { file, plan, engine: settings, start, advise, options } = execution;
  const { db } = options;
  const journal = db === undefined ? undefined : await ownDatabase(db);
  const kept = journal === undefined ? settings : { ...settings, journal, recover: false };
  const engine = await createEngine(kept).catch((error: unknown) => throwInUse(error, db ?? "", "give another file"));
  try {
    if (db === undefined || journal === undefined) {
      return await followRun(await engine.start(plan, start), renderer, context.interrupts.signal);
    }
    await sayUnfinished(journal, db, context.terminal.err);
    const notes = new RunNotes(db);
    const { err } = context.terminal;
    const existing = ({ id }: Run): void => err.line(`belay: ${startedBefore(id, options)}`);
    const run = await startNoted(engine, plan, start, { notes, facts: factsOf(execution), existing });
    const followed = followRun(run, renderer, context.interrupts.signal);
    if (settings.secrets === undefined && (await journal.read(run.id))?.header.sealed === true)
      err.line(noKey(run.id, db));
    const snapshot = await followed;
    await dropNote(notes, snapshot);
    return snapshot;
  } catch (error) {
    if (!(error instanceof BelayError) || !REFUSALS.has(error.code)) throw error;
    if (error.code === "LOCKED") sayHolder(error, db ?? "", context);
    const diagnostics = (error.details["diagnostics"] ?? []) as readonly Diagnostic[];
    if (diagnostics.length === 0) context.terminal.err.line(`belay: ${error.message}`);
    const where = error.code === "PARAMS_INVALID" ? "--params" : file;
    printDiagnostics(where, diagnostics.map(advise), context.terminal.err);
    throw new Refused();
  } finally {
    await engine.close();
  }
}

/** What its secrets mean for a run that was started without a key: true of any end of this process. */
function noKey(id: string, db: string): string {
  const run = id.slice(0, 8);
  const again = commandLine(["belay", "recover", "--db", db, "--secrets", "FILE", run]);
  const giveUp = commandLine(["belay", "abandon", run, "--db", db]);
  return (
    `belay: BELAY_SECRET_KEY is not set: the run's secrets are sealed with a key that ends with this process; after that it goes on ` +
    `with their values, given again: ${again}; or it is given up: ${giveUp}`
  );
}

/** The run of an earlier request under the same token (R43). */
function startedBefore(id: string, { clientToken = "" }: RunOptions): string {
  return `nothing new was started: client token ${JSON.stringify(clientToken)} is that of run ${id.slice(0, 8)}, which is shown`;
}

/** What another process needs to go on with the run. */
function factsOf({ engine, options }: Execution): Facts {
  return {
    actions: options.actions === undefined ? null : resolve(options.actions),
    plans: Object.values(engine.plans).map(({ document }) => document),
    pools: Object.fromEntries(options.pool ?? []),
    demo: null,
  };
}

/** Which run has the lock, and how to look at it. */
function sayHolder({ details }: BelayError, db: string, { terminal }: Context): void {
  const look = commandLine(["belay", "show", String(details["heldBy"]), "--db", db]);
  terminal.err.line(`belay: another run has a lock that this one needs; look: ${look}`);
}

/** Codes with which `start` says no before anything ran. */
const REFUSALS: ReadonlySet<string> = new Set([
  "PLAN_INVALID",
  "UNKNOWN_ACTION",
  "PARAMS_INVALID",
  "INVALID_ARGUMENT",
  "LOCKED",
  "IDEMPOTENT_PARAMETER_MISMATCH",
]);

/** What the engine asks a program to do is an option here. */
function withRemedy(diagnostic: Diagnostic, { actions }: RunOptions): Diagnostic {
  const { code, suggestion } = diagnostic;
  if (suggestion?.startsWith("did you mean")) return diagnostic;
  if (code === "UNKNOWN_ACTION" && actions === undefined)
    return { ...diagnostic, suggestion: "give the module that has it: --actions <module>" };
  if (code === "UNKNOWN_PLAN") return { ...diagnostic, suggestion: "give the file that has it: --plan <file>" };
  if (code === "UNKNOWN_POOL") return { ...diagnostic, suggestion: "give it: --pool <name>=<concurrency>" };
  return diagnostic;
}

function nextCommands(file: string, options: RunOptions, plan: Plan): NextCommands {
  const words = ["belay", "run", file];
  for (const param of options.params ?? []) words.push("--params", withoutSecret(param, plan.document.params));
  if (options.actions !== undefined) words.push("--actions", options.actions);
  for (const inner of options.plan ?? []) words.push("--plan", inner);
  for (const [name, concurrency] of options.pool ?? []) words.push("--pool", `${name}=${concurrency}`);
  return {
    again: commandLine(options.onFailure === undefined ? words : [...words, "--on-failure", options.onFailure]),
    rollback: commandLine([...words, "--on-failure", "rollback"]),
  };
}
