/** `belay show RUN`: one run as its journal has it, without owning it: where it stands, and what an operator can do. */
import { auditTrail, BelayError, readStoredRun } from "@belay/engine";
import type { Context } from "../context.ts";
import { readDatabase } from "../database/database-file.ts";
import { type RunWords, shortId, whichRun } from "../database/run-ref.ts";
import { ExitCode } from "../exit-code.ts";
import { runPage } from "../render/run-page.ts";

export interface ShowOptions extends Omit<RunWords, "words"> {
  /** File of the journal. */
  readonly db: string;
  readonly json?: boolean;
}

/** Nodes shown at most. */
const ROWS = 1000;

/** FAILED when it could not be written. */
export async function showCommand(
  word: string | undefined,
  options: ShowOptions,
  { terminal: { out } }: Context,
): Promise<ExitCode> {
  const reader = await readDatabase(options.db);
  try {
    const all = await reader.list();
    const { run: summary } = whichRun(all, { ...options, words: word === undefined ? [] : [word] });
    const stored = await readStoredRun(reader, summary.runId);
    if (stored === undefined) throw new BelayError("NOT_FOUND", `run ${summary.runId} is not there any more`);
    const snapshot = stored.snapshot();
    const audit = await auditTrail(reader, summary.runId);
    if (options.json) {
      out.line(JSON.stringify({ ...snapshot, owner: summary.owner, locks: summary.locks, audit }));
    } else {
      const run = shortId(
        summary.runId,
        all.map(({ runId }) => runId),
      );
      const place = { run, db: options.db, executedBy: summary.owner };
      // Cut only where a longer line would break the picture.
      const columns = out.stream.isTTY === true ? out.size.columns : Number.MAX_SAFE_INTEGER;
      const size = { columns, rows: ROWS };
      const view = { summary, snapshot, audit, stored: place, nowMs: Date.now(), ...size, colors: out.colors };
      for (const line of runPage(view)) out.line(line);
    }
    await out.flush();
    return out.fault === undefined ? ExitCode.OK : ExitCode.FAILED;
  } finally {
    reader.close();
  }
}
