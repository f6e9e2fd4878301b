/** `belay preview VERB RUN [NODE]`: what a verb would do, without asking for it and without owning the run (R38). */
import { BelayError, type Preview, readStoredRun, type VerbRequest } from "@belay/engine";
import type { Context } from "../context.ts";
import { type AskedFor, VERBS, verbOptions } from "../database/ask-owner.ts";
import { type DatabaseReader, readDatabase } from "../database/database-file.ts";
import { cutOffRemedy, isCutOff } from "../database/remedy.ts";
import { shortId, whichRun } from "../database/run-ref.ts";
import { ExitCode } from "../exit-code.ts";
import { previewLines } from "../render/preview-lines.ts";
import { oneLine } from "../render/text.ts";
import { didYouMean } from "../suggestion.ts";
import { UsageError } from "../usage-error.ts";
import { readOutput, type VerbWords } from "./verb-answer.ts";
import { nodeOf } from "./verb-words.ts";

export interface PreviewOptions extends Pick<VerbWords, "db" | "latest" | "to" | "output"> {
  readonly json?: boolean;
}

/** `words` are the run and its node. REFUSED when the verb would be. */
export async function previewCommand(
  verb: string,
  words: readonly string[],
  options: PreviewOptions,
  { terminal }: Context,
): Promise<ExitCode> {
  if (VERBS[verb] === undefined) {
    const known = Object.keys(VERBS);
    throw new UsageError(`there is no verb "${verb}"${didYouMean(verb, known)}; there are ${known.join(", ")}`);
  }
  const reader = await readDatabase(options.db);
  try {
    const all = await reader.list();
    const { run, rest } = whichRun(all, { ...options, words });
    const { to, output } = options;
    const asked = { runId: run.runId, verb, node: nodeOf(verb, rest), to, output: readOutput(output) };
    const preview = await previewOf(reader, { ...asked, who: "preview", why: undefined, requestId: "preview" });
    if (options.json) terminal.out.line(JSON.stringify(preview));
    else if (preview.refused === null)
      for (const line of previewLines(preview, terminal.out.colors)) terminal.out.line(line);
    else {
      const { code, message } = preview.refused;
      terminal.err.line(`belay: ${code}: ${oneLine(message)}`);
      const ids = all.map(({ runId }) => runId);
      const ref = { run: shortId(run.runId, ids), db: options.db };
      if (code === "STATE_INVALID" && isCutOff(run)) terminal.err.line(`belay:   ${cutOffRemedy(verb, run, ref)}`);
    }
    return preview.refused === null ? ExitCode.OK : ExitCode.REFUSED;
  } finally {
    reader.close();
  }
}

/** What the verb would do to the run as its journal has it now. */
export async function previewOf(reader: DatabaseReader, asked: AskedFor): Promise<Preview> {
  const stored = await readStoredRun(reader, asked.runId);
  if (stored === undefined) throw new BelayError("NOT_FOUND", `run ${asked.runId} is not there any more`);
  const spec = VERBS[asked.verb];
  const node = spec?.node === "first" ? { node: asked.node ?? "" } : {};
  // The words are checked by the run, as those of a verb are.
  return stored.preview({ verb: spec?.method, ...verbOptions(asked), ...node } as VerbRequest);
}
