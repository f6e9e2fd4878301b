/**
 * Graph shapes of the benchmark, as plan documents. Owns: the shapes, by name and size; made without randomness, so that
 * every contender of a run gets the same graph.
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

/** Layers of width 2 * sqrt(size); a node has four upstreams in the layer before it. */
export function layered(size: number): Upstreams {
  const width = Math.max(1, Math.round(2 * Math.sqrt(size)));
  return Array.from({ length: size }, (_, v) => {
    const layer = Math.floor(v / width);
    if (layer === 0) return [];
    const above = Array.from({ length: 4 }, (_, i) => (layer - 1) * width + ((v * 7 + i * 13) % width));
    return [...new Set(above)];
  });
}

export const SHAPES = { chain, wide, layered };
export type ShapeName = keyof typeof SHAPES;

/** The shape as a plan whose nodes all run the action `noop`. */
export function planDocument(name: string, upstreams: Upstreams): PlanDocument {
  const nodes: NodeDocument[] = upstreams.map((ups, v) => ({
    id: `n${v}`,
    action: "noop",
    upstreams: ups.map((u) => `n${u}`),
  }));
  return { belay: 1, name, nodes };
}
