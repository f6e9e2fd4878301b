/**
 * Argo Workflows' cases (R3, R10, R12, R21). Owns: which kind of case is compared how, recorded runs, refusals, ancestry.
 * Does not own: `depends` (`argo-depends.ts`).
 *
 * Mapping: task -> node, a skipped one -> `when: "false"`; `failFast` -> `failureMode`; recorded times -> ticks. A run
 * recorded midway is a moment that Belay's run must pass through too; one recorded at its end is an end.
 */
import type { NodeDocument, PlanDocument } from "@belay/engine";
import type { TraceEntry } from "@belay/engine/testing";
import {
  compareEvaluation,
  compareExpansion,
  type EvaluationCase,
  type ExpansionCase,
  parseDepends,
} from "./argo-depends.ts";
import { openPlay, refusalsOf } from "./case-play.ts";
import { factsOf, type PeerCase, type Suite, setOf, type Verdict } from "./verdict.ts";

interface RecordedCase extends PeerCase {
  readonly kind: "recorded-run";
  readonly graph: {
    readonly nodes: readonly {
      readonly id: string;
      readonly upstreams: readonly string[];
      readonly behaviour: string;
    }[];
  };
  readonly policy: { readonly failFast: boolean };
  readonly expected: {
    readonly phases: Readonly<Record<string, string>>;
    readonly notStarted: readonly string[];
    readonly workflowPhaseRecorded: string;
    readonly times: Readonly<Record<string, readonly [from: string, to: string]>>;
  };
  readonly recordedAt: "final" | "midway";
}

interface AncestryCase extends PeerCase {
  readonly kind: "ancestry";
  readonly graph: { readonly nodes: readonly { readonly id: string; readonly upstreams: readonly string[] }[] };
  readonly finishedAtMinute: Readonly<Record<string, number>>;
  readonly task: string;
  readonly expected: { readonly ancestorsOrderedByFinish: readonly string[] };
}

interface ValidationCase extends PeerCase {
  readonly kind: "validation" | "depends-validation";
  /** What the refused text held, in words; undefined for a `depends` that is judged by itself. */
  readonly input?: string;
  readonly depends?: string;
  readonly expected: { readonly rejected?: boolean; readonly valid?: boolean };
}

export type ArgoCase = EvaluationCase | ExpansionCase | RecordedCase | AncestryCase | ValidationCase;

export const ARGO: Suite<ArgoCase> = { name: "argo", size: 18, compare };

async function compare(given: ArgoCase): Promise<Verdict> {
  switch (given.kind) {
    case "depends-evaluation":
      return compareEvaluation(given);
    case "depends-expansion":
      return compareExpansion(given);
    case "recorded-run":
      return compareRecorded(given);
    case "ancestry":
      return compareAncestry(given);
    default:
      return compareRefusal(given);
  }
}

const PHASES: Readonly<Record<string, string>> = { Succeeded: "SUCCESSFUL", Skipped: "SKIPPED", Failed: "FAILED" };

async function compareRecorded({ graph, policy, expected, recordedAt }: RecordedCase): Promise<Verdict> {
  const document: PlanDocument = {
    belay: 1,
    name: "peer",
    failureMode: policy.failFast ? "no-new" : "continue",
    nodes: graph.nodes.map(
      ({ id, upstreams, behaviour }): NodeDocument => ({
        id,
        action: "do",
        upstreams,
        ...(behaviour === "skip" ? { when: "false" } : {}),
      }),
    ),
  };
  const seconds = ([from, to]: readonly [string, string]): number => (Date.parse(to) - Date.parse(from)) / 1000;
  const ticksOf = (id: string): number => (id in expected.times ? seconds(expected.times[id] ?? ["", ""]) : 1);
  const play = await openPlay({ document, ticksOf });
  const snapshot = await play.play();
  play.judge(snapshot);
  const phases = Object.fromEntries(Object.entries(expected.phases).map(([id, phase]) => [id, PHASES[phase]]));
  await play.close();
  if (recordedAt === "midway")
    return { facts: { moment: { peer: true, belay: passesThrough(play.rig.trace, phases, expected.notStarted) } } };
  const nodes = snapshot?.nodes ?? [];
  return {
    facts: {
      run: { peer: PHASES[expected.workflowPhaseRecorded], belay: snapshot?.status },
      phases: {
        peer: phases,
        belay: Object.fromEntries(nodes.filter(({ id }) => id in phases).map(({ id, status }) => [id, status])),
      },
      "not started": {
        peer: setOf(expected.notStarted),
        belay: setOf(nodes.flatMap(({ id, started, status }) => (started || status === "SKIPPED" ? [] : [id]))),
      },
    },
  };
}

