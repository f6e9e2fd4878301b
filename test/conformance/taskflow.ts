/**
 * TaskFlow's cases: failure, revert, revert failure, retry, skip by a decider, suspension (R10, R14, R25, R30-R32, R51).
 * Owns: the mapping to plans and the facts compared, each told per run of the peer's engine.
 *
 * Mapping: task -> node with a compensation; `onFailure: rollback`; an ignored task -> `when: "false"` of its own; a
 * suspension -> the operator's pause at the same moment, the next run -> resume; a flow run again -> a new run.
 * A retry controller that never retried is a node like any other. One that did is dropped: what it had its tasks do again
 * is their own `retry {mode: compensate-first}`, as often as the controller let the scope run.
 * What each action does is read from the peer's own events.
 */
import type { NodeDocument, PlanDocument, RunSnapshot } from "@belay/engine";
import { BelayError } from "@belay/engine";
import type { NodeScript } from "@belay/engine/testing";
import { type CasePlay, openPlay } from "./case-play.ts";
import { factsOf, isChain, type PeerCase, type Suite, type Verdict } from "./verdict.ts";

interface FlowNode {
  readonly id: string;
  readonly kind: "task" | "retry";
  readonly upstreams: readonly string[];
}

interface FlowRun {
  /** "<node> <STATE>", "$flow <STATE>". */
  readonly events: readonly string[];
  readonly final: Readonly<Record<string, string>>;
  readonly flowState: string;
}

interface FlowScope {
  readonly retry: string | null;
  /** None when the flow is one task. */
  readonly children?: readonly (string | FlowScope)[];
}

export interface TaskflowCase extends PeerCase {
  readonly graph: { readonly nodes: readonly FlowNode[]; readonly structure: FlowScope };
  readonly runs: readonly FlowRun[];
}

export const TASKFLOW: Suite<TaskflowCase> = { name: "taskflow", size: 48, compare };

const NODE_STATES: Readonly<Record<string, string>> = {
  PENDING: "PENDING",
  SUCCESS: "SUCCESSFUL",
  IGNORE: "SKIPPED",
  REVERTED: "COMPENSATED",
  REVERT_FAILURE: "COMPENSATION_FAILED",
};

const FLOW_STATES: Readonly<Record<string, string>> = {
  SUCCESS: "SUCCESSFUL",
  REVERTED: "ROLLED_BACK",
  FAILURE: "ROLLBACK_FAILED",
  SUSPENDED: "PAUSED",
};

/** What one run of the peer, or of Belay, came to. */
interface Told {
  readonly final: Readonly<Record<string, string | undefined>>;
  readonly run: string | undefined;
  /** Executions by node. */
  readonly attempts: Readonly<Record<string, number>>;
  /** Reverts by node, failed ones included. */
  readonly undone: Readonly<Record<string, number>>;
  /** Executions and reverts in order. */
  readonly sequence: readonly string[];
}

async function compare(given: TaskflowCase): Promise<Verdict> {
  const reason = unmapped(given.runs);
  if (reason !== undefined) return { noCounterpart: reason };
  const nodes = withoutControllers(given);
  const peer = given.runs.map((run) => toldByPeer(run, nodes));
  const suspended = given.runs.some(({ flowState }) => flowState === "SUSPENDED");
  const belay = suspended ? await playSuspended(given, nodes) : await playEach(given, nodes);
  const facts = Object.fromEntries(
    (["final", "run", "attempts", "undone", "sequence"] as const).map((name) => [
      name,
      {
        peer: name === "sequence" && !isChain(nodes) ? undefined : peer.map((one) => one[name]),
        belay: belay.map((one) => one[name]),
      },
    ]),
  );
  return { facts: factsOf(facts) };
}

/** Why no plan says what the case says; undefined when one does. */
function unmapped(runs: readonly FlowRun[]): string | undefined {
  const crashed = runs.some(
    ({ flowState, final }) => flowState === "FAILURE" && !Object.values(final).includes("REVERT_FAILURE"),
  );
  if (crashed) return "the peer's engine was interrupted between two nodes";
  if (isResumed(runs[0] as FlowRun)) return "the peer's engine resumed from a stored state that the case does not tell";
  return undefined;
}

/** Once the flow runs, the first thing a task of a new flow does is to run. */
function isResumed({ events }: FlowRun): boolean {
  const first = new Map<string, string>();
  const begun = events.indexOf("$flow RUNNING");
  for (const [place, event] of events.entries()) {
    const [node = "", state = ""] = event.split(" ");
    const reset = state === "PENDING" && place < begun;
    if (node !== "$flow" && !reset && !first.has(node)) first.set(node, state);
  }
  return [...first.values()].some((state) => state !== "RUNNING" && state !== "IGNORE");
}

/** A node of the plan to be. */
interface MappedNode extends FlowNode {
  readonly maxAttempts: number;
}

function withoutControllers({ graph, runs }: TaskflowCase): readonly MappedNode[] {
  const events = runs.flatMap((run) => run.events);
  const dropped = new Map(
    graph.nodes.flatMap((node) => (events.includes(`${node.id} RETRYING`) ? [[node.id, node.upstreams] as const] : [])),
  );
  const scopeOf = new Map<string, string>();
  readScopes(graph.structure, undefined, scopeOf);
  return graph.nodes
    .filter(({ id }) => !dropped.has(id))
    .map((node) => {
      const controller = scopeOf.get(node.id);
      const retried = controller !== undefined && dropped.has(controller);
      return {
        ...node,
        upstreams: node.upstreams.flatMap((id) => dropped.get(id) ?? [id]),
        maxAttempts: retried ? events.filter((event) => event === `${controller} RUNNING`).length : 1,
      };
    });
}

