/** Sizes, not speed: no stack overflow and nothing quadratic. Ratios within one run, with room for a busy machine. */
import { createEngine, definePlan, type PlanDocument } from "@belay/engine";
import { describe, expect, test } from "vitest";

const nodes = (count: number, upstreams: (place: number) => string[]): PlanDocument["nodes"] =>
  Array.from({ length: count }, (_, place) => ({ id: `n${place}`, action: "count", upstreams: upstreams(place) }));

/** Milliseconds from the document to the end of the run; `failAt`: that node fails and the run is rolled back. */
async function timeRun(
  document: PlanDocument,
  failAt = "",
): Promise<{ ms: number; calls: number; undone: number; status: string }> {
  let calls = 0;
  let undone = 0;
  const count = (ctx: { nodeId: string }): void => {
    calls += 1;
    if (ctx.nodeId === failAt) throw new Error("the end of the way");
  };
  const engine = await createEngine({
    actions: {
      count,
      undo: () => {
        undone += 1;
      },
    },
  });
  const began = performance.now();
  const run = await engine.start(definePlan(document));
  let { status } = await run.settled();
  if (failAt !== "") {
    await run.rollback();
    ({ status } = await run.settled());
  }
  const ms = performance.now() - began;
  await engine.close();
  return { ms, calls, undone, status };
}

/** The faster of two: what else runs on the machine only ever adds time. */
async function best<T extends { readonly ms: number }>(measure: () => Promise<T>): Promise<T> {
  const first = await measure();
  const second = await measure();
  return first.ms < second.ms ? first : second;
}

describe("scale", () => {
  test("100,000 independent nodes run, in time that grows with their number", { timeout: 120_000 }, async () => {
    const independent = (count: number): PlanDocument => ({ belay: 1, name: "wide", nodes: nodes(count, () => []) });
    await timeRun(independent(1_000));
    const small = await best(() => timeRun(independent(10_000)));
    const large = await best(() => timeRun(independent(100_000)));
    expect(large).toMatchObject({ calls: 100_000, status: "SUCCESSFUL" });
    // Ten times the nodes: linear is 10, quadratic would be 100.
    expect(large.ms / small.ms).toBeLessThan(50);
  });

  test("a chain of 60,000 nodes runs without overflowing the stack", { timeout: 120_000 }, async () => {
    const chain = (count: number): PlanDocument => ({
      belay: 1,
      name: "deep",
      nodes: nodes(count, (place) => (place === 0 ? [] : [`n${place - 1}`])),
    });
    await timeRun(chain(1_000));
    const small = await best(() => timeRun(chain(6_000)));
    const large = await best(() => timeRun(chain(60_000)));
    expect(large).toMatchObject({ calls: 60_000, status: "SUCCESSFUL" });
    expect(large.ms / small.ms).toBeLessThan(50);
  });

  test("R30: a chain of 30,000 nodes is rolled back from its end", { timeout: 120_000 }, async () => {
    const document: PlanDocument = {
      belay: 1,
      name: "deep",
      nodes: nodes(30_000, (place) => (place === 0 ? [] : [`n${place - 1}`])).map((entry) => ({
        ...entry,
        compensation: { action: "undo" },
      })),
    };
    expect(await timeRun(document, "n29999")).toMatchObject({ calls: 30_000, undone: 30_000, status: "ROLLED_BACK" });
  });

  test("R22: two groups of 2,000 members join in m + n, not m x n", { timeout: 120_000 }, async () => {
    const document = (members: number): PlanDocument => ({
      belay: 1,
      name: "join",
      params: { type: "object", properties: { items: { type: "array", default: [] } } },
      nodes: [
        { id: "a", action: "make" },
        { id: "g", action: "count", upstreams: ["a"], split: { over: `nodes.a.output.list${members}` } },
        { id: "h", action: "count", upstreams: ["g"], split: { over: `nodes.a.output.list${members}` } },
      ],
    });
    const output = Object.fromEntries(
      [200, 2_000].map((size) => [`list${size}`, Array.from({ length: size }, (_, index) => index)]),
    );
    const time = async (members: number): Promise<number> => {
      let calls = 0;
      const engine = await createEngine({
        actions: {
          make: () => output,
          count: () => {
            calls += 1;
          },
        },
      });
      const began = performance.now();
      const run = await engine.start(definePlan(document(members)));
      expect((await run.settled()).status).toBe("SUCCESSFUL");
      expect(calls).toBe(2 * members);
      await engine.close();
      return performance.now() - began;
    };
    await time(200);
    const small = await best(async () => ({ ms: await time(200) }));
    const large = await best(async () => ({ ms: await time(2_000) }));
    expect(large.ms / small.ms).toBeLessThan(50);
  });
});
