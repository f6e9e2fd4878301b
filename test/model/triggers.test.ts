/**
 * Triggers are pure, monotone functions of the upstreams' states (R12): over the core's own function, exhaustively against
 * the reference model, and over whole runs of the core.
 */
import { ReferenceModel, type Scenario } from "@belay/engine/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decideTrigger, type TriggerVerdict, type UpstreamCounts } from "../../packages/engine/src/core/trigger.ts";
import { TriggerCode } from "../../packages/engine/src/plan/compiled.ts";
import type { NodeDocument, Trigger } from "../../packages/engine/src/plan/document.ts";
import { conclude, type UpstreamView } from "../../packages/engine/src/testing/model/reference-trigger.ts";
import { CoreSubject } from "./core-subject.ts";

const TRIGGERS = Object.entries(TriggerCode).map(([name, code]) => ({ trigger: name.toLowerCase() as Trigger, code }));

/** How an upstream can stand: a node, or a group some of whose members have ended. */
const VIEWS: readonly UpstreamView[] = [
  { ended: false, succeeded: false, failed: false, failedWhole: false, blocks: false },
  { ended: true, succeeded: true, failed: false, failedWhole: false, blocks: false },
  { ended: true, succeeded: false, failed: false, failedWhole: false, blocks: false },
  { ended: true, succeeded: false, failed: true, failedWhole: true, blocks: true },
  { ended: true, succeeded: false, failed: true, failedWhole: true, blocks: false },
  { ended: false, succeeded: true, failed: false, failedWhole: false, blocks: false },
  { ended: false, succeeded: false, failed: true, failedWhole: false, blocks: false },
  { ended: false, succeeded: true, failed: true, failedWhole: false, blocks: false },
  { ended: true, succeeded: true, failed: true, failedWhole: false, blocks: false },
  { ended: true, succeeded: true, failed: true, failedWhole: false, blocks: true },
];

/** `later` may follow `earlier`: nothing that was true of an upstream is taken back, and its end is final. */
function mayFollow(earlier: UpstreamView, later: UpstreamView): boolean {
  if (earlier.ended) return later === earlier;
  return (!earlier.succeeded || later.succeeded) && (!earlier.failed || later.failed);
}

function countsOf(views: readonly UpstreamView[]): UpstreamCounts {
  const count = (test: (view: UpstreamView) => boolean): number => views.filter(test).length;
  return {
    total: views.length,
    waiting: count(({ ended }) => !ended),
    succeeded: count(({ succeeded }) => succeeded),
    failed: count(({ failed }) => failed),
    spared: count(({ ended, failedWhole }) => ended && !failedWhole),
    blocking: count(({ blocks }) => blocks),
  };
}

function* lists(length: number): Generator<UpstreamView[]> {
  if (length === 0) yield [];
  else for (const rest of lists(length - 1)) for (const view of VIEWS) yield [...rest, view];
}

test("R12: core and reference model conclude the same from every way in which up to three upstreams can stand", () => {
  for (const { trigger, code } of TRIGGERS) {
    for (const length of [0, 1, 2, 3]) {
      for (const views of lists(length)) {
        expect(decideTrigger(code, countsOf(views)), `${trigger} over ${JSON.stringify(views)}`).toBe(
          conclude(trigger, views),
        );
      }
    }
  }
});

test("R12: a trigger that was decided stays decided, whatever ends after", () => {
  const decided: readonly TriggerVerdict[] = ["holds", "never", "blocked"];
  for (const { trigger, code } of TRIGGERS) {
    for (const views of lists(2)) {
      const verdict = decideTrigger(code, countsOf(views));
      if (!decided.includes(verdict)) continue;
      for (const later of lists(2)) {
        if (!views.every((view, place) => mayFollow(view, later[place] as UpstreamView))) continue;
        const after = decideTrigger(code, countsOf(later));
        expect(after, `${trigger}: ${JSON.stringify(views)}, then ${JSON.stringify(later)}`).toBe(verdict);
      }
    }
  }
});

const END = { ok: "ok", failed: "fatal", tolerated: "fatal", skipped: "ok" } as const;
type End = keyof typeof END;

/** A join of roots that end so; failures are not inherited and hold nothing (`continue`). */
function joinOf(trigger: Trigger, ends: readonly End[]): Scenario {
  const roots = ends.map((end, place): NodeDocument => {
    const own = end === "tolerated" ? { onFailure: "continue" as const } : end === "skipped" ? { when: "false" } : {};
    return { id: `r${place}`, action: "do", ...own };
  });
  const join: NodeDocument = { id: "join", action: "do", trigger, upstreams: roots.map(({ id }) => id) };
  const document = { belay: 1, name: "join", failureMode: "continue", nodes: [...roots, join] } as const;
  return { document, params: {}, scripts: {}, choices: [] };
}

/** Ends the roots in that order; answers what has become of the join. */
function playJoin(given: Scenario, ends: readonly End[], order: readonly number[]): string {
  const skips = (id: string): boolean => given.document.nodes.some((node) => node.id === id && node.when === "false");
  const evaluate = (id: string) => ({ verdict: skips(id) ? ("skip" as const) : ("run" as const), members: 0 });
  const core = new CoreSubject(given, evaluate, () => {});
  core.start();
  core.dispatch("", ends.length);
  for (const place of order) {
    if (ends[place] !== "skipped") core.answer({ node: `r${place}`, attempt: 1, undo: false }, END[ends[place] as End]);
    core.dispatch("", 1);
  }
  return core.observe().nodes.find((line) => line.startsWith("join ")) as string;
}

test("R12: the order in which upstreams end changes nothing, over whole runs of the core", () => {
  const end = fc.constantFrom<End>("ok", "failed", "tolerated", "skipped");
  const trigger = fc.constantFrom(...TRIGGERS.map((one) => one.trigger));
  const given = fc.array(end, { minLength: 1, maxLength: 5 }).chain((ends) => {
    const order = [...ends.keys()];
    return fc.tuple(trigger, fc.constant(ends), fc.shuffledSubarray(order, { minLength: ends.length }));
  });
  fc.assert(
    fc.property(given, ([one, ends, order]) => {
      const scenario = joinOf(one, ends);
      expect(playJoin(scenario, ends, order)).toBe(playJoin(scenario, ends, [...ends.keys()]));
    }),
    { numRuns: 1000 },
  );
});

test("R12: the reference model skips, blocks and starts a join as the table says", () => {
  const statusAfter = (trigger: Trigger, ends: readonly End[]): string => {
    const model = new ReferenceModel(joinOf(trigger, ends).document);
    model.start();
    for (const id of model.asking()) model.resolve(id, "skip", 0);
    const calls = model.dispatch("", ends.length);
    for (const call of calls) model.answer(call, END[ends[Number(call.node.slice(1))] as End]);
    return model.standing("join").status;
  };
  expect(statusAfter("all_succeeded", ["ok", "tolerated", "skipped"])).toBe("READY");
  expect(statusAfter("all_succeeded", ["ok", "failed"])).toBe("PENDING");
  expect(statusAfter("none_failed", ["ok", "tolerated"])).toBe("SKIPPED");
  expect(statusAfter("any_failed", ["ok", "skipped"])).toBe("SKIPPED");
  expect(statusAfter("all_failed", ["failed", "tolerated"])).toBe("READY");
  expect(statusAfter("any_succeeded", ["skipped", "skipped"])).toBe("SKIPPED");
  expect(statusAfter("all_finished", ["failed", "skipped"])).toBe("READY");
});
