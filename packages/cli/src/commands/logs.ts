/** `belay logs RUN`: what its actions logged and what operators asked of it, in the order of time. Owns nothing of the run. */
import { type AskedVerb, BelayError, readStoredRun } from "@belay/engine";
import type { LogLine } from "@belay/engine/journal";
import type { Context } from "../context.ts";
import { readDatabase } from "../database/database-file.ts";
import { whichRun } from "../database/run-ref.ts";
import { ExitCode } from "../exit-code.ts";
import type { Colors } from "../output.ts";
import { askedText } from "../render/asked-text.ts";
import { oneLine } from "../render/text.ts";
import type { ShowOptions } from "./show.ts";

/** FAILED when they could not be written. */
export async function logsCommand(
  word: string | undefined,
  options: ShowOptions,
  { terminal: { out } }: Context,
): Promise<ExitCode> {
  const reader = await readDatabase(options.db);
  try {
    const all = await reader.list();
    const { run } = whichRun(all, { ...options, words: word === undefined ? [] : [word] });
    const stored = await readStoredRun(reader, run.runId);
    if (stored === undefined) throw new BelayError("NOT_FOUND", `run ${run.runId} is not there any more`);
    const lines: readonly Entry[] = [
      ...(await reader.logs(run.runId)).map((line): Entry => ({ type: "log", ...line })),
      ...stored.asked.map((one): Entry => ({ type: "asked", runId: run.runId, ...one })),
    ];
    for (const entry of lines.toSorted((a, b) => a.at - b.at)) {
      out.line(options.json ? asJson(entry) : asText(entry, out.colors));
    }
    await out.flush();
    return out.fault === undefined ? ExitCode.OK : ExitCode.FAILED;
  } finally {
    reader.close();
  }
}

type Entry = ({ readonly type: "log" } & LogLine) | ({ readonly type: "asked"; readonly runId: string } & AskedVerb);

function asJson({ at, ...entry }: Entry): string {
  return JSON.stringify({ at: new Date(at).toISOString(), ...entry });
}

function asText(entry: Entry, colors: Colors): string {
  const at = colors.dim(new Date(entry.at).toISOString());
  if (entry.type === "asked") return `${at} ${colors.yellow(`> ${askedText(entry)}`)}`;
  const attempt = entry.attempt > 1 ? ` (attempt ${entry.attempt})` : "";
  const details = entry.details === undefined ? "" : ` ${JSON.stringify(entry.details)}`;
  return `${at} ${entry.nodeId}${attempt} | ${oneLine(`${entry.message}${details}`)}`;
}
