/**
 * Whole scenarios from flat lists of small numbers: a valid plan, its parameters, what every action does, and the order
 * in which things happen. Owns: how a seed becomes a plan. Flat seeds are what makes a counterexample shrink to few
 * nodes, few edges and few options. Does not own: where the seeds come from (`arbitraries.ts`).
 */
import type {
  CompensationDocument,
  FailureMode,
  Json,
  NodeDocument,
  PlanDocument,
  RetryDocument,
  SplitDocument,
  Trigger,
} from "../../plan/document.ts";
import type { NodeScript, Scripts } from "../rig/action-rig.ts";

/** How the edges of a plan run. */
export type Shape = "chain" | "fan-out" | "fan-in" | "layers" | "diamonds" | "random";

export interface Scenario {
  readonly document: PlanDocument;
  readonly params: Readonly<Record<string, Json>>;
  readonly scripts: Scripts;
  /** For `driveRun`: what happens next, one number per step. */
  readonly choices: readonly number[];
}

/** All that decides a scenario. */
export interface ScenarioSeed {
  readonly shape: Shape;
  readonly seeds: readonly NodeSeed[];
  readonly failureMode: FailureMode | undefined;
  readonly onFailure: "pause" | "rollback" | undefined;
  /** false: the nodes' priorities are left out. */
  readonly priorities: boolean;
  readonly choices: readonly number[];
  /** Seconds for the whole run. */
  readonly timeout: number | undefined;
  /** The plan prohibits rollback as a whole. */
  readonly prohibitRollback: true | undefined;
  /** Nodes that clean up after others. */
  readonly teardowns: readonly TeardownSeed[];
  readonly defaults: PlanDocument["defaults"];
}

/** All that decides one teardown. */
export interface TeardownSeed {
  /** Places of the nodes it cleans up after, each taken modulo their number. */
  readonly setups: readonly number[];
  /** Place of a teardown that comes before it, modulo its own place. */
  readonly after: number | undefined;
  readonly retry: RetryDocument | undefined;
  readonly onFailure: "continue" | undefined;
  readonly trigger: Trigger | undefined;
  readonly run: string;
  readonly when: string | undefined;
  /** Seconds. */
  readonly timeout: number | undefined;
}

/** All that decides one node and what its action does. */
export interface NodeSeed {
  /** Places of upstreams in a random graph, each taken modulo the node's own place. */
  readonly picks: readonly number[];
  readonly trigger: Trigger | undefined;
  readonly split: SplitDocument | undefined;
  /** Expand over the first upstream's output instead, when that is no group. */
  readonly dynamic: true | undefined;
  /** Length of the list this node's output offers to groups below. */
  readonly items: number;
  readonly retry: RetryDocument | undefined;
  readonly compensation: CompensationDocument | undefined;
  readonly prohibitRollback: true | undefined;
  readonly effect: "none" | undefined;
  readonly onFailure: "continue" | undefined;
  readonly when: string | undefined;
  readonly priority: number;
  /** Behaviours of the action; a member of a group takes the one of its index. */
  readonly run: readonly string[];
  readonly undo: string;
  /** Condition that reads the item, for a group; then `when` is left out. */
  readonly itemWhen: string | undefined;
  readonly pool: string | undefined;
  /** Seconds. */
  readonly timeout: number | undefined;
  readonly totalTimeout: number | undefined;
  readonly heartbeatTimeout: number | undefined;
  readonly undoTimeout: number | undefined;
  /** Waits instead of calling an action: what an action would be undone by, or prohibit, is left out. */
  readonly waits: "belay.wait" | "belay.approval" | "belay.signal" | undefined;
  /** How many people must approve, and who may; for an approval. */
  readonly required: number | undefined;
  readonly approvers: readonly string[] | undefined;
  /** Left out when a node before has the same. */
  readonly seriesId: number | undefined;
  /** Its condition is whether the first upstream's status is SUCCESSFUL, or is not; left out beside another condition. */
  readonly asks: string | undefined;
}

/** The pools of scenarios: `createEngine({ pools: SCENARIO_POOLS })`. */
export const SCENARIO_POOLS: Readonly<Record<"narrow" | "wide", { readonly concurrency: number }>> = {
  narrow: { concurrency: 1 },
  wide: { concurrency: 2 },
};

/** Names of the lists in the parameters that a group may expand over. */
export const LISTS: readonly string[] = ["one", "two", "three"];
const PARAMS: Readonly<Record<string, Json>> = {
  one: ["a"],
  two: ["a", "b"],
  three: ["a", "b", "c"],
  yes: true,
  no: false,
};
const PARAMS_SCHEMA: NonNullable<PlanDocument["params"]> = {
  type: "object",
  properties: {
    ...Object.fromEntries(LISTS.map((name) => [name, { type: "array", items: { type: "string" } }])),
    yes: { type: "boolean" },
    no: { type: "boolean" },
  },
  required: [...LISTS, "yes", "no"],
};

/** Seconds of one attempt of a node that may hang. */
const TIMEOUT_S = 7;

