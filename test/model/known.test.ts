/**
 * Every known defect, by its smallest story: each must still part model and core. Once one is mended, its story fails here:
 * then it and its entry in `known.ts` go.
 */
import type { Answer, Armed, ReferenceVerb, Scenario } from "@belay/engine/testing";
import { expect, test } from "vitest";
import type { NodeDocument, PlanDocument } from "../../packages/engine/src/plan/document.ts";
import { begin, compare } from "./core-commands.ts";
import { MetKnownDefect } from "./known.ts";

/** What happens: so many slots are free; a call answers; a deadline passes; an operator asks. */
type Step =
  | readonly ["dispatch", number]
  | readonly ["answer", string, Answer]
  | readonly ["due", string, Armed["kind"]]
  | readonly ["ask", ReferenceVerb];

interface Story {
  readonly nodes: readonly NodeDocument[];
  readonly plan?: Partial<PlanDocument>;
  /** Conditions and lists that cannot be evaluated, the first so many. */
  readonly failing?: number;
  readonly steps: readonly Step[];
}

/** Tells the story to both; throws where they part. */
function tell({ nodes, plan = {}, failing = 0, steps }: Story): void {
  const document: PlanDocument = { ...PLAN, ...plan, nodes };
  const scenario: Scenario = {
    document,
    params: PARAMS,
    scripts: {},
    choices: [...Array(failing).fill(12), 1, 1, 1, 1],
  };
  const { model: told, real } = begin(scenario);
  for (const [what, first, second] of steps) {
    told.story.push(what === "ask" ? `operator: ${JSON.stringify(first)}` : `${what} ${first} ${second ?? ""}`);
    if (what === "dispatch") {
      const calls = JSON.stringify(told.model.dispatch("", first));
      real.dispatch("", first);
      const seen = JSON.stringify(real.started);
      if (calls !== seen) compare(told, real, [`R11: the model starts ${calls}, the core ${seen}`]);
    } else if (what === "answer") {
      const call = told.model.inFlight().find(({ node }) => node === first);
      if (call === undefined) throw new Error(`${first} is not in flight`);
      if (call.undo) told.story.push(`undo ${first}#${call.attempt} answers ${second}`);
      told.model.answer(call, second);
      real.answer(call, second);
    } else if (what === "due") {
      const armed = told.model.deadlines().find(({ node, kind }) => node === first && kind === second);
      if (armed === undefined) throw new Error(`${first} has no deadline ${second}`);
      told.model.due(armed);
      real.due(first, second);
    } else {
      const expected = told.model.ask(first);
      const seen = real.ask(first);
      compare(
        told,
        real,
        [`R37: ${JSON.stringify(first)}: the model says ${expected ?? "done"}, the core ${seen ?? "done"}`].filter(
          () => expected !== seen,
        ),
      );
      continue;
    }
    compare(told, real);
  }
}

const LIST = { type: "array", items: { type: "string" } };
const PARAMS = { one: ["a"], two: ["a", "b"] };
const PLAN: PlanDocument = {
  belay: 1,
  name: "known",
  params: { type: "object", properties: { one: LIST, two: LIST } },
  nodes: [],
};
const undo = { action: "undo" } as const;
const first = { over: "params.one", method: "FIRST_SUCCESS" } as const;
const again = { maxAttempts: 2, mode: "compensate-first" } as const;

