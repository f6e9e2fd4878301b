/**
 * Which suites kill, in the order in which they are tried. Owns: the list. Loaded after the board is installed, because
 * loading a suite loads the instrumented engine.
 */
import type { KillSuite } from "./kill-suite.ts";
import { modelLives } from "./model-lives.ts";
import { ruleTests } from "./rule-tests.ts";
import { simulatedLives } from "./simulated-lives.ts";

const SUITES: readonly (() => KillSuite | Promise<KillSuite>)[] = [
  () => ruleTests("core", ["core"]),
  () => modelLives("model", 1, 60),
  () => simulatedLives("lives", 1, 80),
  () => ruleTests("engine", ["engine", "model"]),
  () => ruleTests("copies", ["core"], /^copy\.test\.ts$/),
];

/** The first `count` suites; all by default. */
export async function loadSuites(count: number = SUITES.length): Promise<KillSuite[]> {
  const suites: KillSuite[] = [];
  for (const load of SUITES.slice(0, count)) suites.push(await load());
  return suites;
}
