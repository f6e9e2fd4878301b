/**
 * Mutation testing of the core (`npm run mutate`): one small mistake at a time, and whether anything notices.
 *
 *   npm run mutate                         every mutant; ends with 1 when one survives that docs/mutation.md does not explain
 *   npm run mutate -- --file retry.ts      one file
 *   npm run mutate -- --mutant 17          one mutant, and what kills it
 *   npm run mutate -- --list               the mutants, without trying any
 *   npm run mutate -- --json out.json      writes every verdict, too
 *   npm run mutate -- --again out.json     only what survived in that file
 *   npm run mutate -- --workers 1          processes side by side; default 2
 *   npm run mutate -- --suites 2           only the first suites of `suites.ts`: sooner, and more survive
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Explanations, keyOf, readExplanations } from "./explained.ts";
import type { Mutant } from "./instrument.ts";
import { describeMutant, report } from "./report.ts";
import { makeSandbox, ROOT, type Sandbox } from "./sandbox.ts";
import { type Trial, tryMutants, type Verdict } from "./trial.ts";

const { values: options } = parseArgs({
  options: {
    file: { type: "string" },
    mutant: { type: "string" },
    list: { type: "boolean", default: false },
    workers: { type: "string", default: "2" },
    json: { type: "string" },
    again: { type: "string" },
    suites: { type: "string" },
  },
});

/** Survivors of an earlier trial, by what they change: numbers move with the sources. */
const earlier = options.again === undefined ? undefined : survivorsIn(options.again);

function survivorsIn(path: string): Set<string> {
  const verdicts = JSON.parse(readFileSync(path, "utf8")) as Verdict[];
  return new Set(verdicts.filter(({ outcome }) => outcome !== "killed").map(({ mutant }) => keyOf(mutant)));
}

function chosen(mutant: Mutant): boolean {
  const { id, file } = mutant;
  if (earlier !== undefined && !earlier.has(keyOf(mutant))) return false;
  if (options.mutant !== undefined && id !== Number(options.mutant)) return false;
  return options.file === undefined || file === options.file;
}

/** A trial that is cut short leaves what it knows. */
function writeVerdicts(verdicts: readonly Verdict[]): void {
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(verdicts, undefined, 1));
}

async function tryAll(sandbox: Sandbox, { has }: Explanations): Promise<Trial> {
  const progress = (done: readonly Verdict[], total: number): void => {
    const { length } = done;
    if (process.stderr.isTTY || length % 100 === 0) process.stderr.write(`\r${length} of ${total}`);
    if (length % 100 === 0) writeVerdicts(done);
  };
  const trial = await tryMutants(sandbox, {
    workers: Number(options.workers),
    suites: options.suites === undefined ? undefined : Number(options.suites),
    explained: has,
    chosen,
    progress,
  });
  process.stderr.write("\n");
  return trial;
}

const sandbox = makeSandbox();
process.on("exit", () => rmSync(sandbox.folder, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(2));
if (options.list) {
  for (const mutant of sandbox.mutants.filter(chosen)) console.log(describeMutant(mutant));
} else {
  const explanations: Explanations = readExplanations(readFileSync(join(ROOT, "docs/mutation.md"), "utf8"));
  const trial = await tryAll(sandbox, explanations);
  writeVerdicts(trial.verdicts);
  const whole = [options.file, options.mutant, options.again, options.suites].every((one) => one === undefined);
  const { lines, passed } = report(trial, explanations, whole);
  for (const line of lines) console.log(line);
  if (!passed) process.exitCode = 1;
}
