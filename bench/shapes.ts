/**
 * Graph shapes of the benchmarks, as lists of upstreams and as plan documents. Owns: the shapes, by name and size; they follow
 * from the size alone, so that every contender gets the same graph in whatever process it runs.
 */
import type { NodeDocument, PlanDocument } from "@belay/engine";

/** Upstream numbers of every node, by node number. */
export type Upstreams = readonly (readonly number[])[];

/** Each node after the one before it. */
export function chain(size: number): Upstreams {
  return Array.from({ length: size }, (_, v) => (v === 0 ? [] : [v - 1]));
}

/** One root, all others after it, one join. */
export function wide(size: number): Upstreams {
  const inner = Array.from({ length: size - 2 }, (_, i) => i + 1);
  return [[], ...inner.map(() => [0]), inner];
}

/** Layers of width 2 * sqrt(size); a node has 2 to 6 upstreams, 4 on average, in the two layers before it. */
export function layered(size: number): Upstreams {
  const width = Math.max(1, Math.round(2 * Math.sqrt(size)));
  let drawn = 1;
  const below = (count: number): number => {
    drawn = (Math.imul(drawn, 1664525) + 1013904223) >>> 0;
    return Math.floor((drawn / 2 ** 32) * count);
  };
  return Array.from({ length: size }, (_, v) => {
    const end = Math.floor(v / width) * width;
    if (end === 0) return [];
    const begin = Math.max(0, end - 2 * width);
    const upstreams: number[] = [];
    for (let wanted = Math.min(2 + below(5), end - begin); upstreams.length < wanted; ) {
      const upstream = begin + below(end - begin);
      if (!upstreams.includes(upstream)) upstreams.push(upstream);
    }
    return upstreams;
  });
}

/** A root, and two nodes after each node. */
export function tree(size: number): Upstreams {
  return Array.from({ length: size }, (_, v) => (v === 0 ? [] : [(v - 1) >> 1]));
}

/** One node, then two side by side, then one that joins them, which is the first of the next diamond. */
export function diamonds(size: number): Upstreams {
  return Array.from({ length: size }, (_, v) => {
    if (v === 0) return [];
    if (v % 3 !== 0) return [v - (v % 3)];
    return [v - 2, v - 1];
  });
}

/** Members of each group of `groups`. */
export const GROUP_MEMBERS = 10_000;

/** Groups of 10,000 nodes side by side, a node after each, the next group after that: what the plan of `groupsDocument` expands to. */
export function groups(size: number): Upstreams {
  const count = Math.max(1, Math.round(size / GROUP_MEMBERS));
  const upstreams: number[][] = [];
  for (let group = 0; group < count; group++) {
    const first = group * (GROUP_MEMBERS + 1);
    const before = group === 0 ? [] : [first - 1];
    for (let member = 0; member < GROUP_MEMBERS; member++) upstreams.push(before);
    upstreams.push(Array.from({ length: GROUP_MEMBERS }, (_, member) => first + member));
  }
  return upstreams;
}

export const SHAPES = { chain, wide, layered, tree, diamonds, groups };
export type ShapeName = keyof typeof SHAPES;

/** What each node of a plan says besides its id, action and upstreams. */
export type NodeExtras = Omit<NodeDocument, "id" | "action" | "upstreams">;

/** The shape as a plan whose nodes all run the action `noop`; every text in it is a string of its own, as in a text that was read. */
export function planDocument(name: string, upstreams: Upstreams, extras: NodeExtras = {}): PlanDocument {
  const nodes: NodeDocument[] = upstreams.map((ups, v) => ({
    id: `n${v}`,
    action: "noop",
    upstreams: ups.map((u) => `n${u}`),
    ...extras,
  }));
  return { belay: 1, name, nodes };
}

/** `groups` as people write it: a node split over the parameter `items`, and one after it. */
export function groupsDocument(size: number, extras: NodeExtras = {}): PlanDocument {
  const count = Math.max(1, Math.round(size / GROUP_MEMBERS));
  const nodes = Array.from({ length: count }, (_, g): NodeDocument[] => [
    {
      id: `g${g}`,
      action: "noop",
      upstreams: g === 0 ? [] : [`j${g - 1}`],
      split: { over: "params.items" },
      ...extras,
    },
    { id: `j${g}`, action: "noop", upstreams: [`g${g}`], ...extras },
  ]);
  const items = { type: "array", items: { type: "integer" } };
  const params = { type: "object", properties: { items }, required: ["items"] };
  return { belay: 1, name: "groups", params, nodes: nodes.flat() };
}