/** Whether at some moment exactly the recorded nodes had ended, as recorded, and none of the others had started. */
function passesThrough(
  trace: readonly TraceEntry[],
  phases: Readonly<Record<string, string | undefined>>,
  notStarted: readonly string[],
): boolean {
  const now = new Map<string, string>();
  return trace.some((entry) => {
    if (entry.kind === "start") now.set(entry.node, "RUNNING");
    if (entry.kind === "end") now.set(entry.node, entry.ok ? "SUCCESSFUL" : "FAILED");
    if (entry.kind === "event" && entry.event.type === "node:skipped") now.set(entry.event.nodeId, "SKIPPED");
    const reached = Object.entries(phases).every(([id, status]) => now.get(id) === status);
    return reached && notStarted.every((id) => !now.has(id));
  });
}

/** Ancestors = the nodes whose output a plan lets the node read, in the order of their ends. */
async function compareAncestry({ graph, finishedAtMinute, task, expected }: AncestryCase): Promise<Verdict> {
  const reading = (other: string): PlanDocument => ({
    belay: 1,
    name: "peer",
    nodes: graph.nodes.map(({ id, upstreams }) => ({
      id,
      action: "do",
      upstreams,
      ...(id === task ? { with: { $cel: `nodes.${other}.output` } } : {}),
    })),
  });
  const others = graph.nodes.map(({ id }) => id).filter((id) => id !== task);
  const readable = others.filter((other) => refusalsOf(reading(other)).length === 0);
  const begun = (id: string): number =>
    Math.max(
      0,
      ...(graph.nodes.find((node) => node.id === id)?.upstreams ?? []).map((up) => finishedAtMinute[up] ?? 0),
    );
  const ticksOf = (id: string): number => (finishedAtMinute[id] ?? 0) - begun(id);
  const play = await openPlay({ document: reading(readable[0] ?? task), ticksOf });
  play.judge(await play.play());
  await play.close();
  const ended = play.rig.trace.flatMap((entry) => (entry.kind === "end" ? [entry.node] : []));
  return {
    facts: {
      ancestors: { peer: expected.ancestorsOrderedByFinish, belay: ended.filter((id) => readable.includes(id)) },
    },
  };
}

/** The plans that say what the refused texts said. */
const INPUTS: Readonly<Record<string, PlanDocument["nodes"]>> = {
  "self/loop": [
    { id: "a", action: "do", upstreams: ["b"] },
    { id: "b", action: "do", upstreams: ["a"] },
    { id: "c", action: "do", upstreams: ["c"] },
  ],
  "depends with continueOn": [
    { id: "a", action: "do", onFailure: "continue" },
    { id: "b", action: "do", upstreams: ["a"], trigger: "any_failed" },
  ],
};

function compareRefusal({ input, depends, expected }: ValidationCase): Verdict {
  const nodes = input === undefined ? dependingNodes(depends ?? "") : INPUTS[input];
  if (nodes === undefined) throw new Error(`the mapping does not know the input "${input ?? depends}"`);
  const refused = refusalsOf({ belay: 1, name: "peer", nodes }).length > 0;
  const peer = expected.valid === undefined ? expected.rejected : !expected.valid;
  return { facts: factsOf({ refused: { peer, belay: refused } }) };
}

/** The node that depends so, and what it depends on. */
function dependingNodes(depends: string): PlanDocument["nodes"] | undefined {
  const parsed = parseDepends(depends);
  if (parsed === undefined) return undefined;
  return [...parsed.upstreams.map((id) => ({ id, action: "do" })), { id: "below", action: "do", ...parsed }];
}
