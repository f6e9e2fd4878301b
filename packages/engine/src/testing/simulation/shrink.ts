/**
 * Makes a failing simulation small: fewer nodes, fewer options of the nodes, fewer kinds of faults, fewer steps, as long
 * as the same rule breaks. Owns: what is tried, in which order. A smaller plan draws another story from the same seed, so
 * each candidate is played with many seeds; the shortest story wins. Bounded: so many runs, no clock.
 */
import { BelayError } from "../../errors.ts";
import type { NodeDocument, Plan, PlanDocument } from "../../plan/document.ts";
import { definePlan } from "../../runtime/define-plan.ts";
import type { Rule } from "../judge/plan-model.ts";
import type { PlayedPlan } from "./failure-report.ts";
import { FAULTS, type FaultShares } from "./faults.ts";
import { type SimulationOptions, simulate } from "./simulate.ts";
import type { SimulationResult } from "./simulated-life.ts";

export interface ShrinkOptions {
  /** Runs in all. Default 30,000: some ten seconds for a plan of twenty nodes. */
  readonly runs?: number;
  /** Seeds that each smaller candidate is played with. Default 25. */
  readonly seeds?: number;
}

/**
 * The smallest failure found that breaks the rule that `failing` breaks; `failing` itself when nothing smaller does. Of I12, what
 * an embedder's own world says, the plan stays as it is.
 */
export function shrinkFailure(failing: PlayedPlan, { runs = 30_000, seeds = 25 }: ShrinkOptions = {}): PlayedPlan {
  const rule = simulate(definePlan(failing.document), failing.options).violations[0]?.rule;
  return rule === undefined ? failing : new Shrinker(rule, runs, seeds).shrink(failing);
}

class Shrinker {
  readonly #rule: Rule;
  readonly #seeds: number;
  #runs: number;

  constructor(rule: Rule, runs: number, seeds: number) {
    this.#rule = rule;
    this.#runs = runs;
    this.#seeds = seeds;
  }

  shrink(failing: PlayedPlan): PlayedPlan {
    let best = failing;
    for (let changed = true; changed && this.#runs > 0; ) {
      changed = false;
      for (const candidate of this.#rule === "I12" ? lessPlayed(best) : smaller(best)) {
        const found = this.#failure(candidate);
        if (found === undefined) continue;
        best = found;
        changed = true;
        break;
      }
    }
    return this.#shortest(best);
  }

  /** The candidate with the seed that breaks the rule after the fewest steps; undefined when none does. */
  #failure({ document, options }: PlayedPlan): PlayedPlan | undefined {
    let best: SimulationResult | undefined;
    const plan = planOf(document);
    if (plan === undefined) return undefined;
    for (let place = 0; place < this.#seeds && this.#runs > 0; place++) {
      this.#runs--;
      const result = simulate(plan, { ...options, seed: options.seed + place });
      if (result.violations[0]?.rule === this.#rule && (best === undefined || result.steps < best.steps)) best = result;
    }
    return best && { document, options: { ...options, seed: best.seed, steps: best.steps + 1 } };
  }

  /** The same plan, with whichever seed breaks the rule soonest. */
  #shortest(failing: PlayedPlan): PlayedPlan {
    return this.#failure(failing) ?? failing;
  }
}

/** undefined: what is left is no plan, such as a trigger without upstreams. */
function planOf(document: PlanDocument): Plan | undefined {
  try {
    return definePlan(document);
  } catch (error) {
    if (error instanceof BelayError && error.code === "PLAN_INVALID") return undefined;
    throw error;
  }
}

/** What must hold of a world was said of this very plan: only how it is played is made less. */
function* lessPlayed({ document, options }: PlayedPlan): Generator<PlayedPlan> {
  for (const fewer of fewerFaults(options)) yield { document, options: fewer };
}

/** Candidates, those that leave out most first. */
function* smaller({ document, options }: PlayedPlan): Generator<PlayedPlan> {
  const steps = { ...options, steps: options.steps ?? 400 };
  for (const nodes of withoutNodes(document.nodes)) yield { document: { ...document, nodes }, options: steps };
  for (const fewer of fewerFaults(options)) yield { document, options: fewer };
  for (const nodes of simplerNodes(document.nodes)) yield { document: { ...document, nodes }, options: steps };
  for (const field of ["failureMode", "onFailure", "timeout", "defaults"] as const) {
    const { [field]: gone, ...rest } = document;
    if (gone !== undefined) yield { document: rest, options: steps };
  }
}

/** Half of the nodes, then one after the other, with every edge to what is gone. */
function* withoutNodes(nodes: readonly NodeDocument[]): Generator<readonly NodeDocument[]> {
  for (let span = nodes.length >> 1; span >= 1; span >>= 1) {
    for (let from = 0; from < nodes.length; from += span) {
      const gone = new Set(nodes.slice(from, from + span).map(({ id }) => id));
      const kept = nodes.filter(({ id }) => !gone.has(id));
      const reads = kept.some(({ split, when }) =>
        [...gone].some((id) => `${split?.over} ${when}`.includes(`nodes.${id}.`)),
      );
      if (kept.length > 0 && !reads) yield kept.map((node) => withoutUpstreams(node, gone));
    }
  }
}

function withoutUpstreams(node: NodeDocument, gone: ReadonlySet<string>): NodeDocument {
  const kept = (ids: readonly string[] = []): readonly string[] => ids.filter((id) => !gone.has(id));
  if (node.always !== undefined) return { ...node, always: { for: kept(node.always.for) } };
  return { ...node, upstreams: kept(node.upstreams) };
}

const OPTIONS = [
  "when",
  "priority",
  "prohibitRollback",
  "onFailure",
  "effect",
  "timeout",
  "totalTimeout",
  "heartbeatTimeout",
  "pool",
  "seriesId",
  "trigger",
] as const;

/** One option of one node less; what depends on another option goes with it. */
function* simplerNodes(nodes: readonly NodeDocument[]): Generator<readonly NodeDocument[]> {
  for (const [place, node] of nodes.entries()) {
    for (const field of OPTIONS) {
      const { [field]: gone, ...rest } = node;
      if (gone !== undefined) yield nodes.with(place, rest);
    }
    const { split, ...unsplit } = node;
    if (split !== undefined) yield nodes.with(place, unsplit);
    const { retry, ...once } = node;
    if (retry !== undefined) yield nodes.with(place, once);
    const { compensation, ...lasting } = node;
    if (compensation !== undefined && retry?.mode === undefined) yield nodes.with(place, lasting);
  }
}

/** Without operators, without crashes, without one kind of fault. */
function* fewerFaults(options: SimulationOptions): Generator<SimulationOptions> {
  const steps = options.steps ?? 400;
  if (options.operators !== 0) yield { ...options, steps, operators: 0 };
  if (options.crashes !== 0) yield { ...options, steps, crashes: 0 };
  for (const fault of FAULTS) {
    const faults: FaultShares = options.faults ?? {};
    if (faults[fault] !== 0) yield { ...options, steps, faults: { ...faults, [fault]: 0 } };
  }
}