/** By task: the controller of the innermost scope it is in. */
function readScopes(scope: FlowScope, outer: string | undefined, found: Map<string, string>): void {
  const controller = scope.retry ?? outer;
  for (const child of scope.children ?? []) {
    if (typeof child !== "string") readScopes(child, controller, found);
    else if (controller !== undefined) found.set(child, controller);
  }
}

function toldByPeer(run: FlowRun, nodes: readonly MappedNode[]): Told {
  const count = (...states: string[]): Record<string, number> =>
    counts(nodes, (id) => run.events.filter((event) => states.some((state) => event === `${id} ${state}`)).length);
  return {
    final: Object.fromEntries(nodes.map(({ id }) => [id, NODE_STATES[run.final[id] ?? ""]])),
    run: FLOW_STATES[run.flowState],
    attempts: count("RUNNING"),
    undone: count("REVERTED", "REVERT_FAILURE"),
    sequence: run.events.flatMap((event) => {
      const [id = "", state = ""] = event.split(" ");
      if (!nodes.some((node) => node.id === id)) return [];
      return state === "RUNNING" ? [`run ${id}`] : state === "REVERTING" ? [`undo ${id}`] : [];
    }),
  };
}

/** A new run of the plan for every run of the peer. */
async function playEach(given: TaskflowCase, nodes: readonly MappedNode[]): Promise<readonly Told[]> {
  const told: Told[] = [];
  for (const run of given.runs) {
    const play = await openPlay({ document: documentOf(nodes, run.final), scripts: scriptsOf(nodes, [run]) });
    const snapshot = await play.play();
    play.judge(snapshot);
    told.push(toldByBelay(play, nodes, 0));
    await play.close();
  }
  return told;
}

/** One run of the plan: paused where the peer was suspended, resumed where the peer ran again. */
async function playSuspended(given: TaskflowCase, nodes: readonly MappedNode[]): Promise<readonly Told[]> {
  const final = given.runs.at(-1)?.final ?? {};
  const play = await openPlay({ document: documentOf(nodes, final), scripts: scriptsOf(nodes, given.runs) });
  const told: Told[] = [];
  for (const [place, { events }] of given.runs.entries()) {
    const from = place === 0 ? 0 : play.rig.trace.length;
    if (place > 0) await unlessRefused(play.run.resume());
    const node = events[events.indexOf("$flow SUSPENDING") - 1]?.split(" ")[0];
    if (node !== undefined) {
      const undoing = events.includes(`${node} REVERTING`);
      await play.play(() => play.rig.pending.some((call) => call.node === node && call.compensation === undoing));
      await unlessRefused(play.run.pause());
    }
    await play.play();
    told.push(toldByBelay(play, nodes, from));
  }
  play.judge(play.run.snapshot());
  await play.close();
  return told;
}

async function unlessRefused(call: Promise<RunSnapshot>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof BelayError) || error.code !== "STATE_INVALID") throw error;
  }
}

function documentOf(nodes: readonly MappedNode[], final: Readonly<Record<string, string>>): PlanDocument {
  return {
    belay: 1,
    name: "peer",
    onFailure: "rollback",
    nodes: nodes.map(
      ({ id, upstreams, maxAttempts }): NodeDocument => ({
        id,
        action: "do",
        compensation: { action: "undo" },
        upstreams,
        ...(maxAttempts > 1 ? { retry: { maxAttempts, mode: "compensate-first" } } : {}),
        ...(final[id] === "IGNORE" ? { when: "false" } : {}),
      }),
    ),
  };
}

/** What the peer's actions did, in the order in which they did it. */
function scriptsOf(nodes: readonly MappedNode[], runs: readonly FlowRun[]): Record<string, NodeScript> {
  const events = runs.flatMap((run) => run.events);
  const behaviours = (id: string, ok: string, fail: string): string =>
    events
      .flatMap((event) => (event === `${id} ${ok}` ? ["ok"] : event === `${id} ${fail}` ? ["fail"] : []))
      .join(",") || "ok";
  return Object.fromEntries(
    nodes.map(({ id }) => [
      id,
      { run: behaviours(id, "SUCCESS", "FAILURE"), undo: behaviours(id, "REVERTED", "REVERT_FAILURE") },
    ]),
  );
}

/** What happened in the trace from one place on. */
function toldByBelay({ run, rig }: CasePlay, nodes: readonly MappedNode[], from: number): Told {
  const snapshot = run.snapshot();
  const calls = rig.trace.slice(from).filter((entry) => entry.kind === "start" || entry.kind === "undo");
  const count = (kind: "start" | "undo"): Record<string, number> =>
    counts(nodes, (id) => calls.filter((call) => call.kind === kind && call.node === id).length);
  return {
    // The peer has one word for both.
    final: Object.fromEntries(snapshot.nodes.map(({ id, status }) => [id, status === "READY" ? "PENDING" : status])),
    run: snapshot.status,
    attempts: count("start"),
    undone: count("undo"),
    sequence: calls.map(({ kind, node }) => `${kind === "start" ? "run" : "undo"} ${node}`),
  };
}

function counts(nodes: readonly MappedNode[], of: (id: string) => number): Record<string, number> {
  return Object.fromEntries(nodes.map(({ id }) => [id, of(id)]));
}
