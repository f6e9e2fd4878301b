/**
 * Fast-check arbitraries of scenarios. Owns: the odds. Fast-check itself is handed in by the caller, so that this entry
 * point can be imported without it; only its types are named here.
 */
import type * as FastCheck from "fast-check";
import { BelayError } from "../../errors.ts";
import type {
  CompensationDocument,
  FailureMode,
  PlanDocument,
  RetryDocument,
  SplitDocument,
  Trigger,
} from "../../plan/document.ts";
import {
  buildScenario,
  LISTS,
  type NodeSeed,
  optional,
  SCENARIO_POOLS,
  type Scenario,
  type Shape,
  type TeardownSeed,
} from "./scenario.ts";

/** The default export of fast-check 4. */
export type FastCheckApi = typeof FastCheck.default;

/** Which features a scenario may use; each defaults to true, but for those that say otherwise. */
export interface ScenarioOptions {
  /** Most declared nodes, teardowns aside; default 12. */
  readonly maxNodes?: number;
  /** Fewest declared nodes; default 1. Above 1 all sizes up to `maxNodes` are as likely, otherwise small plans are. */
  readonly minNodes?: number;
  readonly failures?: boolean;
  readonly groups?: boolean;
  /** Groups over the output of an upstream, expanded at run time; needs `groups`. */
  readonly dynamic?: boolean;
  readonly triggers?: boolean;
  readonly compensations?: boolean;
  readonly prohibiting?: boolean;
  readonly retries?: boolean;
  /** Attempts that never end by themselves, with a timeout that ends them. */
  readonly hanging?: boolean;
  readonly conditions?: boolean;
  /** Intervals between attempts that are drawn from the run's seed; needs `retries`. */
  readonly jitter?: boolean;
  /** Conditions that read the item: decided member by member; needs `groups`. Default false. */
  readonly itemConditions?: boolean;
  /** Nodes in pools of their own: give `SCENARIO_POOLS` to the engine. Default false. */
  readonly pools?: boolean;
  /** Deadlines of attempts, of all attempts, of heartbeats, of compensations and of the whole run. Default false. */
  readonly deadlines?: boolean;
  /** Nodes that wait for time, an approval or a signal (R37). Default false. */
  readonly waiting?: boolean;
  /** Teardowns (`always`). Default false. */
  readonly teardowns?: boolean;
  /** Plans that prohibit rollback as a whole; needs `prohibiting`. Default false. */
  readonly prohibitingPlans?: boolean;
  /** Given `seriesId`s, in any order (R13). Default false. */
  readonly seriesIds?: boolean;
  /** Plans with `defaults` for nodes that say nothing themselves. Default false. */
  readonly defaults?: boolean;
  /** Intervals between attempts of every form, none included; needs `retries`. Default false. */
  readonly intervals?: boolean;
  /** SERIAL groups that tolerate failures; needs `groups`. Default false. */
  readonly serialTolerance?: boolean;
  /** Conditions that read the status of an upstream; needs `conditions`. Default false. */
  readonly statuses?: boolean;
  /** More of what makes lives long: retries, compensate-first, groups, FIRST_SUCCESS, barriers. Default false. */
  readonly eventful?: boolean;
}

const ALL: Required<ScenarioOptions> = {
  minNodes: 1,
  maxNodes: 12,
  failures: true,
  groups: true,
  dynamic: true,
  triggers: true,
  compensations: true,
  prohibiting: true,
  retries: true,
  hanging: true,
  conditions: true,
  jitter: true,
  itemConditions: false,
  pools: false,
  deadlines: false,
  waiting: false,
  teardowns: false,
  prohibitingPlans: false,
  seriesIds: false,
  defaults: false,
  intervals: false,
  serialTolerance: false,
  statuses: false,
  eventful: false,
};

