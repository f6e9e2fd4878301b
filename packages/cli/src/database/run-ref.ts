/**
 * Which run is meant: a whole id, the beginning of one, or `--latest`. Owns: that nothing is guessed, and how ids are
 * shortened where people read them.
 */
import type { RunSummary } from "@belay/engine/journal";
import { didYouMean } from "../suggestion.ts";
import { UsageError } from "../usage-error.ts";

/** Columns of a shortened id, unless more are needed to tell it from others. */
const SHORT = 8;

/** Ids shown when several begin as asked. */
const LISTED = 5;

/** The run that `word` names. Throws UsageError when it names none, or several. */
export function findRun(word: string, runs: readonly RunSummary[]): RunSummary {
  const exact = runs.find(({ runId }) => runId === word);
  if (exact !== undefined) return exact;
  const found = runs.filter(({ runId }) => runId.startsWith(word));
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return only;
  if (only === undefined) {
    const known = runs.map(({ runId }) => runId);
    throw new UsageError(`no run ${JSON.stringify(word)}${didYouMean(word, known)}; "belay runs" lists them`);
  }
  const listed = found.slice(0, LISTED).map(({ runId }) => runId);
  if (found.length > LISTED) listed.push("...");
  throw new UsageError(`${JSON.stringify(word)} is the beginning of ${found.length} runs: ${listed.join(", ")}`);
}

/** How a run is named on a command line. */
export interface RunWords {
  /** Of the command line: the run, then what the command takes beside it; without the run when `latest` is set. */
  readonly words: readonly string[];
  /** The run that was started last. */
  readonly latest?: boolean;
}

/** The run that is meant, and the words after it. Throws UsageError when none is. */
export function whichRun(
  runs: readonly RunSummary[],
  { words, latest = false }: RunWords,
): { readonly run: RunSummary; readonly rest: readonly string[] } {
  if (latest) return { run: latestRun(runs), rest: words };
  const [word, ...rest] = words;
  if (word === undefined) throw new UsageError("which run? give its id, or --latest");
  return { run: findRun(word, runs), rest };
}

/** The run that was started last; runs inside runs aside. Throws UsageError when there is none. */
function latestRun(runs: readonly RunSummary[]): RunSummary {
  const latest = runs.findLast(({ parent }) => parent === null);
  if (latest === undefined) throw new UsageError("--latest: the file holds no run");
  return latest;
}

/** The shortest beginning, of at least 8 characters, that no other of the ids has. */
export function shortId(runId: string, ids: readonly string[]): string {
  for (let length = SHORT; length < runId.length; length++) {
    const beginning = runId.slice(0, length);
    if (ids.every((id) => id === runId || !id.startsWith(beginning))) return beginning;
  }
  return runId;
}

/** The run around this one, or itself: what it needs is noted there. */
export function rootOf(run: RunSummary, runs: readonly RunSummary[]): string {
  let root = run;
  for (let hops = 0; root.parent !== null && hops < runs.length; hops++) {
    const { runId } = root.parent;
    const outer = runs.find((one) => one.runId === runId);
    if (outer === undefined) return runId;
    root = outer;
  }
  return root.runId;
}
