/** A PostgreSQL demo whose process died: another one goes on with its servers, its clients' memory and its run. */
import { rm } from "node:fs/promises";
import { BelayError } from "@belay/engine";
import { isTerminal } from "@belay/engine/core";
import { loadPlan } from "@belay/failover-plans";
import { takeOverPostgresCluster } from "@belay/failover-plans/embedded-postgres";
import type { DemoNote } from "../database/run-note.ts";
import type { Search, SurroundedRun, Surroundings } from "../database/surrounded-run.ts";
import { withoutCode } from "../database/without-code.ts";
import { exitCodeOf } from "../exit-code.ts";
import { JsonRenderer } from "../render/json-renderer.ts";
import { exitCodeOfShow, tell } from "./postgres-end.ts";
import { isPostgresDemo } from "./postgres-scenes.ts";
import { PATIENCE_MS, PostgresShow } from "./postgres-show.ts";

/** Takes the servers over. ENVIRONMENT when they are gone and the run needs them. */
export async function resumePostgres(run: SurroundedRun, demo: DemoNote, search: Search): Promise<Surroundings> {
  if (!isTerminal(run.snapshot.status)) return await goOn(run, demo, search);
  if (demo.told) return await putAway(run, demo, search);
  return await goOn(run, demo, search).catch(async (error: unknown) => {
    if (!(error instanceof BelayError) || error.code !== "ENVIRONMENT") throw error;
    search.renderer.say(`run ${run.runId.slice(0, 8)} had ended, and no bill can be made: ${error.message}`);
    return await putAway(run, demo, search);
  });
}

async function goOn(
  { runId, snapshot: before }: SurroundedRun,
  { name, options: noted, dataDir }: DemoNote,
  { notes, context, renderer }: Search,
): Promise<Surroundings> {
  const { interrupts } = context;
  if (!isPostgresDemo(name)) throw new BelayError("INTERNAL", `${name} has no PostgreSQL servers`);
  const options = { ...noted, db: notes.file };
  const spec = { name, plan: loadPlan(name), options, renderer, interrupted: interrupts.signal };
  const show = await PostgresShow.resume(spec, dataDir ?? "").catch(gone);
  renderer.say(`the servers of run ${runId.slice(0, 8)} run on, and ${options.writers} clients write again`);
  let isOver = false;
  return {
    actions: await show.actions(before),
    plans: [],
    pools: {},
    async finish(snapshot, shown) {
      if (!(shown instanceof JsonRenderer)) shown.rest(snapshot);
      const report = await show.bill(snapshot);
      tell({ snapshot, report }, { ...spec, renderer: shown }, context);
      isOver = isTerminal(snapshot.status);
      if (isOver) await notes.noteTold(runId);
      return exitCodeOfShow({ snapshot, report });
    },
    async close() {
      if (!isOver && !interrupts.signal.aborted) return await show.leave();
      await show.end();
      if (isOver) await notes.remove(runId);
    },
  };
}

/** Its run has ended, and what is told at the end was told: its servers, as far as they are there, end too. */
async function putAway(
  { runId, document }: SurroundedRun,
  { dataDir, options }: DemoNote,
  { notes, renderer }: Search,
): Promise<Surroundings> {
  const directory = dataDir ?? "";
  const cluster = await takeOverPostgresCluster(directory, { patienceMs: PATIENCE_MS }).catch((error: unknown) => {
    if (error instanceof BelayError && error.code === "NOT_FOUND") return undefined;
    throw error;
  });
  if (cluster !== undefined) renderer.say(`run ${runId.slice(0, 8)} had ended: its servers are put away`);
  return {
    ...withoutCode(document, undefined),
    async finish(snapshot, shown) {
      shown.rest(snapshot);
      return exitCodeOf(snapshot.status);
    },
    async close() {
      await cluster?.stop();
      // A removal that was interrupted leaves no cluster, and some of its files.
      if (cluster === undefined && directory !== "" && !options.keep)
        await rm(directory, { recursive: true, force: true });
      await notes.remove(runId);
    },
  };
}

function gone(error: unknown): never {
  // Somebody else has them: that is told as it is.
  if (!(error instanceof BelayError) || error.code === "STATE_INVALID") throw error;
  throw new BelayError("ENVIRONMENT", `its servers cannot be taken over: ${error.message}`, {}, error);
}
