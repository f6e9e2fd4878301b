/**
 * OCP Express's cases: run, rollback, retry, skip, split (R2, R13, R20-R25, R30-R36, R37). Owns: the mapping to plans and
 * verbs, and the reading of Belay's run in OCP's words, for which `toOcpTask` is used (R36).
 *
 * Mapping: subtask -> node with a compensation, its name with blanks replaced as the id; `timeoutS` -> `timeout`;
 * `retryCount` n -> `retry {maxAttempts: n + 1, mode: compensate-first}`; commands -> verbs; `splitKey` -> `split.over` a
 * parameter. Waves are the calls that begin together, of one tick each; a node that comes twice in a row is one wave (OCP
 * counts an undoing and the attempt after it as one).
 */
import { BelayError, type NodeDocument, type PlanDocument, type RunSnapshot, toOcpTask } from "@belay/engine";
import type { NodeScript, TraceEntry } from "@belay/engine/testing";
import { type CasePlay, openPlay } from "./case-play.ts";
import { compareSplit, type SplitCase } from "./ocp-split.ts";
import { type Facts, factsOf, isChain, type PeerCase, type Suite, setOf, type Verdict } from "./verdict.ts";

interface OcpNode {
  readonly id: string;
  readonly upstreams: readonly string[];
  readonly behaviour?: { readonly execute?: readonly string[]; readonly rollback?: readonly string[] };
  readonly prohibitRollback?: boolean;
  readonly retryCount?: number;
  readonly timeoutS?: number;
  readonly seriesId?: number;
}

/** What this project's own contract says of a case with a rollback. */
interface OwnContract {
  readonly started: readonly string[];
  readonly rollback: {
    readonly refused?: string;
    readonly nodes?: readonly string[];
    readonly compensated: readonly string[];
    readonly run?: string;
  };
  readonly rollbackToBarrier?: {
    readonly compensated: readonly string[];
    readonly left: readonly string[];
    readonly run: string;
  };
}

export interface OcpCase extends PeerCase {
  readonly graph: { readonly nodes: readonly OcpNode[] };
  /** `run`, then `rollback`, `retry`, `skip <node>`, each once the run rests. */
  readonly commands: readonly string[];
  readonly expected: {
    readonly initial: Readonly<Record<string, string>>;
    readonly task: { readonly state: string; readonly operation: string };
    readonly subtasks: Readonly<Record<string, string>>;
    readonly log: readonly string[];
    readonly waves: readonly (readonly string[])[];
    readonly rejected: readonly (readonly [command: string, code: string])[];
    readonly runTime: Readonly<Record<string, number>>;
  };
  readonly belay?: OwnContract;
}

export const OCP: Suite<OcpCase | SplitCase> = {
  name: "ocp",
  size: 23,
  compare: (given) => ("template" in given ? compareSplit(given) : compareRun(given)),
};

/** OCP's code of a refusal -> ours. */
const REFUSALS: Readonly<Record<string, string>> = {
  TASK_PROHIBIT_ROLLBACK: "ROLLBACK_PROHIBITED",
  TASK_STATE_INVALID: "STATE_INVALID",
};

/** The name as an id (R2). */
function idOf(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9._-]/g, "-");
}

async function compareRun(given: OcpCase): Promise<Verdict> {
  const play = await openPlay(settingOf(given));
  const initial = readyAtFirst(play);
  const commanded = await command(play, given);
  const { expected } = given;
  const nodes = new Map(commanded.snapshot.nodes.map((node) => [node.id, node]));
  const task = toOcpTask(commanded.snapshot);
  const chain = isChain(given.graph.nodes);
  const log = logOf(play.rig.trace, namesOf(given));
  const told = play.waves.map((wave) => wave.map((id) => namesOf(given).get(id) as string));
  const facts: Facts = {
    ready: {
      peer: setOf(Object.keys(expected.initial).filter((id) => expected.initial[id] === "READY")),
      belay: initial,
    },
    run: { peer: expected.task.state, belay: task.status },
    operation: { peer: expected.task.operation, belay: task.operation },
    final: {
      peer: expected.subtasks,
      belay: Object.fromEntries(task.subtasks.map(({ name, status }) => [name, status])),
    },
    log: { peer: chain ? expected.log : expected.log.toSorted(), belay: chain ? log : log.toSorted() },
    waves: { peer: collapsed(expected.waves), belay: collapsed(told) },
    refused: { peer: expected.rejected.map(([verb, code]) => [verb, REFUSALS[code]]), belay: commanded.refused },
    runTime: {
      peer: Object.fromEntries(given.graph.nodes.map(({ id }) => [id, expected.runTime[id] ?? 1])),
      belay: Object.fromEntries(given.graph.nodes.map(({ id }) => [id, nodes.get(idOf(id))?.runTime])),
    },
    contract: {
      peer: given.belay && flat(given.belay),
      belay: given.belay && (await ownContract(given, play, commanded)),
    },
  };
  await play.close();
  return { facts: factsOf(facts) };
}

function settingOf(given: OcpCase): { document: PlanDocument; scripts: Record<string, NodeScript> } {
  const scripts = given.graph.nodes.map(({ id, behaviour = {} }): [string, NodeScript] => [
    idOf(id),
    { run: (behaviour.execute ?? ["ok"]).join(","), undo: (behaviour.rollback ?? ["ok"]).join(",") },
  ]);
  const nodes = given.graph.nodes.map(
    (node): NodeDocument => ({
      id: idOf(node.id),
      name: node.id,
      action: "do",
      compensation: { action: "undo" },
      upstreams: node.upstreams.map(idOf),
      retry: { maxAttempts: (node.retryCount ?? 0) + 1, mode: "compensate-first" },
      ...(node.prohibitRollback === true ? { prohibitRollback: true } : {}),
      ...(node.timeoutS === undefined ? {} : { timeout: node.timeoutS }),
      ...(node.seriesId === undefined ? {} : { seriesId: node.seriesId }),
    }),
  );
  return { document: { belay: 1, name: "peer", nodes }, scripts: Object.fromEntries(scripts) };
}

