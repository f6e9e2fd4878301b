/** An OceanBase demo whose process died: another one goes on with its clusters and its run. */
import { BelayError } from "@belay/engine";
import { INJECTED_FAILURE, loadPlan } from "@belay/failover-plans";
import { dropNote } from "../database/noted-start.ts";
import type { DemoNote } from "../database/run-note.ts";
import type { Search, SurroundedRun, Surroundings } from "../database/surrounded-run.ts";
import { exitCodeOf } from "../exit-code.ts";
import { storedOutcomeLines } from "../render/outcome.ts";
import type { OceanBaseDemoName } from "./demo-options.ts";
import { OceanBaseWorld, tellStatements } from "./oceanbase-world.ts";
import { withFailure } from "./run-plan.ts";

/** Reads the clusters back. ENVIRONMENT when they are gone. */
export async function resumeOceanBase(
  { runId, snapshot: before }: SurroundedRun,
  { name, options }: DemoNote & { readonly name: OceanBaseDemoName },
  { notes, context }: Search,
): Promise<Surroundings> {
  const world = await OceanBaseWorld.restore(name, notes.worldPath(runId)).catch((error: unknown) => {
    throw new BelayError("ENVIRONMENT", `its clusters are gone: ${String(error)}`, {}, error);
  });
  const happened = before.nodes.some(({ id, error }) => id === options.fail && error?.code === INJECTED_FAILURE);
  const actions = world.actions();
  return {
    actions: happened ? actions : withFailure(actions, loadPlan(name), options),
    plans: [],
    pools: {},
    async finish(snapshot, renderer) {
      await dropNote(notes, snapshot);
      const stored = { run: runId.slice(0, 8), db: notes.file, executedBy: null };
      const outcome = storedOutcomeLines(snapshot, stored, context.terminal.out.colors);
      tellStatements(world.statements, snapshot, renderer, { outcome, context });
      return exitCodeOf(snapshot.status);
    },
    close: () => world.close(),
  };
}
