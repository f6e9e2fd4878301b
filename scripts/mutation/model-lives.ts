/**
 * Kill suite: drawn plans under drawn commands, the core beside the reference model. Owns: which lives, and how many make
 * one case. Same seeds, same lives. Sharper than the judge of simulated lives: whatever can be seen must agree, always.
 */
import { EVERY_FEATURE, scenario } from "@belay/engine/testing";
import fc from "fast-check";
import { begin, coreCommands } from "../../test/model/core-commands.ts";
import { MetKnownDefect } from "../../test/model/known.ts";
import type { KillCase, KillSuite } from "./kill-suite.ts";

const MAX_NODES = 8;
const MAX_COMMANDS = 80;

/** `lives` of them from `seed` on, each a case. */
export function modelLives(name: string, seed: number, lives: number): KillSuite {
  const plans = scenario(fc, { ...EVERY_FEATURE, jitter: false, minNodes: 2, maxNodes: MAX_NODES });
  const drawn = fc.tuple(plans, coreCommands(MAX_COMMANDS));
  const cases = fc.sample(drawn, { numRuns: lives, seed }).map(([given, commands], index): KillCase => {
    return {
      name: `model life ${seed}.${index}`,
      run() {
        try {
          fc.modelRun(() => begin(given), commands);
        } catch (error) {
          // The life ends where model and core are known to part.
          if (!(error instanceof MetKnownDefect)) throw error;
        }
      },
    };
  });
  return { name, cases };
}