/** Everything a scenario can have: what differential tests draw from. */
export const EVERY_FEATURE: Required<ScenarioOptions> = {
  ...ALL,
  itemConditions: true,
  pools: true,
  deadlines: true,
  waiting: true,
  teardowns: true,
  prohibitingPlans: true,
  seriesIds: true,
  defaults: true,
  intervals: true,
  serialTolerance: true,
  statuses: true,
};

/**
 * A scenario within `options`: a valid plan, its parameters, the actions' scripts, and choices for `driveRun`. Throws
 * INVALID_ARGUMENT for an option that there is not, and for sizes that no plan can have.
 */
export function scenario(fc: FastCheckApi, options: ScenarioOptions = {}): FastCheck.Arbitrary<Scenario> {
  checkOptions(options);
  return new Odds(fc, { ...ALL, ...options }).scenario();
}

function checkOptions(options: ScenarioOptions): void {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(ALL, name));
  const { minNodes, maxNodes } = { ...ALL, ...options };
  const sized =
    Number.isSafeInteger(minNodes) && Number.isSafeInteger(maxNodes) && minNodes >= 1 && maxNodes >= minNodes;
  if (unknown === undefined && sized) return;
  const sizes = `minNodes, ${minNodes}, and maxNodes, ${maxNodes}, must be whole numbers from 1 on, the first not above the second`;
  const message =
    unknown === undefined ? sizes : `there is no option "${unknown}": there are ${Object.keys(ALL).join(", ")}`;
  throw new BelayError("INVALID_ARGUMENT", `scenario: ${message}`);
}

class Odds {
  readonly #fc: FastCheckApi;
  readonly #settings: Required<ScenarioOptions>;

  constructor(fc: FastCheckApi, settings: Required<ScenarioOptions>) {
    this.#fc = fc;
    this.#settings = settings;
  }

