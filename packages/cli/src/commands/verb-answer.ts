/** What an operator's verb is asked with, and what is said of its answer. */
import type { Json, RunSnapshot, RunStatus } from "@belay/engine";
import type { RequestAnswer, RunSummary } from "@belay/engine/journal";
import type { Context } from "../context.ts";
import type { AskedFor } from "../database/ask-owner.ts";
import type { DatabaseReader } from "../database/database-file.ts";
import type { GivenSurroundings } from "../database/surroundings.ts";
import { ExitCode } from "../exit-code.ts";
import { oneLine } from "../render/text.ts";
import { UsageError } from "../usage-error.ts";

/** Which run, and what of it, by the words of a command line. */
export interface VerbWords {
  /** File of the journal. */
  readonly db: string;
  /** The run that was started last is meant. */
  readonly latest?: boolean;
  readonly to?: string;
  /** JSON. */
  readonly output?: string;
}

export interface VerbCommandOptions extends GivenSurroundings, VerbWords {
  /** Default: the user's name. */
  readonly who?: string;
  readonly why?: string;
  /** Default: a new one. */
  readonly requestId?: string;
  /** Seconds to wait for the answer of the process that executes the run. */
  readonly wait: number;
  /** Asks, and waits for nobody. */
  readonly askOnly?: boolean;
  readonly json?: boolean;
}

/** What a verb is asked with: the file, the run, the request. */
export interface Asking {
  readonly options: VerbCommandOptions;
  readonly reader: DatabaseReader;
  readonly all: readonly RunSummary[];
  readonly summary: RunSummary;
  /** Its shortened id. */
  readonly short: string;
  readonly asked: AskedFor;
}

/** What `--output` gives. Throws UsageError for what is no JSON. */
export function readOutput(text: string | undefined): Json | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new UsageError(`--output takes JSON, such as '{"by": "hand"}' or '"text"', not ${JSON.stringify(text)}`);
  }
}

/** Says what came of it. */
export function tellAnswer(answer: RequestAnswer, asking: Asking, { terminal }: Context): ExitCode {
  const { options, asked, short } = asking;
  if (options.json) terminal.out.line(JSON.stringify({ type: "answer", requestId: asked.requestId, ...answer }));
  else if (answer.ok) terminal.out.line(`${asked.verb} is done; run ${short} is ${answer.status}`);
  else terminal.err.line(`belay: ${answer.code}: ${oneLine(answer.message)}`);
  return answer.ok ? ExitCode.OK : ExitCode.REFUSED;
}

/** Where a run rests when the verb did what it is for. */
const MEANT: Readonly<Record<string, readonly RunStatus[]>> = {
  pause: ["PAUSED"],
  cancel: ["CANCELED"],
  rollback: ["ROLLED_BACK", "PARTIALLY_ROLLED_BACK"],
  "skip-rollback": ["ROLLED_BACK", "PARTIALLY_ROLLED_BACK"],
  abandon: ["ABANDONED"],
};

/** Whether the run rests where the verb leads. */
export function isMeant({ verb, node }: AskedFor, { status }: RunSnapshot): boolean {
  return node === undefined && (MEANT[verb]?.includes(status) ?? false);
}
