/** What follows from a run's snapshot for whoever decides about it: what stands for good, what could be undone. Pure. */
import type { NodeSnapshot, RunSnapshot } from "@belay/engine";

/** Names listed one by one; the rest is counted. */
export const LISTED = 20;

/** Their names, the first of many. */
export function idsOf(nodes: readonly NodeSnapshot[]): string {
  const names = nodes.slice(0, LISTED).map(({ id }) => id);
  if (nodes.length > LISTED) names.push(`… and ${nodes.length - LISTED} more`);
  return names.join(", ");
}

/** Points of no return that have started (R33). */
export function startedBarriers(snapshot: RunSnapshot): NodeSnapshot[] {
  return snapshot.nodes.filter((node) => node.prohibitRollback && node.started);
}

/** What no rollback undoes: started points of no return and all nodes above them. */
export function keptIds(snapshot: RunSnapshot): ReadonlySet<string> {
  const byId = new Map(snapshot.nodes.map((node) => [node.id, node]));
  const kept = new Set<string>();
  const open = startedBarriers(snapshot).map((node) => node.id);
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (kept.has(id)) continue;
    kept.add(id);
    open.push(...(byId.get(id)?.upstreams ?? []));
  }
  return kept;
}

/** Code of a failure that a demo was told to make: its text says whether the effect came. */
export const INJECTED = "INJECTED_FAILURE";

/** Of what started and did not end well, that of which nobody can tell whether it took effect. */
export function unknownEffects(nodes: readonly NodeSnapshot[]): NodeSnapshot[] {
  return nodes.filter(({ error }) => error?.code !== INJECTED);
}

/** What `rollback({to: "barrier"})` would undo: started, with a compensation, and neither a started barrier nor above one. */
export function undoable(snapshot: RunSnapshot): NodeSnapshot[] {
  const kept = keptIds(snapshot);
  const done = new Set(["COMPENSATED", "SKIPPED"]);
  return snapshot.nodes.filter(
    (node) => node.started && node.compensation !== null && !done.has(node.status) && !kept.has(node.id),
  );
}
