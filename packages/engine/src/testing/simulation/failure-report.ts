/**
 * What a person gets when a simulation finds a broken rule: the rule, the seed, the plan as YAML, and the shortest trace
 * that shows it. Owns: the text. Making the failure small is `shrink.ts`'s.
 */
import type { PlanDocument } from "../../plan/document.ts";
import { definePlan } from "../../runtime/define-plan.ts";
import { traceLines } from "../judge/trace.ts";
import { planYaml } from "../scenario/describe.ts";
import { type SimulationOptions, simulate } from "./simulate.ts";

/** A plan, and how it was played. */
export interface PlayedPlan {
  readonly document: PlanDocument;
  readonly options: SimulationOptions;
}

/** Plays it once more and tells what is broken; says so when nothing is. */
export function failureReport({ document, options }: PlayedPlan): string {
  const { violations, trace, steps } = simulate(definePlan(document), options);
  const { seed, params, ...rest } = options;
  const told = traceLines(trace).map((line) => `  ${line}`);
  return [
    ...(violations.length === 0 ? ["nothing is broken"] : violations.map(({ message }) => message)),
    `seed: ${seed}, after ${steps} steps, options: ${JSON.stringify(rest)}`,
    "plan:",
    planYaml(document).trimEnd(),
    ...(params === undefined ? [] : [`params: ${JSON.stringify(params)}`]),
    "trace:",
    ...told,
  ].join("\n");
}
