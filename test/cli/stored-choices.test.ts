/** What an operator is offered: commands that the run, as it stands, would not refuse (R33, R37). */
import { createEngine, definePlan, type PlanDocument, type Run } from "@belay/engine";
import pc from "picocolors";
import { describe, expect, test } from "vitest";
import { previewLines } from "../../packages/cli/src/render/preview-lines.ts";
import { storedChoices } from "../../packages/cli/src/render/stored-choices.ts";

const plain = pc.createColors(false);

const document: PlanDocument = {
  belay: 1,
  name: "p",
  nodes: [
    { id: "a", action: "ok", compensation: { action: "undo" } },
    { id: "b", action: "b", upstreams: ["a"], prohibitRollback: true },
    { id: "c", action: "c", upstreams: ["b"], compensation: { action: "undo" } },
  ],
};

interface Case {
  readonly fails: readonly string[];
  readonly document?: PlanDocument;
  readonly act?: (run: Run) => Promise<unknown>;
}

const without = (id: string): PlanDocument => ({
  ...document,
  nodes: document.nodes.map((node) => (node.id === id ? { id, action: node.action, upstreams: ["a"] } : node)),
});

const waiting: PlanDocument = {
  belay: 1,
  name: "w",
  nodes: [
    { id: "ask", action: "belay.approval" },
    { id: "told", action: "belay.signal" },
  ],
};

const CASES: Readonly<Record<string, Case>> = {
  "FAILED before a point of no return": { fails: ["b"], document: without("b") },
  "FAILED past a point of no return": { fails: ["c"] },
  PARTIALLY_ROLLED_BACK: { fails: ["c"], act: (run) => run.rollback({ to: "barrier" }) },
  ROLLBACK_FAILED: { fails: ["b", "undo"], document: without("b"), act: (run) => run.rollback() },
  PAUSED: { fails: [], document: waiting, act: (run) => run.pause() },
  RUNNING: { fails: [], document: waiting },
  CANCELED: { fails: [], document: waiting, act: (run) => run.cancel() },
};

/** The run of a case, at rest or waiting for people. */
async function play({ fails, document: given = document, act }: Case): Promise<Run> {
  const action = (name: string) => () => {
    if (fails.includes(name)) throw new Error("no");
  };
  const engine = await createEngine({
    actions: { ok: action("ok"), b: action("b"), c: action("c"), undo: action("undo") },
  });
  const run = await engine.start(definePlan(given), { runId: "r" });
  if (given === waiting) await new Promise((resolve) => run.once("node:started", () => setImmediate(resolve)));
  else await run.settled();
  await act?.(run);
  if (run.snapshot().nodes.every((node) => node.waiting === null)) await run.settled();
  return run;
}

/** The verbs that are offered, with their words. */
function offered(run: Run): string[][] {
  const stored = { run: "r", db: "x.db", executedBy: "host:1:x" };
  const lines = storedChoices(run.snapshot(), stored, plain).filter((line) => line.startsWith("    belay "));
  return lines.map((line) =>
    line
      .trim()
      .split(" ")
      .slice(1)
      .filter((word) => word !== "--db" && word !== "x.db"),
  );
}

const METHODS: Readonly<Record<string, string>> = { "skip-rollback": "skipRollback" };

describe("R37: every command that is offered would be carried out", () => {
  test.each(Object.entries(CASES))("%s", async (status, one) => {
    const run = await play(one);
    expect(status.startsWith(run.snapshot().status)).toBe(true);
    const verbs = offered(run);
    expect(verbs.length).toBeGreaterThan(1);
    for (const [verb = "", , ...rest] of verbs.filter(([word]) => word !== "preview")) {
      const [first, to] = rest;
      const more = first === "--to" ? { to } : first === undefined ? {} : { node: first };
      const request = { verb: METHODS[verb] ?? verb, who: "ada", ...more };
      const preview = run.preview(request as Parameters<Run["preview"]>[0]);
      expect(preview.refused, verb).toBe(null);
      expect(previewLines(preview, plain).at(-1)).toMatch(/^if everything succeeds, /);
    }
  });

  test("R33: past a point of no return only what is safe is offered to be undone, and what is not known is said", async () => {
    const run = await play({ fails: ["b"] });
    const lines = storedChoices(run.snapshot(), { run: "r", db: "x.db", executedBy: null }, plain);
    expect(lines).toContain("  whether this took effect is not known, look first: b");
    expect(offered(run).map(([verb]) => verb)).toEqual(["retry", "skip", "abandon", "preview"]);
    expect(offered(await play({ fails: ["c"] }))).toContainEqual(["rollback", "r", "--to", "barrier"]);
  });

  test("R51: nothing is offered for a run that has ended", async () => {
    expect(offered(await play({ fails: [] }))).toEqual([]);
  });

  test("one that moves and that nobody executes is to be taken up", async () => {
    const run = await play({ fails: [], document: waiting });
    const lines = storedChoices(run.snapshot(), { run: "r", db: "x.db", executedBy: null }, plain);
    const at = lines.indexOf("  nobody executes it; let it go on:");
    expect(lines[at + 1]).toBe("    belay recover --db x.db r");
  });
});
