/**
 * Which suites kill, in the order in which they are tried. Owns: the list. Loaded after the board is installed, because
 * loading a suite loads the instrumented engine.
 */
import type { KillSuite } from "./kill-suite.ts";
import { ruleTests } from "./rule-tests.ts";
import { simulatedLives } from "./simulated-lives.ts";

export async function loadSuites(): Promise<KillSuite[]> {
  return [
    await ruleTests("core", ["core"]),
    simulatedLives("lives", 1, 100),
    await ruleTests("engine", ["engine", "model"]),
    simulatedLives("more lives", 2, 300),
  ];
}
