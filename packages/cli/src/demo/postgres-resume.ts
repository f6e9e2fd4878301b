/** A PostgreSQL demo whose process died: another one goes on with its servers, its clients' memory and its run. */
import { BelayError } from "@belay/engine";
import { isTerminal } from "@belay/engine/core";
import { loadPlan } from "@belay/failover-plans";
import type { DemoNote } from "../database/run-note.ts";
import type { Search, SurroundedRun, Surroundings } from "../database/surroundings.ts";
import { JsonRenderer } from "../render/json-renderer.ts";
import { exitCodeOfShow, tell } from "./postgres-end.ts";
import { PostgresShow } from "./postgres-show.ts";

/** Takes the servers over. ENVIRONMENT when they are gone. */
export async function resumePostgres(
  { runId, snapshot: before }: SurroundedRun,
  { name, options: noted, dataDir }: DemoNote,
  { notes, context, renderer }: Search,
): Promise<Surroundings> {
  const { interrupts } = context;
  const options = { ...noted, db: notes.file };
  const spec = { name, plan: loadPlan(name), options, renderer, interrupted: interrupts.signal };
  const show = await PostgresShow.resume(spec, dataDir ?? "").catch(gone);
  renderer.say(`the servers of run ${runId.slice(0, 8)} run on, and ${options.writers} clients write again`);
  let isOver = false;
  return {
    actions: show.actions(before),
    plans: [],
    pools: {},
    async finish(snapshot, shown) {
      if (!(shown instanceof JsonRenderer)) shown.rest(snapshot);
      const report = await show.bill(snapshot);
      isOver = isTerminal(snapshot.status);
      tell({ snapshot, report }, { ...spec, renderer: shown }, context);
      return exitCodeOfShow({ snapshot, report });
    },
    async close() {
      if (!isOver && !interrupts.signal.aborted) return await show.leave();
      await show.end();
      if (isOver) await notes.remove(runId);
    },
  };
}

function gone(error: unknown): never {
  // Somebody else has them: that is told as it is.
  if (!(error instanceof BelayError) || error.code === "STATE_INVALID") throw error;
  throw new BelayError("ENVIRONMENT", `its servers cannot be taken over: ${error.message}`, {}, error);
}
