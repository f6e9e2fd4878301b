/**
 * Numbers for OCP's views, whose ids are long integers. Owns: the rule by which a node or a run gets one.
 *
 * A node's number is, in this order: the one given; its id, when that is a number (a plan imported from OCP); else
 * `base + seriesId`, with `base` above every number that is given or stands in an id. The first member of a group takes
 * its group's number. A seriesId is unique in a run and never changes, so neither does the number, whenever groups
 * expand.
 */
import type { NodeSnapshot, RunSnapshot } from "../runtime/api.ts";

/** The number of every node, in the order of `run.nodes`. `given` is by node id, a member's being `group[0]`. */
export function subtaskIds(run: RunSnapshot, given: Readonly<Record<string, number>> = {}): number[] {
  const known = (id: string): number | undefined => (Object.hasOwn(given, id) ? given[id] : decimal(id));
  let highest = 0;
  for (const number of Object.values(given)) highest = Math.max(highest, number);
  for (const node of run.nodes) highest = Math.max(highest, known(node.group ?? node.id) ?? 0);
  const own = ({ id, group, parallelIdx }: NodeSnapshot): number | undefined =>
    known(id) ?? (group !== null && parallelIdx === 0 ? known(group) : undefined);
  return run.nodes.map((node) => own(node) ?? highest + 1 + node.seriesId);
}

/** The run's id when it is a number; else a number below 2^45 that depends on the id alone. */
export function taskId(runId: string): number {
  const number = decimal(runId);
  if (number !== undefined) return number;
  let hash = 0;
  // 131 * 2^45 stays below 2^53: every step is exact.
  for (let place = 0; place < runId.length; place++) hash = (hash * 131 + runId.charCodeAt(place)) % 2 ** 45;
  return hash;
}

/** The value of an id that is a whole number as OCP writes it: no sign, no leading zero, below 2^53. */
function decimal(id: string): number | undefined {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(id)) return undefined;
  const value = Number(id);
  return Number.isSafeInteger(value) ? value : undefined;
}
