/**
 * `belay demo oceanbase-failover`: OCP's failover plan, node by node, on clusters in memory. Takes a few seconds, so that
 * there is something to watch, and shows the statements that a real cluster would have been given.
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
import type { DemoOptions } from "./demo-options.ts";
import { OceanBaseWorld, PRIMARY, STANDBY, tellStatements } from "./oceanbase-world.ts";
import { checkFailNode, type Kept, refuseUsed, runPlan, withFailure } from "./run-plan.ts";

export async function oceanBaseDemo(options: DemoOptions, context: Context): Promise<ExitCode> {
  const { terminal, interrupts } = context;
  const plan = withOnFailure(loadPlan("oceanbase-failover"), options.onFailure);
  checkFailNode(plan, options);
  if (options.db !== undefined) await refuseUsed(options.db);
  const renderer = chooseRenderer(terminal, options.json ?? false);
  const world = OceanBaseWorld.create();
  renderer.say(`two clusters in memory; every server of the primary, cluster ${PRIMARY}, is down`);
  const actions = withFailure(world.actions(), plan, options);
  const planned = { plan, actions, params: { clusterId: STANDBY } };
  const snapshot = await runPlan(planned, renderer, interrupts.signal, keptIn(world, options, context));
  if (options.db !== undefined) await dropNote(new RunNotes(options.db), snapshot);
  tellStatements(world.model, snapshot, renderer, { outcome: outcome(snapshot, options, context), context });
  return interrupts.signal.aborted ? ExitCode.INTERRUPTED : exitCodeOf(snapshot.status);
}

function keptIn(world: OceanBaseWorld, options: DemoOptions, { terminal }: Context): Kept | undefined {
  const { db: file, json: _, ...rest } = options;
  if (file === undefined) return undefined;
  return {
    file,
    demo: { name: "oceanbase-failover", options: rest, dataDir: null, told: false },
    ready: async (notes, runId) => world.keepIn(notes.worldPath(runId)),
    err: terminal.err,
  };
}

function outcome(snapshot: RunSnapshot, options: DemoOptions, { terminal }: Context): string[] {
  const { colors } = terminal.out;
  if (options.db === undefined) return outcomeLines(snapshot, nextCommands(options), colors);
  return storedOutcomeLines(snapshot, { run: snapshot.id.slice(0, 8), db: options.db, executedBy: null }, colors);
}

function nextCommands({ fail, failWhen }: DemoOptions): { readonly again: string; readonly rollback: string } {
  const words = ["belay", "demo", "oceanbase-failover"];
  const failing = [...words, ...(fail === undefined ? [] : ["--fail", fail])];
  if (failWhen !== undefined) failing.push("--fail-when", failWhen);
  return { again: commandLine(words), rollback: commandLine([...failing, "--on-failure", "rollback"]) };
}
