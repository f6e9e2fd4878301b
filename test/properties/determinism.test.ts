/** R50 over random scenarios: same inputs, same bytes; and the journal alone gives the state back (R39, R42). */
import { definePlan, type RunSnapshot } from "@belay/engine";
import { expandedGroup, NODE_STATUSES, type RunState } from "@belay/engine/core";
import { type Scenario, scenario, type TraceEntry } from "@belay/engine/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { replay } from "../../packages/engine/src/journal/replay.ts";
import { compilePlan } from "../../packages/engine/src/plan/compile.ts";
import { DEFAULT_LIMITS } from "../../packages/engine/src/plan/limits.ts";
import { play } from "./play.ts";

/** One play as bytes: what was called, in order, and what the journal holds. */
async function bytesOf(
  given: Scenario,
  seed: number,
): Promise<{ calls: string; records: string; trace: readonly TraceEntry[] }> {
  const played = await play(given, { seed });
  await played.rest();
  const stored = await played.journal.read("run");
  await played.end();
  const calls = played.rig.trace.filter((entry) => entry.kind === "start" || entry.kind === "undo");
  return { calls: JSON.stringify(calls), records: JSON.stringify(stored?.records), trace: played.rig.trace };
}

test("R11, R50: the same seed and outcomes give the same calls in the same order and byte-identical records", {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(scenario(fc), fc.nat(), async (given, seed) => {
      const first = await bytesOf(given, seed);
      const second = await bytesOf(given, seed);
      expect(second.calls).toBe(first.calls);
      expect(second.records).toBe(first.records);
      expect(JSON.stringify(second.trace)).toBe(JSON.stringify(first.trace));
    }),
    { numRuns: 150 },
  );
});

test("R39, R50: the same calls are made when the journal keeps no records", { timeout: 120_000 }, async () => {
  const callsOf = async (given: Scenario, records: boolean): Promise<string> => {
    const played = await play(given, { records });
    const end = await played.rest();
    await played.end();
    return JSON.stringify([end, played.rig.trace.filter(({ kind }) => kind === "start" || kind === "undo")]);
  };
  await fc.assert(
    fc.asyncProperty(scenario(fc), async (given) => {
      expect(await callsOf(given, false)).toBe(await callsOf(given, true));
    }),
    { numRuns: 60 },
  );
});

test("R39: records are numbered from 0 without gaps, and their times never go back", { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(scenario(fc), async (given) => {
      const { records } = await bytesOf(given, 1);
      const stored = JSON.parse(records) as { seq: number; input: { at: number } }[];
      expect(stored.map((record) => record.seq)).toEqual(stored.map((_, index) => index));
      expect(
        stored.every((record, index) => index === 0 || record.input.at >= (stored[index - 1]?.input.at ?? 0)),
      ).toBe(true);
    }),
    { numRuns: 100 },
  );
});

test("R42, R50: replaying the journal gives the state the live run had, after rollback and retry too", {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(scenario(fc, { maxNodes: 8 }), fc.boolean(), async (given, back) => {
      const played = await play({ ...given, document: { ...given.document, onFailure: "pause" } });
      let live = await played.rest();
      if (back && live.status === "FAILED") {
        await played.run.rollback({ to: "barrier" });
        live = await played.rest("barrier");
      }
      const stored = await played.journal.read("run");
      await played.end();
      if (stored === undefined) throw new Error("R39: the run is not in the journal");
      const { header, records } = stored;
      const program = compilePlan(definePlan(header.document), header.items, DEFAULT_LIMITS);
      const state = replay(program.compiled, header, records);
      expect(statesOf(state, program.ids)).toEqual(statesOf(live));
      expect(state.status).toBe(live.status);
    }),
    { numRuns: 150 },
  );
});

/** Status and attempts by snapshot id, of a snapshot or of a core state. */
function statesOf(from: RunSnapshot | RunState, ids: readonly string[] = []): Record<string, string> {
  if ("nodes" in from) {
    return Object.fromEntries(from.nodes.map((node) => [node.id, `${node.status} ${node.runTime}`]));
  }
  const told = (place: number): string =>
    `${NODE_STATUSES[from.node[place] as number]} ${Math.max(1, from.attempt[place] as number)}`;
  return Object.fromEntries(
    ids.flatMap((id, place) => {
      const group = expandedGroup(from, place);
      if (group === undefined || group.count === 0) return [[id, told(place)]];
      return Array.from({ length: group.count }, (_, index) => [`${id}[${index}]`, told(group.base + index)]);
    }),
  );
}
