/** R38: sizes of previews: no stack overflow and nothing quadratic. Ratios within one run, with room for a busy machine. */
import { createEngine, definePlan, type NodeDocument, type Preview, type Run, type VerbRequest } from "@belay/engine";
import { expect, test } from "vitest";

const nodes = (count: number, upstreams: (place: number) => string[]): NodeDocument[] =>
  Array.from({ length: count }, (_, place) => ({
    id: `n${place}`,
    action: "count",
    upstreams: upstreams(place),
    compensation: { action: "undo" },
  }));

/** A run that rests FAILED because `failAt` failed. */
async function failed(list: readonly NodeDocument[], failAt: string): Promise<{ run: Run; calls: () => number }> {
  let calls = 0;
  const count = (ctx: { nodeId: string }): void => {
    calls++;
    if (ctx.nodeId === failAt) throw new Error("the end of the way");
  };
  const engine = await createEngine({ actions: { count, undo: () => undefined } });
  const run = await engine.start(definePlan({ belay: 1, name: "large", nodes: list }));
  await run.settled();
  return { run, calls: () => calls };
}

/** Milliseconds of the fastest of three: what else runs on the machine only ever adds time. */
function timed(run: Run, request: VerbRequest): { ms: number; preview: Preview } {
  let ms = Number.POSITIVE_INFINITY;
  for (let i = 0; ; i++) {
    const began = performance.now();
    const preview = run.preview(request);
    ms = Math.min(ms, performance.now() - began);
    if (i === 2) return { ms, preview };
  }
}

test("R30, R38: half of a chain of 58,000 nodes back, the other half forward, without recursion", {
  timeout: 120_000,
}, async () => {
  const chain = nodes(58_000, (place) => (place === 0 ? [] : [`n${place - 1}`]));
  const { run, calls } = await failed(chain, "n28999");
  const back = run.preview({ verb: "rollback" });
  expect([back.compensate.length, back.compensate.at(-1)?.wave, back.finalStatus]).toEqual([
    29_000,
    29_000,
    "ROLLED_BACK",
  ]);
  const forward = run.preview({ verb: "retry" });
  expect([forward.run.length, forward.run.at(-1)?.wave, forward.finalStatus]).toEqual([29_001, 29_001, "SUCCESSFUL"]);
  expect(calls()).toBe(29_000);
});

test("R38: 100,000 nodes are previewed in time that grows with their number", { timeout: 120_000 }, async () => {
  const wide = (count: number): NodeDocument[] => nodes(count, (place) => (place === 0 ? [] : ["n0"]));
  const { run: small } = await failed(wide(10_000), "n0");
  const { run: large } = await failed(wide(100_000), "n0");
  timed(small, { verb: "retry" });
  const few = timed(small, { verb: "retry" });
  const many = timed(large, { verb: "retry" });
  expect(many.preview.run).toHaveLength(100_000);
  // Ten times the nodes: linear is 10, quadratic would be 100.
  expect(many.ms / few.ms).toBeLessThan(50);
});
