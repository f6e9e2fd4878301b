/** `belay export RUN`: the run as lines of JSON, sealed, on stdout. Owns nothing of the run. */
import { exportRun } from "@belay/engine/journal";
import type { Context } from "../context.ts";
import { readDatabase } from "../database/database-file.ts";
import { whichRun } from "../database/run-ref.ts";
import { ExitCode } from "../exit-code.ts";
import type { ShowOptions } from "./show.ts";

/** FAILED when it could not be written. */
export async function exportCommand(
  word: string | undefined,
  options: Omit<ShowOptions, "json">,
  { terminal: { out } }: Context,
): Promise<ExitCode> {
  const reader = await readDatabase(options.db);
  try {
    const { run } = whichRun(await reader.list(), { ...options, words: word === undefined ? [] : [word] });
    for await (const line of exportRun(reader, run.runId)) out.line(line);
    await out.flush();
    return out.fault === undefined ? ExitCode.OK : ExitCode.FAILED;
  } finally {
    reader.close();
  }
}