const STORIES: Readonly<Record<string, Story>> = {
  "R37: after a cancel and a rollback to the barrier, one node that failed cannot be retried although the run rests": {
    nodes: [{ id: "a", action: "do", prohibitRollback: true }],
    steps: [
      ["dispatch", 1],
      ["ask", { verb: "cancel" }],
      ["answer", "a", "ok"],
      ["ask", { verb: "rollback", to: "barrier" }],
      ["ask", { verb: "retry", node: "a" }],
    ],
  },
  "R21: a failing group whose last open member is held stays RUNNING in a run at rest": {
    nodes: [{ id: "g", action: "do", split: { over: "params.two" } }],
    steps: [
      ["dispatch", 2],
      ["answer", "g[0]", "fatal"],
      ["answer", "g[1]", "fatal"],
      ["ask", { verb: "retry", node: "g[0]" }],
      ["ask", { verb: "cancel" }],
    ],
  },
  "R14, R21: after a skip elsewhere, the failure of a last candidate holds others only once it is undone": {
    nodes: [
      { id: "a", action: "do" },
      { id: "g", action: "do", split: first, compensation: undo },
      { id: "z", action: "do" },
    ],
    steps: [
      ["ask", { verb: "skip", node: "a" }],
      ["dispatch", 1],
      ["answer", "g[0]", "fatal"],
    ],
  },
  "R11: a node whose queued compensation was taken back keeps that place in the queue for its next attempt": {
    nodes: [
      { id: "a", action: "do" },
      { id: "b", action: "do", retry: again, compensation: undo },
    ],
    steps: [
      ["dispatch", 2],
      ["answer", "a", "fatal"],
      ["answer", "b", "retryable"],
      ["ask", { verb: "cancel" }],
      ["ask", { verb: "retry" }],
      ["dispatch", 1],
    ],
  },
  "R25: under kill, a member of a group that was retried gets one attempt only": {
    plan: { failureMode: "kill" },
    nodes: [
      { id: "a", action: "do" },
      { id: "g", action: "do", split: { over: "params.one" }, retry: { maxAttempts: 2 } },
    ],
    steps: [
      ["dispatch", 2],
      ["answer", "a", "fatal"],
      ["answer", "g[0]", "ok"],
      ["ask", { verb: "retry", node: "g" }],
      ["dispatch", 1],
      ["answer", "g[0]", "retryable"],
    ],
  },
  "R21: a group that starts over only undoes the candidate whose compensation had failed, and fails again": {
    nodes: [{ id: "g", action: "do", split: first, compensation: undo }],
    steps: [
      ["dispatch", 1],
      ["answer", "g[0]", "fatal"],
      ["dispatch", 1],
      ["answer", "g[0]", "fatal"],
      ["ask", { verb: "retry" }],
      ["dispatch", 1],
      ["answer", "g[0]", "ok"],
    ],
  },
  "R10, R12: a retry of all runs a node whose compensation had failed without asking its trigger": {
    nodes: [
      { id: "a", action: "do" },
      { id: "b", action: "do", upstreams: ["a"], trigger: "all_finished", retry: again, compensation: undo },
    ],
    steps: [
      ["dispatch", 1],
      ["answer", "a", "fatal"],
      ["dispatch", 1],
      ["answer", "b", "retryable"],
      ["dispatch", 1],
      ["answer", "b", "fatal"],
      ["ask", { verb: "retry" }],
      ["dispatch", 2],
      ["answer", "b", "ok"],
    ],
  },
  "R20, R37: a member whose condition could not be evaluated runs without one when it is retried by itself": {
    nodes: [{ id: "g", action: "do", split: { over: "params.one" }, when: "item != 'b'" }],
    failing: 1,
    steps: [["ask", { verb: "retry", node: "g[0]" }]],
  },
  "R26, R37: a member that is undone between two attempts gets the next one although its group was canceled": {
    nodes: [{ id: "g", action: "do", split: { over: "params.one" }, retry: again, compensation: undo }],
    steps: [
      ["dispatch", 1],
      ["answer", "g[0]", "retryable"],
      ["dispatch", 1],
      ["ask", { verb: "cancel", node: "g" }],
      ["answer", "g[0]", "ok"],
    ],
  },
};

test.each(Object.keys(STORIES))("known, and not mended: %s", (name) => {
  expect(() => tell(STORIES[name] as Story)).toThrow(MetKnownDefect);
});

test("R10: a story without a defect is told to its end", () => {
  tell({
    nodes: [{ id: "a", action: "do" }],
    steps: [
      ["dispatch", 1],
      ["answer", "a", "ok"],
    ],
  });
});
