/** `belay prune --older-than 30d`: drops runs that have ended, with their notes. Needs the file for itself. */
import { createEngine } from "@belay/engine";
import type { Context } from "../context.ts";
import { needsFile, ownDatabase, throwInUse } from "../database/database-file.ts";
import { RunNotes } from "../database/run-note.ts";
import { ExitCode } from "../exit-code.ts";

export interface PruneOptions {
  /** File of the journal. */
  readonly db: string;
  /** Milliseconds since their end. */
  readonly olderThan: number;
  readonly json?: boolean;
}

/** Throws UsageError while an engine uses the file. */
export async function pruneCommand(options: PruneOptions, { terminal: { out } }: Context): Promise<ExitCode> {
  needsFile(options.db);
  const journal = await ownDatabase(options.db);
  const engine = await createEngine({ actions: {}, journal, recover: false }).catch((error: unknown) =>
    throwInUse(error, options.db, "end it first, or let it call engine.prune"),
  );
  try {
    const dropped = await engine.prune({ endedBefore: Date.now() - options.olderThan });
    const notes = new RunNotes(options.db);
    const left = new Set((await journal.list()).map(({ runId }) => runId));
    for (const runId of await notes.ids()) if (!left.has(runId)) await notes.remove(runId);
    out.line(options.json ? JSON.stringify({ dropped }) : `${dropped} ${dropped === 1 ? "run" : "runs"} dropped`);
    return ExitCode.OK;
  } finally {
    await engine.close();
  }
}
