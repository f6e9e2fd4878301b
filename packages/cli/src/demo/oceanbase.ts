/**
 * `belay demo oceanbase-...`: a plan for OceanBase, node by node, through SQL on a model in memory. Takes a few seconds, so that there
 * is something to watch, and shows the statements that real clusters or tenants would have been given.
 */
import type { RunSnapshot } from "@belay/engine";
import { loadPlan } from "@belay/failover-plans";
import type { Context } from "../context.ts";
import { dropNote } from "../database/noted-start.ts";
import { RunNotes } from "../database/run-note.ts";
import { ExitCode, exitCodeOf } from "../exit-code.ts";
import { withOnFailure } from "../plan-file.ts";
import { chooseRenderer } from "../render/choose-renderer.ts";
import { outcomeLines, storedOutcomeLines } from "../render/outcome.ts";
import { commandLine } from "../shell.ts";
import type { DemoOptions, OceanBaseDemoName } from "./demo-options.ts";
import { OceanBaseWorld, tellStatements } from "./oceanbase-world.ts";
import { checkFailNode, type Kept, refuseUsed, runPlan, withFailure } from "./run-plan.ts";

export async function oceanBaseDemo(
  name: OceanBaseDemoName,
  options: DemoOptions,
  context: Context,
): Promise<ExitCode> {
  const { terminal, interrupts } = context;
  const plan = withOnFailure(loadPlan(name), options.onFailure);
  checkFailNode(plan, options);
  if (options.db !== undefined) await refuseUsed(options.db);
  const renderer = chooseRenderer(terminal, options.json ?? false);
  const world = await OceanBaseWorld.create(name);
  try {
    renderer.say(world.about);
    const actions = withFailure(world.actions(), plan, options);
    const planned = { plan, actions, params: world.params };
    const snapshot = await runPlan(planned, renderer, interrupts.signal, keptIn(name, world, options, context));
    if (options.db !== undefined) await dropNote(new RunNotes(options.db), snapshot);
    const told = { outcome: outcome(name, snapshot, options, context), context };
    tellStatements(world.statements, snapshot, renderer, told);
    return interrupts.signal.aborted ? ExitCode.INTERRUPTED : exitCodeOf(snapshot.status);
  } finally {
    await world.close();
  }
}

function keptIn(
  name: OceanBaseDemoName,
  world: OceanBaseWorld,
  options: DemoOptions,
  { terminal }: Context,
): Kept | undefined {
  const { db: file, json: _, ...rest } = options;
  if (file === undefined) return undefined;
  return {
    file,
    demo: { name, options: rest, dataDir: null, told: false },
    ready: async (notes, runId) => world.keepIn(notes.worldPath(runId)),
    err: terminal.err,
  };
}

function outcome(
  name: OceanBaseDemoName,
  snapshot: RunSnapshot,
  options: DemoOptions,
  { terminal }: Context,
): string[] {
  const { colors } = terminal.out;
  if (options.db === undefined) return outcomeLines(snapshot, nextCommands(name, options), colors);
  return storedOutcomeLines(snapshot, { run: snapshot.id.slice(0, 8), db: options.db, executedBy: null }, colors);
}

function nextCommands(
  name: OceanBaseDemoName,
  { fail, failWhen }: DemoOptions,
): { readonly again: string; readonly rollback: string } {
  const words = ["belay", "demo", name];
  const failing = [...words, ...(fail === undefined ? [] : ["--fail", fail])];
  if (failWhen !== undefined) failing.push("--fail-when", failWhen);
  return { again: commandLine(words), rollback: commandLine([...failing, "--on-failure", "rollback"]) };
}