  scenario(): FastCheck.Arbitrary<Scenario> {
    const fc = this.#fc;
    const { minNodes, maxNodes } = this.#settings;
    const lengths = { minLength: minNodes, maxLength: maxNodes, ...(minNodes > 1 ? { size: "max" as const } : {}) };
    return fc
      .record({
        shape: fc.constantFrom<Shape>("random", "chain", "fan-out", "fan-in", "layers", "diamonds"),
        seeds: fc.array(this.#node(), lengths),
        failureMode: this.#mostly<FailureMode>(fc.constantFrom<FailureMode>("no-new", "continue", "kill")),
        onFailure: this.#mostly(fc.constantFrom<"pause" | "rollback">("pause", "rollback")),
        priorities: fc.boolean(),
        choices: fc.array(fc.nat(1000), { maxLength: 40 }),
        // Features that came later: a constant draws nothing, so that the scenario of a seed stays what it was.
        timeout: this.#rarely(this.#settings.deadlines, fc.constant(20), 6),
        prohibitRollback: this.#rarely(this.#settings.prohibitingPlans, fc.constant<true>(true), 12),
        teardowns: this.#settings.teardowns
          ? fc.oneof(
              { withCrossShrink: true },
              { arbitrary: fc.constant([]), weight: 2 },
              { arbitrary: fc.array(this.#teardown(), { minLength: 1, maxLength: 3 }), weight: 1 },
            )
          : fc.constant([]),
        defaults: this.#rarely(this.#settings.defaults, this.#defaults(), 6),
      })
      .map(buildScenario);
  }

  #node(): FastCheck.Arbitrary<NodeSeed> {
    const fc = this.#fc;
    const settings = this.#settings;
    const { deadlines, eventful } = settings;
    const often = (weight: number): number => (eventful ? 1 : weight);
    const when = <T>(
      enabled: boolean,
      arbitrary: FastCheck.Arbitrary<T>,
      weight = 4,
    ): FastCheck.Arbitrary<T | undefined> => this.#rarely(enabled, arbitrary, weight);
    return fc.record({
      picks: fc.array(fc.nat(1000), { maxLength: 3 }),
      trigger: when(
        settings.triggers,
        fc.constantFrom<Trigger>("all_finished", "any_succeeded", "any_failed", "all_failed", "none_failed"),
        6,
      ),
      split: when(settings.groups, this.#split(), often(4)),
      dynamic: when(settings.groups && settings.dynamic, fc.constant<true>(true), 2),
      items: fc.nat(3),
      retry: when(settings.retries, this.#retry(), often(4)),
      compensation: when(settings.compensations, this.#compensation(), 1),
      prohibitRollback: when(settings.prohibiting, fc.constant<true>(true), eventful ? 4 : 8),
      effect: when(settings.compensations, fc.constant<"none">("none"), 10),
      onFailure: when(settings.failures, fc.constant<"continue">("continue"), 8),
      when: when(settings.conditions, fc.constantFrom("params.yes", "params.no"), 8),
      priority: fc.integer({ min: -1, max: 2 }),
      run: fc.array(this.#behaviours(), { minLength: 1, maxLength: 3 }),
      undo: settings.failures ? this.#undoBehaviours() : fc.constant("ok"),
      // Features that came later: a constant draws nothing, so that the scenario of a seed stays what it was.
      itemWhen: when(settings.groups && settings.itemConditions, fc.constant("item != 'b'"), 8),
      pool: when(settings.pools, fc.constantFrom(...Object.keys(SCENARIO_POOLS)), 2),
      timeout: when(deadlines, fc.constantFrom(3, 7), 3),
      totalTimeout: when(deadlines, fc.constantFrom(5, 11), 6),
      heartbeatTimeout: when(deadlines, fc.constant(4), 8),
      undoTimeout: when(deadlines, fc.constant(6), 4),
      waits: when(
        settings.waiting,
        fc.constantFrom<NonNullable<NodeSeed["waits"]>>("belay.wait", "belay.approval", "belay.signal"),
        eventful ? 3 : 6,
      ),
      required: when(settings.waiting, fc.constantFrom(2, 3), 1),
      approvers: when(settings.waiting, fc.constantFrom(["ann", "bob", "cy"], ["bob", "cy", "dee"]), 2),
      seriesId: when(settings.seriesIds, fc.nat(12), 2),
      asks: when(settings.conditions && settings.statuses, fc.constantFrom("==", "!="), 8),
    });
  }

  #teardown(): FastCheck.Arbitrary<TeardownSeed> {
    const fc = this.#fc;
    return fc.record({
      setups: fc.array(fc.nat(63), { minLength: 1, maxLength: 2 }),
      after: this.#mostly(fc.nat(7)),
      retry: this.#rarely(this.#settings.retries, this.#retry(), 3),
      onFailure: this.#rarely(this.#settings.failures, fc.constant<"continue">("continue"), 4),
      trigger: this.#rarely(this.#settings.triggers, fc.constantFrom<Trigger>("all_finished", "any_failed"), 3),
      run: this.#behaviours(),
      when: this.#rarely(this.#settings.conditions, fc.constantFrom("params.yes", "params.no"), 6),
      timeout: this.#rarely(this.#settings.deadlines, fc.constant(3), 4),
    });
  }

  #defaults(): FastCheck.Arbitrary<NonNullable<PlanDocument["defaults"]>> {
    const fc = this.#fc;
    return fc
      .record({
        timeout: this.#rarely(this.#settings.deadlines, fc.constant(9), 1),
        retry: this.#rarely(this.#settings.retries, this.#retry(), 1),
        compensation: this.#rarely(this.#settings.deadlines, fc.constant({ timeout: 8 }), 1),
      })
      .map(optional);
  }

  #intervals(): FastCheck.Arbitrary<RetryDocument | undefined> {
    const fc = this.#fc;
    if (!this.#settings.intervals) return fc.constant(undefined);
    return this.#mostly(
      fc.constantFrom<RetryDocument>(
        { initialInterval: 0 },
        { backoffCoefficient: 1 },
        { initialInterval: 2, backoffCoefficient: 3, maxInterval: 4 },
      ),
      2,
    );
  }

  /** Undefined when the feature is off, and mostly when it is on. */
  #rarely<T>(enabled: boolean, arbitrary: FastCheck.Arbitrary<T>, weight: number): FastCheck.Arbitrary<T | undefined> {
    return enabled ? this.#mostly(arbitrary, weight) : this.#fc.constant(undefined);
  }

  #behaviours(): FastCheck.Arbitrary<string> {
    const fc = this.#fc;
    const { failures, hanging } = this.#settings;
    if (!failures) return fc.constant("ok");
    const one = fc.oneof(
      { arbitrary: fc.constant("ok"), weight: 6 },
      { arbitrary: fc.constant("fail"), weight: 3 },
      { arbitrary: fc.constant("fatal"), weight: 1 },
      ...(hanging ? [{ arbitrary: fc.constantFrom("hang", "obey"), weight: 1 }] : []),
    );
    return fc.array(one, { minLength: 1, maxLength: 3 }).map((list) => list.join(","));
  }

  #undoBehaviours(): FastCheck.Arbitrary<string> {
    const fc = this.#fc;
    return fc.oneof(
      { arbitrary: fc.constant("ok"), weight: 6 },
      { arbitrary: fc.constantFrom("fail", "fail,ok", "fatal,ok"), weight: 1 },
    );
  }

