/**
 * `belay demo` of a PostgreSQL plan: a real cluster on this machine, clients that write all the time, something that happens to it
 * (`postgres-scenes.ts`), and the bill: what the clients noticed and what was lost.
 * Owns: the order of the show, and that nothing of it is left running however it ends; with `--db` its servers wait for a
 * while for the process that goes on with the run.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { RunSnapshot } from "@belay/engine";
import { loadPlan } from "@belay/failover-plans";
import type { Context } from "../context.ts";
import { dropNote } from "../database/noted-start.ts";
import { RunNotes } from "../database/run-note.ts";
import { ExitCode } from "../exit-code.ts";
import { withOnFailure } from "../plan-file.ts";
import { chooseRenderer } from "../render/choose-renderer.ts";
import { JsonRenderer } from "../render/json-renderer.ts";
import type { DemoOptions } from "./demo-options.ts";
import { type Ended, exitCodeOfShow, staysOpen, tell } from "./postgres-end.ts";
import { type PostgresDemo, SCENES } from "./postgres-scenes.ts";
import { PATIENCE_MS, PostgresShow, type ShowSpec } from "./postgres-show.ts";
import { checkFailNode, refuseUsed, runPlan } from "./run-plan.ts";

/** Writes before the fault, so that there is something to lose. */
const WARM_UP_MS = 2000;

export async function postgresDemo(name: PostgresDemo, options: DemoOptions, context: Context): Promise<ExitCode> {
  const { terminal, interrupts } = context;
  const plan = withOnFailure(loadPlan(name), options.onFailure);
  checkFailNode(plan, options);
  if (options.db !== undefined) await refuseUsed(options.db);
  const renderer = chooseRenderer(terminal, options.json ?? false);
  const spec = { name, plan, options, renderer, interrupted: interrupts.signal };
  const stopping = (): void => renderer.say("interrupted: everything is taken down (Ctrl-C again forces)");
  interrupts.signal.addEventListener("abort", stopping, { once: true });
  const ended = await play(spec, context).finally(() => interrupts.signal.removeEventListener("abort", stopping));
  return interrupts.signal.aborted ? ExitCode.INTERRUPTED : exitCodeOfShow(ended);
}

/**
 * Starts the cluster, shows, tells, and tears everything down, in that order: a process that is killed in between has told
 * what can be found out no more. Throws the signal's reason when interrupted before the run.
 */
async function play(spec: ShowSpec, context: Context): Promise<Ended> {
  const show = await PostgresShow.raise(spec);
  let left = false;
  try {
    await warmUp(show, spec);
    const snapshot = await run(show, spec, context);
    if (!(spec.renderer instanceof JsonRenderer)) spec.renderer.rest(snapshot);
    const ended = { snapshot, report: await show.bill(snapshot) };
    tell(ended, spec, context);
    left = staysOpen(snapshot, spec);
    const notes = spec.options.db === undefined ? undefined : new RunNotes(spec.options.db);
    if (!left) await notes?.noteTold(snapshot.id);
    await (left ? show.leave() : show.end());
    if (notes !== undefined) await dropNote(notes, snapshot);
    return ended;
  } finally {
    if (!left) await show.end();
  }
}

async function warmUp(show: PostgresShow, spec: ShowSpec): Promise<void> {
  const { cluster, workload } = show;
  const { options, renderer, interrupted, plan, name } = spec;
  renderer.say(`${options.writers} clients write, ${WARM_UP_MS / 1000} s long`);
  await sleep(WARM_UP_MS, undefined, { signal: interrupted });
  renderer.say(`${workload.acknowledged()} rows acknowledged`);
  workload.mark();
  renderer.say(`${await SCENES[name].prepare(cluster, show.cast)}; running ${plan.document.name}`);
}

async function run(show: PostgresShow, spec: ShowSpec, context: Context): Promise<RunSnapshot> {
  const { plan, options, renderer, interrupted, name } = spec;
  const planned = { plan, actions: await show.actions(), params: show.params() };
  if (options.db === undefined) return await runPlan(planned, renderer, interrupted);
  const { db: file, json: _, ...rest } = options;
  const demo = { name, options: rest, dataDir: show.cluster.dataDir, told: false };
  const ready = (): Promise<void> => show.cluster.outlive(PATIENCE_MS);
  return await runPlan(planned, renderer, interrupted, { file, demo, ready, err: context.terminal.err });
}
