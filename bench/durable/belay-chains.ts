/**
 * Belay as a contender: a chain is a run of one plan whose nodes call one action. Owns: the plan, the engine, and how a run's
 * records are read as a chain. Does not own: the journal, which `belay-sqlite.ts` and `belay-postgres.ts` give.
 */
import { createEngine, definePlan, type Engine, type Plan, type RunSnapshot } from "@belay/engine";
import type { Journal } from "@belay/engine/journal";
import type { Step } from "./contender.ts";
import { chainName, type StoredChain, type Work } from "./workload.ts";

/** An engine that runs chains. */
export interface BelayChains {
  play(chain: string, steps: number, step: Step): Promise<void>;
  close(): Promise<void>;
}

export async function openBelayChains(journal: Journal): Promise<BelayChains> {
  const plans = new Map<number, Plan>();
  const steps = new Map<string, Step>();
  const engine: Engine = await createEngine({
    journal,
    actions: {
      noop: async ({ runId, nodeId }) => steps.get(runId)?.(runId, Number(nodeId.slice(1))),
    },
  });
  return {
    async play(chain, length, step) {
      const plan = plans.get(length) ?? chainPlan(length);
      plans.set(length, plan);
      steps.set(chain, step);
      const end: RunSnapshot = await (await engine.start(plan, { runId: chain })).settled();
      steps.delete(chain);
      if (end.status !== "SUCCESSFUL") throw new Error(`${chain} ended ${end.status}`);
    },
    async close() {
      await engine.close();
    },
  };
}

function chainPlan(length: number): Plan {
  const nodes = Array.from({ length }, (_, v) => ({
    id: `n${v}`,
    action: "noop",
    upstreams: v === 0 ? [] : [`n${v - 1}`],
  }));
  return definePlan({ belay: 1, name: `chain-of-${length}`, nodes });
}

/** What a journal has of the chains, seen by a reader of its own. */
export async function storedChains(
  work: Work,
  reader: Pick<Journal, "read" | "list">,
): Promise<ReadonlyMap<string, StoredChain>> {
  const ended = new Set<string>();
  for (const { runId, status } of await reader.list()) if (status === "SUCCESSFUL") ended.add(runId);
  const stored = new Map<string, StoredChain>();
  for (let index = 0; index < work.chains; index++) {
    const name = chainName(work, index);
    const steps: number[] = [];
    for (const { input } of (await reader.read(name))?.records ?? []) {
      if (input.kind === "succeeded") steps.push(input.node);
    }
    stored.set(name, { ended: ended.has(name), steps });
  }
  return stored;
}
