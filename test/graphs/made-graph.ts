/** Graphs made here, so that a clone without the data proves the same facts. Owns: their shapes; all follow from the arguments. */
import type { NodeDocument, PlanDocument } from "../../packages/engine/src/plan/document.ts";
import { Draw } from "../../packages/engine/src/testing/simulation/draw.ts";

function madePlan(count: number, upstreams: (v: number) => readonly number[]): PlanDocument {
  const nodes = Array.from(
    { length: count },
    (_, v): NodeDocument => ({ id: `n${v}`, action: "belay.noop", upstreams: upstreams(v).map((u) => `n${u}`) }),
  );
  return { belay: 1, name: "made", nodes };
}

/** As deep as it is long. */
export function chain(count: number): PlanDocument {
  return madePlan(count, (v) => (v === 0 ? [] : [v - 1]));
}

/** Nothing but roots. */
export function wide(count: number): PlanDocument {
  return madePlan(count, () => []);
}

/** `depth` levels of `width` nodes, each below all of the level above. */
export function layered(depth: number, width: number): PlanDocument {
  return madePlan(depth * width, (v) => {
    const above = Math.floor(v / width) - 1;
    return above < 0 ? [] : Array.from({ length: width }, (_, place) => above * width + place);
  });
}

/** An acyclic graph of 1 to `maxNodes` nodes, listed in an order that is not topological. */
export function randomDag(seed: number, maxNodes: number): PlanDocument {
  const draw = new Draw(seed);
  const count = 1 + draw.below(maxNodes);
  const density = draw.next() * 0.5;
  const rank = shuffled(count, draw);
  return madePlan(count, (v) =>
    rank.flatMap((place, u) => (place < (rank[v] as number) && draw.chance(density) ? [u] : [])),
  );
}

/** A graph of 2 to `maxNodes` nodes, mostly with cycles, without edges of a node to itself. */
export function randomDigraph(seed: number, maxNodes: number): PlanDocument {
  const draw = new Draw(seed);
  const count = 2 + draw.below(maxNodes - 1);
  const density = 0.08 + draw.next() * 0.3;
  return madePlan(count, (v) =>
    Array.from({ length: count }, (_, u) => u).filter((u) => u !== v && draw.chance(density)),
  );
}

/** 0 to `count - 1` in an order drawn. */
export function shuffled(count: number, draw: Draw): number[] {
  const places = Array.from({ length: count }, (_, place) => place);
  for (let last = count - 1; last > 0; last--) {
    const other = draw.below(last + 1);
    [places[last], places[other]] = [places[other] as number, places[last] as number];
  }
  return places;
}

/** Whole milliseconds from 0 to 9, by seed: nodes that take no time are among them. */
export function drawnDurations(seed: number, count: number): number[] {
  const draw = new Draw(seed);
  return Array.from({ length: count }, () => draw.below(10));
}
