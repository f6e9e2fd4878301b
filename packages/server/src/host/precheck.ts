/**
 * A plan's checks without the plan: its reading steps are carried out by the same actions, on a journal that is forgotten, and nothing
 * else is. Owns: which steps those are, how long they may take. What they say is what the run's own checks would say now.
 *
 * By itself these are the steps that declare `effect: none` and stand only below such steps. A plan that keeps to another's published
 * graph may not declare it: then the caller names the steps, which must not read what others put out.
 */
import {
  type ActionRegistry,
  type Clock,
  createEngine,
  definePlan,
  type Engine,
  type Json,
  type NodeDocument,
  type NodeFailure,
  type NodeSnapshot,
  type Plan,
  systemClock,
} from "@belay/engine";

/** What the checks said. */
export type Precheck =
  /** `outputs`: what each step found, by node id. */
  | { readonly kind: "passed"; readonly outputs: Readonly<Record<string, Json | undefined>> }
  /** At least one step refused; in the order of the plan. */
  | { readonly kind: "refused"; readonly failures: readonly (NodeFailure & { readonly node: string })[] }
  /** There was no answer in time: nobody can tell. */
  | { readonly kind: "undecided" };

/** What `Prechecks.check` takes. */
export interface PrecheckRequest {
  readonly plan: Plan;
  readonly params: Readonly<Record<string, Json>>;
  /** Ids of the steps to carry out, instead of those in `CHECK_STEPS`, or those that declare `effect: none`. */
  readonly nodes?: readonly string[];
  /** Milliseconds for all of it. */
  readonly timeoutMs: number;
}

/** Shipped plans that keep to another's published graph, and the steps of them that check and only read. */
const CHECK_STEPS: ReadonlyMap<string, readonly string[]> = new Map([
  ["oceanbase-failover", ["failover-to-primary-check"]],
  ["oceanbase-switchover", ["prepare-switchover"]],
]);

/** A plan of a site may have a shipped plan's name and other steps. */
function checkSteps({ document: { name, nodes } }: Plan): readonly string[] | undefined {
  const known = CHECK_STEPS.get(name)?.filter((id) => nodes.some((node) => node.id === id)) ?? [];
  return known.length === 0 ? undefined : known;
}

/** Carries out checks, one engine for all of them. */
export class Prechecks {
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #plans = new WeakMap<Plan, Map<string, Plan | undefined>>();

  private constructor(engine: Engine, clock: Clock) {
    this.#engine = engine;
    this.#clock = clock;
  }

  static async open(actions: ActionRegistry, clock: Clock = systemClock): Promise<Prechecks> {
    return new Prechecks(await createEngine({ actions, clock, graceMs: 0 }), clock);
  }

  /** Fails with PARAMS_INVALID, UNKNOWN_ACTION, INVALID_ARGUMENT as a start would. */
  async check({ plan, params, nodes = checkSteps(plan), timeoutMs }: PrecheckRequest): Promise<Precheck> {
    const reading = this.#reading(plan, nodes);
    if (reading === undefined) return { kind: "passed", outputs: {} };
    const run = await this.#engine.start(reading, { params });
    let forgetTimer = (): void => undefined;
    const late = new Promise<undefined>((resolve) => {
      forgetTimer = this.#clock.schedule(timeoutMs, () => resolve(undefined));
    });
    const settled = await Promise.race([run.settled(), late]);
    forgetTimer();
    void this.#forget(run.id);
    if (settled === undefined) return { kind: "undecided" };
    const failed = settled.nodes.filter((node) => node.error !== null && node.status !== "SUCCESSFUL");
    if (failed.length > 0) return { kind: "refused", failures: failed.map(failureOf) };
    return { kind: "passed", outputs: Object.fromEntries(settled.nodes.map(({ id, output }) => [id, output])) };
  }

  async close(): Promise<void> {
    await this.#engine.close();
  }

  async #forget(id: string): Promise<void> {
    const run = this.#engine.run(id);
    try {
      if (run?.snapshot().status === "RUNNING") await run.cancel();
      await run?.settled();
      if (run?.snapshot().status !== "SUCCESSFUL") await run?.abandon();
      this.#engine.forget(id);
    } catch {
      // The engine closes, and forgets all of them.
    }
  }

  #reading(plan: Plan, nodes: readonly string[] | undefined): Plan | undefined {
    const key = nodes?.join("\n") ?? "";
    const known = this.#plans.get(plan) ?? new Map<string, Plan | undefined>();
    this.#plans.set(plan, known);
    if (!known.has(key)) known.set(key, readingPlan(plan, nodes));
    return known.get(key);
  }
}

function failureOf({ id, error }: NodeSnapshot): NodeFailure & { readonly node: string } {
  return { node: id, ...(error as NodeFailure) };
}

/** The plan of the reading steps alone; undefined when there is none. */
export function readingPlan(plan: Plan, named?: readonly string[]): Plan | undefined {
  const { document } = plan;
  const ids = named === undefined ? readingHead(document.nodes) : new Set(named);
  if (ids.size === 0) return undefined;
  const nodes = document.nodes
    .filter(({ id }) => ids.has(id))
    .map(({ downstreams: _, upstreams, prohibitRollback: __, compensation: ___, retry: ____, ...node }) => ({
      ...node,
      ...(upstreams === undefined ? {} : { upstreams: upstreams.filter((id) => ids.has(id)) }),
    }));
  const { locks: _, onFailure: __, timeout: ___, ...rest } = document;
  return definePlan({ ...rest, failureMode: "continue", nodes });
}

/** Ids of the steps that read and stand below reading steps only. Edges may be written on either side. */
function readingHead(nodes: readonly NodeDocument[]): ReadonlySet<string> {
  const above = new Map<string, Set<string>>(nodes.map(({ id, upstreams }) => [id, new Set(upstreams)]));
  for (const { id, downstreams } of nodes) for (const below of downstreams ?? []) above.get(below)?.add(id);
  const head = new Set<string>();
  for (let before = -1; before < head.size; ) {
    before = head.size;
    for (const { id, effect, when, trigger, always } of nodes) {
      const plain = when === undefined && trigger === undefined && always === undefined;
      if (effect === "none" && plain && [...(above.get(id) ?? [])].every((upstream) => head.has(upstream)))
        head.add(id);
    }
  }
  return head;
}