/** The scenario of a seed. Declared nodes are `n0`, `n1`, ... in an order in which upstreams come first. */
export function buildScenario(seed: ScenarioSeed): Scenario {
  const { shape, seeds, failureMode, priorities, choices, timeout, prohibitRollback } = seed;
  // R33: who prohibits rollback cannot ask for one.
  const onFailure = prohibitRollback ? undefined : seed.onFailure;
  const nodes = seeds.map((node, place) => {
    const upstreams = upstreamsOf(shape, node, place, seeds.length);
    const first = upstreams[0];
    const source = first !== undefined && seeds[Number(first.slice(1))]?.split === undefined ? first : undefined;
    const taken = seeds.slice(0, place).some(({ seriesId }) => seriesId === node.seriesId);
    return nodeDocument(node, { place, upstreams, source, priorities, seriesId: taken ? undefined : node.seriesId });
  });
  const scripts: Record<string, NodeScript> = {};
  for (const [place, node] of seeds.entries()) addScripts(scripts, node, `n${place}`);
  const head = { belay: 1, name: "scenario", params: PARAMS_SCHEMA } as const;
  const settings = optional({ timeout, failureMode, onFailure, prohibitRollback, defaults: seed.defaults });
  const teardowns = seed.teardowns.map((one, place) => teardownDocument(one, place, seeds.length));
  for (const [place, { run }] of seed.teardowns.entries()) scripts[`t${place}`] = { run };
  const document: PlanDocument = { ...head, ...settings, nodes: [...nodes, ...teardowns] };
  return { document, params: PARAMS, scripts, choices };
}

function teardownDocument(
  { setups, after, retry, onFailure, trigger, run, when, timeout }: TeardownSeed,
  place: number,
  nodes: number,
): NodeDocument {
  const upstreams = after === undefined || place === 0 ? [] : [`t${after % place}`];
  return {
    id: `t${place}`,
    action: "do",
    always: { for: [...new Set(setups.map((setup) => `n${setup % nodes}`))] },
    upstreams,
    // A teardown has nothing to undo before its next attempt.
    ...optional({ retry: retry && { maxAttempts: retry.maxAttempts ?? 1 }, onFailure }),
    ...optional({ trigger: upstreams.length === 0 ? undefined : trigger, when }),
    ...optional({ timeout: /hang|obey/.test(run) ? TIMEOUT_S : timeout }),
  };
}

function upstreamsOf(shape: Shape, { picks }: NodeSeed, place: number, total: number): string[] {
  if (place === 0) return [];
  const places = {
    chain: () => [place - 1],
    "fan-out": () => [0],
    "fan-in": () => (place === total - 1 ? range(0, place) : []),
    layers: () => (place < 3 ? [] : range(place - (place % 3) - 3, place - (place % 3))),
    diamonds: () => (place % 3 === 0 ? [place - 2, place - 1].filter((above) => above >= 0) : [place - (place % 3)]),
    random: () => [...new Set(picks.map((pick) => pick % place))],
  }[shape]();
  return places.sort((a, b) => a - b).map((above) => `n${above}`);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

interface Surroundings {
  readonly place: number;
  readonly upstreams: string[];
  /** An upstream whose output a group may expand over. */
  readonly source: string | undefined;
  readonly priorities: boolean;
  readonly seriesId: number | undefined;
}

function nodeDocument(seed: NodeSeed, { place, upstreams, source, priorities, seriesId }: Surroundings): NodeDocument {
  // A reading node has nothing to undo and is no barrier: the plan check refuses it with either.
  const reads = seed.effect === "none" || seed.waits !== undefined;
  const { maxAttempts = 1, mode, ...waits } = seed.retry ?? {};
  const asked = seed.asks && upstreams[0] && `nodes.${upstreams[0]}.status ${seed.asks} 'SUCCESSFUL'`;
  const undoable = !reads && seed.compensation !== undefined;
  const mayHang = seed.run.some((run) => /hang|obey/.test(run));
  const over = seed.dynamic && source !== undefined ? { over: `nodes.${source}.output.items` } : {};
  return {
    id: `n${place}`,
    action: seed.waits ?? "do",
    upstreams,
    ...optional({
      with: withOf(seed),
      trigger: upstreams.length === 0 ? undefined : seed.trigger,
      split: seed.split && { ...seed.split, ...over },
      retry: seed.retry && { maxAttempts, ...waits, ...optional({ mode: undoable ? mode : undefined }) },
      compensation: undoable
        ? seed.compensation && { ...seed.compensation, ...optional({ timeout: seed.undoTimeout }) }
        : undefined,
      prohibitRollback: reads ? undefined : seed.prohibitRollback,
      effect: seed.waits === undefined ? seed.effect : undefined,
      onFailure: seed.onFailure,
      when: (seed.split && seed.itemWhen) ?? seed.when ?? asked,
      priority: priorities ? seed.priority : undefined,
      timeout: mayHang ? TIMEOUT_S : seed.timeout,
      totalTimeout: seed.totalTimeout,
      heartbeatTimeout: seed.heartbeatTimeout,
      pool: seed.waits === undefined ? seed.pool : undefined,
      seriesId,
    }),
  };
}

function withOf({ waits, required, approvers }: NodeSeed): NodeDocument["with"] {
  if (waits === "belay.wait") return { seconds: 2 };
  const rule = optional({ required, approvers });
  return waits === "belay.approval" && Object.keys(rule).length > 0 ? rule : undefined;
}

function addScripts(scripts: Record<string, NodeScript>, { run, undo, split, items }: NodeSeed, id: string): void {
  const output: Json = { items: ["a", "b", "c"].slice(0, items) };
  scripts[id] = { run: run[0] as string, undo, output };
  if (split === undefined) return;
  for (let index = 0; index < 3; index++) {
    scripts[`${id}[${index}]`] = { run: run[index % run.length] as string, undo, output };
  }
}

export type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the fields that are undefined: a document has no such values. */
export function optional<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
