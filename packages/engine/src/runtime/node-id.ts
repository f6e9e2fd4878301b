/** Ids of nodes as people see them: the plan's id, or `group[parallelIdx]` for a member (R24). Both directions. */
import { expandedGroup, groupOf, parallelIdxOf } from "../core/index.ts";
import type { RunFacts } from "./facts.ts";

/** The id of a node number. */
export function nodeId(facts: Pick<RunFacts, "program" | "state">, node: number): string {
  const group = groupOf(facts.state, node);
  if (group < 0) return facts.program.ids[node] as string;
  return memberId(facts.program.ids[group] as string, parallelIdxOf(facts.state, node));
}

/** The id of a member of the group with that id. */
export function memberId(group: string, parallelIdx: number): string {
  return `${group}[${parallelIdx}]`;
}

/** The node number of an id; -1 when the run has no such node (yet). */
export function nodeNumber(facts: RunFacts, id: string): number {
  const declared = facts.program.indexOf(id);
  if (declared >= 0) return declared;
  const match = /^(.+)\[(\d+)\]$/.exec(id);
  if (match === null) return -1;
  const home = facts.program.indexOf(match[1] as string);
  const group = home < 0 ? undefined : expandedGroup(facts.state, home);
  const idx = Number(match[2]);
  return group !== undefined && idx < group.count ? group.base + idx : -1;
}