function namesOf(given: OcpCase): ReadonlyMap<string, string> {
  return new Map(given.graph.nodes.map(({ id }) => [idOf(id), id]));
}

interface Commanded {
  readonly snapshot: RunSnapshot;
  /** `[verb, code]` of what was refused. */
  readonly refused: (readonly [string, string])[];
  /** Of the last refusal of a rollback: the nodes it names. */
  readonly named: readonly string[];
}

/** Plays the commands, each once the run rests. */
async function command(play: CasePlay, given: OcpCase): Promise<Commanded> {
  const refused: (readonly [string, string])[] = [];
  let named: readonly string[] = [];
  let snapshot = await rested(play);
  for (const line of given.commands.slice(1)) {
    const [verb = "", ...rest] = line.split(" ");
    const error = await refusalOf(verbOf(play, verb, idOf(rest.join(" "))));
    if (error !== undefined) {
      refused.push([verb, error.code]);
      named = (error.details["nodes"] ?? []) as readonly string[];
    }
    snapshot = await rested(play);
  }
  play.judge(snapshot);
  return { snapshot, refused, named };
}

function verbOf({ run }: CasePlay, verb: string, node: string): Promise<RunSnapshot> {
  if (verb === "rollback") return run.rollback();
  if (verb === "retry") return run.retry();
  if (verb === "skip") return run.skip(node);
  throw new Error(`the mapping does not know the command ${verb}`);
}

async function refusalOf(call: Promise<unknown>): Promise<BelayError | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (error instanceof BelayError) return error;
    throw error;
  }
}

async function rested(play: CasePlay): Promise<RunSnapshot> {
  const snapshot = await play.play();
  if (snapshot === undefined) throw new Error(`I11: run ${play.run.id} does not come to rest`);
  return snapshot;
}

/** Names of the nodes that were ready before anything ended. */
function readyAtFirst({ rig, run }: CasePlay): readonly string[] {
  const ready = new Set(
    rig.trace.flatMap((entry) =>
      entry.kind === "event" && entry.event.type === "node:ready" ? [entry.event.nodeId] : [],
    ),
  );
  return setOf(run.snapshot().nodes.flatMap(({ id, name }) => (ready.has(id) ? [name] : [])));
}

/** The trace in OCP's words, one line per call that ended, and per skip. */
function logOf(trace: readonly TraceEntry[], names: ReadonlyMap<string, string>): string[] {
  const attempts = new Map<string, number>();
  let rollingBack = false;
  return trace.flatMap((entry) => {
    if (entry.kind === "event") {
      rollingBack = entry.event.type === "run:rolling-back" || (rollingBack && entry.event.type !== "run:retrying");
      const skipped = entry.event.type === "node:skipped" && entry.event.reason === "operator";
      return skipped && "nodeId" in entry.event ? [`${names.get(entry.event.nodeId)} SKIP`] : [];
    }
    if (entry.kind !== "end" && entry.kind !== "undo-end") return [];
    const again = (attempts.get(entry.node) ?? 0) > 0;
    if (entry.kind === "end") attempts.set(entry.node, (attempts.get(entry.node) ?? 0) + 1);
    const forward = again ? "RETRY.run" : "EXECUTE";
    const what = entry.kind === "end" ? forward : rollingBack ? "ROLLBACK" : "RETRY.rollback";
    return [`${names.get(entry.node)} ${what} ${entry.ok ? "ok" : "fail"}`];
  });
}

/** Waves as sets, a set that comes again at once counted once. */
function collapsed(waves: readonly (readonly string[])[]): readonly string[] {
  return waves.map((wave) => wave.toSorted().join(" + ")).filter((wave, place, all) => wave !== all[place - 1]);
}

/** What the data say of this project's contract, in the form of `ownContract`. */
function flat(own: OwnContract): Record<string, unknown> {
  const { rollback, rollbackToBarrier: barrier } = own;
  return {
    started: setOf(own.started),
    compensated: setOf(rollback.compensated),
    run: rollback.run ?? "FAILED",
    refused: rollback.refused === undefined ? [] : [rollback.refused, setOf(rollback.nodes ?? [])],
    ...(barrier && { barrier: [setOf(barrier.compensated), setOf(barrier.left), barrier.run] }),
  };
}

async function ownContract(
  given: OcpCase,
  play: CasePlay,
  { refused, named }: Commanded,
): Promise<Record<string, unknown>> {
  const names = namesOf(given);
  const nameSet = (ids: readonly string[]): readonly string[] => setOf(ids.map((id) => names.get(id) as string));
  const outcome = {
    started: nameSet(play.rig.started()),
    compensated: nameSet(play.rig.undone()),
    run: play.run.snapshot().status,
    refused: refused.length === 0 ? [] : [refused[0]?.[1], nameSet(named)],
  };
  if (given.belay?.rollbackToBarrier === undefined) return outcome;
  const other = await openPlay(settingOf(given));
  await other.play();
  await other.run.rollback({ to: "barrier" });
  const snapshot = await rested(other);
  other.judge(snapshot, "barrier");
  const left = snapshot.nodes.filter(({ started, status }) => started && status !== "COMPENSATED");
  await other.close();
  return { ...outcome, barrier: [nameSet(other.rig.undone()), setOf(left.map(({ name }) => name)), snapshot.status] };
}
