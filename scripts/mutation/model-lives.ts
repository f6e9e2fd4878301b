/**
 * Kill suite: drawn plans under drawn commands, the core beside the reference model. Owns: which lives. Same seeds, same
 * lives. Does not own: the comparison, which is the model tests' own (`test/model/`). Sharper than the judge of simulated
 * lives: whatever can be seen must agree, always.
 */
import { EVERY_FEATURE, type Scenario, scenario } from "@belay/engine/testing";
import fc from "fast-check";
import type { KillCase, KillSuite } from "./kill-suite.ts";

const MODEL_TESTS = new URL("../../test/model/", import.meta.url);
const MAX_NODES = 8;
const MAX_COMMANDS = 80;

type Commands = Iterable<fc.Command<object, object>>;

/** What the model tests offer. */
interface ModelTests {
  /** A run that has begun, on both sides. */
  readonly begin: (scenario: Scenario) => { model: object; real: object };
  readonly coreCommands: (maxCommands: number) => fc.Arbitrary<Commands>;
}

async function loadModelTests(): Promise<ModelTests> {
  return (await import(new URL("core-commands.ts", MODEL_TESTS).href)) as ModelTests;
}

/** `lives` of them from `seed` on, each a case. */
export async function modelLives(name: string, seed: number, lives: number): Promise<KillSuite> {
  const { begin, coreCommands } = await loadModelTests();
  const plans = scenario(fc, { ...EVERY_FEATURE, jitter: false, minNodes: 2, maxNodes: MAX_NODES });
  const drawn = fc.sample(fc.tuple(plans, coreCommands(MAX_COMMANDS)), { numRuns: lives, seed });
  const cases = drawn.map(([given, commands], index): KillCase => {
    return {
      name: `model life ${seed}.${index}`,
      run() {
        fc.modelRun(() => begin(given), commands);
      },
    };
  });
  return { name, cases };
}
