/** `belay runs`: the runs of a file, the newest last, without owning it. */
import type { RunSummary } from "@belay/engine/journal";
import type { Context } from "../context.ts";
import { readDatabase } from "../database/database-file.ts";
import { ExitCode } from "../exit-code.ts";
import { runRows } from "../render/run-rows.ts";

export interface RunsOptions {
  /** File of the journal. */
  readonly db: string;
  /** Only runs of these statuses. */
  readonly status?: readonly string[];
  readonly json?: boolean;
}

/** FAILED when the list could not be written. */
export async function runsCommand(options: RunsOptions, { terminal: { out } }: Context): Promise<ExitCode> {
  const reader = await readDatabase(options.db);
  try {
    const all = await reader.list();
    const shown = all.filter(({ status }) => options.status?.includes(status) ?? true);
    const lines = options.json
      ? shown.map((run) => JSON.stringify(asJson(run)))
      : runRows(shown, { all, nowMs: Date.now(), columns: out.size.columns, colors: out.colors });
    for (const line of lines) out.line(line);
    await out.flush();
    return out.fault === undefined ? ExitCode.OK : ExitCode.FAILED;
  } finally {
    reader.close();
  }
}

/** Times as in snapshots. */
function asJson({ startedAt, at, ...run }: RunSummary): object {
  return { ...run, startTime: new Date(startedAt).toISOString(), lastTime: new Date(at).toISOString() };
}
