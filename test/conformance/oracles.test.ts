/**
 * Differential tests: random graphs run by p-graph, by async.auto and by Belay. Their orders of independent nodes are
 * accidents; what must be the same is what ran, how often, and that every upstream ended before its downstream started.
 * fast-check prints seed and path of a counterexample.
 */
import { auto } from "async";
import fc from "fast-check";
import { PGraph, PGraphError } from "p-graph";
import { describe, expect, test } from "vitest";
import { openPlay } from "./case-play.ts";
import { setOf } from "./verdict.ts";

/** One node of a random graph; its upstreams come before it. */
interface RandomNode {
  readonly id: string;
  readonly upstreams: readonly string[];
  /** Ticks of a manual clock in Belay, turns of the event loop in the others. */
  readonly length: number;
  readonly fails: boolean;
}

/** "start <node>" and "end <node>", in order; nodes that failed have ended, too. */
type Story = readonly string[];

interface Graph {
  readonly nodes: readonly RandomNode[];
  /** undefined = no limit. */
  readonly concurrency: number | undefined;
}

const MAX_NODES = 60;

function graphs(options: { chain?: boolean; failures?: boolean }): fc.Arbitrary<Graph> {
  const seed = fc.record({
    picks: fc.array(fc.nat(MAX_NODES), { maxLength: 4 }),
    length: fc.integer({ min: 1, max: 5 }),
    fails: options.failures === true ? fc.nat(5).map((n) => n === 0) : fc.constant(false),
  });
  const nodes = fc.array(seed, { minLength: 1, maxLength: MAX_NODES }).map((seeds) =>
    seeds.map(({ picks, ...rest }, place): RandomNode => {
      const above = options.chain === true ? [place - 1].filter((one) => one >= 0) : picks.map((pick) => pick % place);
      return { id: `n${place}`, upstreams: place === 0 ? [] : setOf(above.map((one) => `n${one}`)), ...rest };
    }),
  );
  const concurrency = options.chain === true ? fc.constant(1) : fc.constantFrom(undefined, 1, 2, 3, 7);
  return fc.record({ nodes, concurrency });
}

/** An action that takes as many turns of the event loop as its node says. */
async function act({ id, length, fails }: RandomNode, story: string[]): Promise<void> {
  story.push(`start ${id}`);
  for (let turn = 0; turn < length; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  story.push(`end ${id}`);
  if (fails) throw new Error(`${id} failed`);
}

async function byPgraph({ nodes, concurrency }: Graph): Promise<Story> {
  const story: string[] = [];
  const map = new Map(nodes.map((node) => [node.id, { run: () => act(node, story) }]));
  const edges = nodes.flatMap(({ id, upstreams }) => upstreams.map((upstream): [string, string] => [upstream, id]));
  await new PGraph(map, edges)
    .run({ continue: true, ...(concurrency === undefined ? {} : { concurrency }) })
    .catch((error) => {
      if (!(error instanceof PGraphError)) throw error;
    });
  return story;
}

async function byAsyncAuto({ nodes, concurrency }: Graph): Promise<Story> {
  const story: string[] = [];
  const run = (node: RandomNode) => async (): Promise<void> => act(node, story);
  const tasks = Object.fromEntries(nodes.map((node) => [node.id, [...node.upstreams, run(node)]]));
  await auto(tasks as Parameters<typeof auto>[0], concurrency ?? Number.POSITIVE_INFINITY);
  return story;
}

async function byBelay({ nodes, concurrency }: Graph): Promise<{ story: Story; status: string | undefined }> {
  const lengths = new Map(nodes.map(({ id, length }) => [id, length]));
  const play = await openPlay({
    document: {
      belay: 1,
      name: "random",
      failureMode: "continue",
      nodes: nodes.map(({ id, upstreams }) => ({ id, action: "do", upstreams })),
    },
    scripts: Object.fromEntries(nodes.map(({ id, fails }) => [id, fails ? "fail" : "ok"])),
    concurrency: concurrency ?? null,
    ticksOf: (id) => lengths.get(id) ?? 1,
  });
  const snapshot = await play.play();
  play.judge(snapshot);
  await play.close();
  const story = play.rig.trace.flatMap((entry) =>
    entry.kind === "start" || entry.kind === "end" ? [`${entry.kind} ${entry.node}`] : [],
  );
  return { story, status: snapshot?.status };
}

/** Throws unless every start has its end, nothing ran twice, every edge ordered, and the limit held. */
function checkStory(story: Story, { nodes, concurrency }: Graph): void {
  expect(new Set(story).size).toBe(story.length);
  expect(story.length % 2).toBe(0);
  const place = new Map(story.map((line, at) => [line, at]));
  for (const { id, upstreams } of nodes) {
    const start = place.get(`start ${id}`);
    if (start === undefined) continue;
    for (const upstream of upstreams)
      expect(place.get(`end ${upstream}`), `${upstream} before ${id}`).toBeLessThan(start);
  }
  let running = 0;
  for (const line of story) {
    running += line.startsWith("start ") ? 1 : -1;
    expect(running).toBeLessThanOrEqual(concurrency ?? nodes.length);
  }
}

describe("R10: Belay beside p-graph and async.auto on random graphs", () => {
  test("R10: without failures all three run every node once, each after its upstreams, within the limit", {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(graphs({}), async (graph) => {
        const { story, status } = await byBelay(graph);
        const stories = [story, await byPgraph(graph), await byAsyncAuto(graph)];
        for (const one of stories) checkStory(one, graph);
        expect(status).toBe("SUCCESSFUL");
        const all = setOf(graph.nodes.flatMap(({ id }) => [`start ${id}`, `end ${id}`]));
        expect(stories.map((one) => setOf(one))).toEqual([all, all, all]);
      }),
      { numRuns: 300 },
    );
  });

  test("R10: a chain has one story, one call at a time, in all three", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(graphs({ chain: true }), async (graph) => {
        const { story } = await byBelay(graph);
        expect(await byPgraph(graph)).toEqual(story);
        expect(await byAsyncAuto(graph)).toEqual(story);
      }),
      { numRuns: 100 },
    );
  });

  test("R14: with failures, continue runs in Belay exactly what it runs in p-graph", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(graphs({ failures: true }), async (graph) => {
        const { story, status } = await byBelay(graph);
        const other = await byPgraph(graph);
        checkStory(story, graph);
        checkStory(other, graph);
        expect(setOf(story)).toEqual(setOf(other));
        expect(status).toBe(
          graph.nodes.some(({ fails, id }) => fails && story.includes(`start ${id}`)) ? "FAILED" : "SUCCESSFUL",
        );
      }),
      { numRuns: 300 },
    );
  });
});
