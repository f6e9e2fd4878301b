/** What `npm run mutate` prints. Owns: the words and the sums. */
import type { Explanations } from "./explained.ts";
import type { Mutant } from "./instrument.ts";
import type { Trial, Verdict } from "./trial.ts";

/** Least share of killed mutants, in percent. */
const LEAST_SCORE = 90;

export interface Report {
  readonly lines: readonly string[];
  readonly passed: boolean;
}

/** `whole`: every mutant was tried, so that stale explanations can be told. */
export function report({ verdicts, cases }: Trial, explanations: Explanations, whole: boolean): Report {
  const survivors = verdicts.filter(({ outcome }) => outcome !== "killed");
  const unexplained = survivors.filter(({ mutant }) => !explanations.has(mutant));
  const stale = whole ? explanations.stale(survivors.map(({ mutant }) => mutant)) : [];
  const broken = cases.filter(({ error }) => error !== undefined);
  const lines = [
    ...(verdicts.length === 1 ? verdicts.map(verdictLine) : []),
    ...unexplained.map((verdict) => survivorLine(verdict)),
    ...broken.map(({ name, error }) => `fails without a mutant: ${name}: ${error}`),
    ...stale,
    "",
    ...table(verdicts, explanations),
    "",
    bySuite(verdicts),
  ];
  const enough = !whole || share(verdicts) >= LEAST_SCORE;
  return { lines, passed: unexplained.length + stale.length + broken.length === 0 && enough };
}

export function describeMutant({ id, file, line, scope, original, mutated }: Mutant): string {
  return `#${id} ${file}:${line} ${scope || "top"}: ${original} -> ${mutated}`;
}

function survivorLine({ mutant, outcome, compared, changed }: Verdict): string {
  const seen = outcome === "unreached" ? "never reached" : `reached; changes ${changed} of ${compared} lives`;
  return `SURVIVED ${describeMutant(mutant)}   [${seen}]`;
}

function verdictLine(verdict: Verdict): string {
  if (verdict.outcome !== "killed") return survivorLine(verdict);
  return `killed ${describeMutant(verdict.mutant)}\n  by ${verdict.by}\n  ${verdict.error}`;
}

function table(verdicts: readonly Verdict[], explanations: Explanations): string[] {
  const files = [...new Set(verdicts.map(({ mutant }) => mutant.file))].sort();
  const rows = files.map((file) =>
    row(
      file,
      verdicts.filter(({ mutant }) => mutant.file === file),
      explanations,
    ),
  );
  const head = ["file", "mutants", "killed", "survived", "explained", "unreached", "score"];
  return [head, ...rows, row("all", verdicts, explanations)].map((cells) =>
    cells.map((cell, index) => (index === 0 ? cell.padEnd(18) : cell.padStart(10))).join(""),
  );
}

function row(name: string, verdicts: readonly Verdict[], explanations: Explanations): string[] {
  const of = (outcome: Verdict["outcome"]): number => verdicts.filter((one) => one.outcome === outcome).length;
  const explained = verdicts.filter((one) => one.outcome !== "killed" && explanations.has(one.mutant)).length;
  const counts = [verdicts.length, of("killed"), of("survived"), explained, of("unreached")];
  return [name, ...counts.map(String), `${share(verdicts).toFixed(1)} %`];
}

/** Killed mutants in percent, explained survivors counted as survivors. */
function share(verdicts: readonly Verdict[]): number {
  const killed = verdicts.filter(({ outcome }) => outcome === "killed").length;
  return verdicts.length === 0 ? 100 : (100 * killed) / verdicts.length;
}

function bySuite(verdicts: readonly Verdict[]): string {
  const counts = new Map<string, number>();
  for (const { suite } of verdicts) if (suite !== undefined) counts.set(suite, (counts.get(suite) ?? 0) + 1);
  return `killed by ${[...counts].map(([suite, count]) => `${suite}: ${count}`).join(", ")}`;
}
