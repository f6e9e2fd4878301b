/**
 * `npm run bench`: the scheduler against the floor, as ratios inside one run; absolute times of a shared machine mean
 * nothing. Rounds are interleaved, the figure is the median. Every contender must run every node exactly once, in an
 * order its edges allow, or the benchmark fails.
 */
import { createEngine, definePlan, type Engine, type Plan } from "@belay/engine";
import { type FloorGraph, floorGraph, runFloor } from "./floor.ts";
import { planDocument, SHAPES, type ShapeName, type Upstreams } from "./shapes.ts";

const quick = process.argv.includes("--quick");
const ROUNDS = quick ? 3 : 7;
const SIZES = quick ? [10_000] : [1_000, 10_000, 100_000];
const LIMITS = { nodes: 1_000_000, edges: 5_000_000, bytes: 2 ** 30 };

interface Case {
  readonly upstreams: Upstreams;
  readonly plan: Plan;
  readonly graph: FloorGraph;
}

/** Checks order and exactly-once while a contender runs. */
class Witness {
  readonly #ran: Uint8Array;
  readonly #upstreams: Upstreams;
  constructor(upstreams: Upstreams) {
    this.#upstreams = upstreams;
    this.#ran = new Uint8Array(upstreams.length);
  }
  ran(node: number): void {
    if (this.#ran[node] === 1) throw new Error(`node ${node} ran twice`);
    for (const up of this.#upstreams[node]!) if (this.#ran[up] !== 1) throw new Error(`node ${node} ran before ${up}`);
    this.#ran[node] = 1;
  }
  complete(): void {
    if (this.#ran.includes(0)) throw new Error("a node never ran");
  }
}

function makeCase(shape: ShapeName, size: number): Case {
  const upstreams = SHAPES[shape](size);
  return {
    upstreams,
    plan: definePlan(planDocument(shape, upstreams), { limits: LIMITS }),
    graph: floorGraph(upstreams),
  };
}

function handlerOf(witness: Witness, asynchronous: boolean): (node: number) => Promise<void> | undefined {
  if (!asynchronous) return (node) => witness.ran(node) as undefined;
  return async (node) => witness.ran(node);
}

async function timeFloor({ upstreams, graph }: Case, asynchronous: boolean): Promise<number> {
  const witness = new Witness(upstreams);
  const handler = handlerOf(witness, asynchronous);
  const begun = performance.now();
  await runFloor(graph, handler);
  const took = performance.now() - begun;
  witness.complete();
  return took;
}

async function timeBelay({ upstreams, plan }: Case, asynchronous: boolean): Promise<number> {
  const witness = new Witness(upstreams);
  const handler = handlerOf(witness, asynchronous);
  const engine: Engine = await createEngine({
    actions: { noop: (ctx) => handler(Number(ctx.nodeId.slice(1))) },
    limits: LIMITS,
  });
  const run = await engine.start(plan);
  const begun = performance.now();
  const end = await run.settled();
  const took = performance.now() - begun;
  if (end.status !== "SUCCESSFUL") throw new Error(`the run ended ${end.status}`);
  witness.complete();
  await engine.close();
  return took;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

async function measure(shape: ShapeName, size: number, asynchronous: boolean): Promise<void> {
  const contenders = makeCase(shape, size);
  const floors: number[] = [];
  const belays: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    floors.push(await timeFloor(contenders, asynchronous));
    belays.push(await timeBelay(contenders, asynchronous));
  }
  const ratio = median(belays) / median(floors);
  const perNode = (median(belays) / size) * 1e6;
  const row = [shape, size, asynchronous ? "async" : "sync", `${ratio.toFixed(1)}x`, `${perNode.toFixed(0)} ns`];
  console.log(row.map((cell, i) => (i === 0 ? String(cell).padEnd(10) : String(cell).padStart(10))).join(" "));
}

console.log(
  `node ${process.version}, median of ${ROUNDS} interleaved rounds; ratio = Belay / bare loop of the same run`,
);
console.log("shape           nodes    handler      ratio   per node (this machine, now)");
for (const shape of Object.keys(SHAPES) as ShapeName[]) {
  for (const size of SIZES) {
    for (const asynchronous of [true, false]) await measure(shape, size, asynchronous);
  }
}
