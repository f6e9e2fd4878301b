/** Ids of nodes as people see them: the plan's id, or `group[parallelIdx]` for a member (R24). Both directions. */
import { parallelIdxOf } from "../core/index.ts";
import type { Executor } from "./executor.ts";

/** The id of a node number. */
export function nodeId(executor: Executor, node: number): string {
  const group = executor.state.groupOf[node] as number;
  if (group < 0) return executor.program.ids[node] as string;
  return `${executor.program.ids[group]}[${parallelIdxOf(executor.state, node)}]`;
}

/** The node number of an id; -1 when the run has no such node (yet). */
export function nodeNumber(executor: Executor, id: string): number {
  const declared = executor.program.indexOf(id);
  if (declared >= 0) return declared;
  const match = /^(.+)\[(\d+)\]$/.exec(id);
  if (match === null) return -1;
  const home = executor.program.indexOf(match[1] as string);
  const group = home < 0 ? undefined : executor.state.groups[executor.state.plan.split[home] as number];
  const idx = Number(match[2]);
  return group !== undefined && idx < group.count ? group.base + idx : -1;
}
