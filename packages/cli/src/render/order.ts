/**
 * The order of a table's rows: along the edges, so that what runs moves down the table, whatever order the plan lists its
 * nodes in. Ties are broken by the snapshot's order; the members of a group stay together.
 * Cost: O(nodes + listed upstreams); no recursion.
 */
import type { NodeSnapshot } from "@belay/engine";

/** Indexes into `nodes`, in the order of rows. A permutation, even for edges that go in a ring or to nobody. */
export function rowOrder(nodes: readonly NodeSnapshot[]): readonly number[] {
  const families = new Map<string, number[]>();
  const familyOf = new Map<string, string>();
  for (const [index, node] of nodes.entries()) {
    const family = node.group ?? node.id;
    familyOf.set(node.id, family);
    const members = families.get(family);
    if (members) members.push(index);
    else families.set(family, [index]);
  }
  const { waiting, followers } = familyGraph(nodes, families, familyOf);
  const queue = [...families.keys()].filter((family) => (waiting.get(family) ?? 0) === 0);
  const order: number[] = [];
  for (let next = 0; next < queue.length; next++) {
    const family = queue[next] ?? "";
    order.push(...(families.get(family) ?? []));
    families.delete(family);
    for (const follower of followers.get(family) ?? []) {
      const left = (waiting.get(follower) ?? 0) - 1;
      waiting.set(follower, left);
      if (left === 0) queue.push(follower);
    }
  }
  for (const members of families.values()) order.push(...members);
  return order;
}

/** Edges between families, each once: members of one group name the same upstreams. */
function familyGraph(
  nodes: readonly NodeSnapshot[],
  families: ReadonlyMap<string, readonly number[]>,
  familyOf: ReadonlyMap<string, string>,
): { readonly waiting: Map<string, number>; readonly followers: Map<string, string[]> } {
  const waiting = new Map<string, number>();
  const followers = new Map<string, string[]>();
  for (const [family, members] of families) {
    const upstreams = new Set<string>();
    for (const index of members) {
      for (const id of nodes[index]?.upstreams ?? []) {
        // An upstream is named by its member or by its group, as the snapshot likes.
        const upstream = familyOf.get(id) ?? id;
        if (upstream !== family && families.has(upstream)) upstreams.add(upstream);
      }
    }
    waiting.set(family, upstreams.size);
    for (const upstream of upstreams) {
      const list = followers.get(upstream);
      if (list) list.push(family);
      else followers.set(upstream, [family]);
    }
  }
  return { waiting, followers };
}