  #split(): FastCheck.Arbitrary<SplitDocument> {
    const fc = this.#fc;
    const { serialTolerance } = this.#settings;
    return fc
      .record({
        over: fc.constantFrom(...LISTS).map((name) => `params.${name}`),
        method: fc.constantFrom<"PARALLEL" | "SERIAL" | "FIRST_SUCCESS">(
          "PARALLEL",
          "SERIAL",
          "FIRST_SUCCESS",
          ...(this.#settings.eventful ? (["FIRST_SUCCESS"] as const) : []),
        ),
        maxConcurrency: this.#mostly(fc.integer({ min: 1, max: 2 })),
        tolerated: this.#mostly(fc.constantFrom<number | string>(1, "50%")),
      })
      .map(({ over, method, maxConcurrency, tolerated }) => {
        // SERIAL runs one member at a time, FIRST_SUCCESS takes neither option.
        if (method === "PARALLEL") return { over, method, ...optional({ maxConcurrency, tolerated }) };
        return method === "SERIAL" && serialTolerance ? { over, method, ...optional({ tolerated }) } : { over, method };
      });
  }

  #retry(): FastCheck.Arbitrary<RetryDocument> {
    const fc = this.#fc;
    const { compensations, eventful, jitter } = this.#settings;
    return fc
      .record({
        maxAttempts: fc.integer({ min: 1, max: 3 }),
        jitter: jitter ? this.#mostly(fc.constant<"full">("full")) : fc.constant(undefined),
        mode: compensations
          ? this.#mostly(fc.constant<"compensate-first">("compensate-first"), eventful ? 1 : 3)
          : fc.constant(undefined),
        intervals: this.#intervals(),
      })
      .map(({ maxAttempts, intervals, ...rest }) => ({ maxAttempts, ...intervals, ...optional(rest) }));
  }

  #compensation(): FastCheck.Arbitrary<CompensationDocument> {
    const fc = this.#fc;
    return fc
      .record({
        when: this.#mostly(fc.constant<"succeeded">("succeeded")),
        retry: this.#mostly(fc.constant<RetryDocument>({ maxAttempts: 2 })),
        intervals: this.#intervals(),
      })
      .map(({ retry, intervals, ...rest }) => {
        return { action: "undo", ...optional({ ...rest, retry: retry && { ...retry, ...intervals } }) };
      });
  }

  /** Undefined `weight` times out of `weight + 1`, and when shrunk. */
  #mostly<T>(arbitrary: FastCheck.Arbitrary<T>, weight = 3): FastCheck.Arbitrary<T | undefined> {
    const fc = this.#fc;
    return fc.oneof({ withCrossShrink: true }, { arbitrary: fc.constant(undefined), weight }, { arbitrary, weight: 1 });
  }
}
