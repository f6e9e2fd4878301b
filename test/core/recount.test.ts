/** R37: a recount derives from the nodes' states what the news of their ends have counted: after any step it changes nothing. */
import { Commands, NodeState, type RunState } from "@belay/engine/core";
import { type Scenario, scenario } from "@belay/engine/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { recount } from "../../packages/engine/src/core/recount.ts";
import { anyStep } from "./any-step.ts";
import { CoreRun } from "./core-run.ts";

const LIVES = Number(process.env["RECOUNT_LIVES"] ?? 4);
const STEPS = 40;

/** What a recount derives anew. Upstream counters are only compared with 0, but for those that are waited for. */
function counted(state: RunState): object {
  const { succeeded, failed, spared, blocking, waiting, finished, failures } = state;
  const told = [succeeded, failed, spared, blocking].map((counts) => Array.from(counts, (count) => count > 0));
  const groups = state.groups.filter((group) => group && state.node[group.node] === NodeState.RUNNING);
  const under = groups.map((group) => ({ ...group, next: undefined, undoLeft: undefined, split: undefined }));
  const nodes = state.node.slice(0, state.size);
  return { told, waiting: [...waiting], finished, failures, under, nodes };
}

function live({ document, params }: Scenario, draw: () => number): void {
  const run = new CoreRun(document, params as Readonly<Record<string, string[]>>);
  run.start();
  const story: string[] = [];
  for (let step = 0; step < STEPS; step++) {
    story.push(anyStep(run, (count) => draw() % count));
    if (run.run !== "RUNNING" && run.run !== "PAUSED") continue;
    const before = counted(run.state);
    const commands = new Commands();
    recount(run.state, commands);
    expect(counted(run.state), story.join("; ")).toEqual(before);
    expect(commands.length, story.join("; ")).toBe(0);
  }
}

test.each(Array.from({ length: 25 }, (_, seed) => seed + 1))("R37: lives from seed %i: nothing to recount", (seed) => {
  const draws = fc.infiniteStream(fc.nat());
  const property = fc.property(scenario(fc, { maxNodes: 7 }), draws, (given, stream) =>
    live(given, () => stream.next().value as number),
  );
  fc.assert(property, { numRuns: LIVES, seed });
});
