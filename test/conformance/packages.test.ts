/**
 * What docs/differences.md says of the two peers that are packages, asked of the packages themselves, in the versions that
 * are installed: a difference that is no longer one there is noticed here, whatever the recorded cases say.
 */
import { auto } from "async";
import { type DependencyList, PGraph } from "p-graph";
import { describe, expect, test } from "vitest";

/** "a -> b" as an edge. */
function edges(...lines: string[]): DependencyList {
  return lines.map((line) => line.split(" -> ") as [string, string]);
}

/** Nodes that write "<id>" when they are called, and "<id> ends" after so many turns of the event loop. */
function writing(
  story: string[],
  turns: Readonly<Record<string, number>>,
  priorities: Readonly<Record<string, number>> = {},
) {
  return Object.fromEntries(
    Object.entries(turns).map(([id, count]) => [
      id,
      { priority: priorities[id] ?? 0, run: () => ends(story, id, count) },
    ]),
  );
}

async function ends(story: string[], id: string, turns: number): Promise<void> {
  story.push(id);
  for (let turn = 0; turn < turns; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  story.push(`${id} ends`);
  if (id.startsWith("bad")) throw new Error(id);
}

describe("p-graph does what docs/differences.md says", () => {
  test("R3: it names a cycle that is not the shortest", () => {
    const nodes = writing([], { a: 1, b: 1, c: 1, d: 1, e: 1, f: 1 });
    const graph = edges("a -> b", "b -> c", "c -> d", "c -> e", "e -> f", "f -> d", "d -> b");
    expect(() => new PGraph(nodes, graph)).toThrow(/cycle/i);
    // b -> c -> d -> b is shorter.
    expect(() => new PGraph(nodes, graph)).toThrow(/\ne\nf\nd/);
  });

  test("R3: an edge given twice counts once", async () => {
    const story: string[] = [];
    await new PGraph(writing(story, { a: 1, b: 1 }), edges("a -> b", "a -> b")).run();
    expect(story).toEqual(["a", "a ends", "b", "b ends"]);
  });

  test("R14: it rejects while other calls run, and goes on starting", async () => {
    const story: string[] = [];
    const run = new PGraph(writing(story, { bad: 1, long: 5, after: 1 }), edges("long -> after")).run();
    await expect(run).rejects.toThrow();
    expect(story).not.toContain("long ends");
    for (let turn = 0; turn < 20; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
    expect(story).toContain("after ends");
  });

  test("R11: what waits below raises a priority", async () => {
    const story: string[] = [];
    const nodes = writing(story, { plain: 1, root: 1, urgent: 1 }, { urgent: 9 });
    await new PGraph(nodes, edges("root -> urgent")).run({ concurrency: 1 });
    expect(story.filter((line) => !line.endsWith(" ends"))).toEqual(["root", "urgent", "plain"]);
  });
});

describe("async.auto does what docs/differences.md says", () => {
  test("R3: an action is given every result that is there", async () => {
    const seen: string[] = [];
    await auto({
      slow: async () => ends([], "slow", 5),
      quick: async () => ends([], "quick", 1),
      below: ["slow", async (results: object) => seen.push(...Object.keys(results))],
    });
    expect(seen.sort()).toEqual(["quick", "slow"]);
  });

  test("R11, R14: a root that fails before it returns keeps the next one from being called", async () => {
    const called: string[] = [];
    const answering = (id: string, error?: Error) => (callback: (error?: Error) => void) => {
      called.push(id);
      callback(error);
    };
    await expect(auto({ bad: answering("bad", new Error("bad")), next: answering("next") })).rejects.toThrow("bad");
    expect(called).toEqual(["bad"]);
  });

  test("R14: it answers at the first error while other calls run", async () => {
    const story: string[] = [];
    await expect(
      auto({ bad: async () => ends(story, "bad", 1), long: async () => ends(story, "long", 9) }),
    ).rejects.toThrow("bad");
    expect(story).toEqual(["bad", "long", "bad ends"]);
  });
});
