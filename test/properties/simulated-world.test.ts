/**
 * Embedders prove their own plan: a world of theirs, what calls do to it, and what must hold of it whatever goes wrong.
 * The world here has two database servers, of which at most one may take writes (I12).
 */
import { definePlan, type PlanDocument } from "@belay/engine";
import {
  failureReport,
  type SimulatedEffect,
  type SimulatedWorld,
  type SimulationOptions,
  shrinkFailure,
  simulate,
} from "@belay/engine/testing";
import { describe, expect, test } from "vitest";

const SEEDS = Array.from({ length: 1000 }, (_, place) => place + 1);

/** The old primary is fenced, then the new one promoted; undone in the other order. */
const FAILOVER: PlanDocument = {
  belay: 1,
  name: "failover",
  onFailure: "rollback",
  nodes: [
    {
      id: "fence",
      action: "fence",
      retry: { maxAttempts: 2 },
      compensation: { action: "unfence", retry: { maxAttempts: 3 } },
    },
    { id: "promote", action: "promote", timeout: 10, upstreams: ["fence"], compensation: { action: "demote" } },
    { id: "route", action: "route", upstreams: ["promote"], split: { over: "['eu', 'us']" } },
  ],
};

/** Promotes beside the fencing instead of after it. */
const HASTY: PlanDocument = {
  ...FAILOVER,
  nodes: FAILOVER.nodes.map((node) => (node.id === "promote" ? { ...node, upstreams: [] } : node)),
};

/** Two servers: each is told to take writes, or not to. */
function servers(log: SimulatedEffect[] = []): SimulatedWorld {
  let oldWrites = true;
  let newWrites = false;
  return {
    apply(effect) {
      log.push(effect);
      if (effect.node === "fence") oldWrites = effect.compensation;
      if (effect.node === "promote") newWrites = !effect.compensation;
    },
    check({ status }) {
      if (oldWrites && newWrites) return "both servers take writes";
      return status === "ROLLED_BACK" && !oldWrites ? "rolled back, and nobody takes writes" : undefined;
    },
  };
}

/**
 * What a call that comes late does, no engine can prevent: that is what fencing tokens are for (R40). Nor does it prevent an
 * operator from skipping the fence.
 */
const ODDS = { crashes: 0.1, operators: 0, faults: { late: 0 } } as const;

describe("a world of one's own", () => {
  test("I12: a plan that is right holds whatever goes wrong", () => {
    const plan = definePlan(FAILOVER);
    const statuses = new Set<string>();
    for (const seed of SEEDS) {
      const result = simulate(plan, { ...ODDS, seed, world: servers });
      expect(result.violations, `seed ${seed}`).toEqual([]);
      statuses.add(result.snapshot.status);
    }
    expect([...statuses]).toEqual(expect.arrayContaining(["SUCCESSFUL", "ROLLED_BACK"]));
  });

  test("I12: a plan that is wrong is found, and shown by its shortest trace", () => {
    const plan = definePlan(HASTY);
    const options = SEEDS.map((seed): SimulationOptions => ({ ...ODDS, seed, world: servers }));
    const failing = options.find((one) => simulate(plan, one).violations.length > 0) as SimulationOptions;
    const small = shrinkFailure({ document: HASTY, options: failing }, { runs: 1000 });
    expect(small.document).toBe(HASTY);
    const { violations, trace } = simulate(plan, small.options);
    expect(violations.map(({ message }) => message)).toEqual(["I12: both servers take writes"]);
    expect(trace.filter(({ kind }) => kind === "start").length).toBeLessThanOrEqual(2);
    expect(failureReport(small)).toMatch(/^I12: both servers take writes\nseed: \d+, after \d+ steps/);
  });

  test("R43: an attempt takes effect once, however often it is made, and a crash undoes nothing", () => {
    const plan = definePlan(FAILOVER);
    let repeated = 0;
    for (const seed of SEEDS.slice(0, 300)) {
      const log: SimulatedEffect[] = [];
      const result = simulate(plan, { ...ODDS, crashes: 0.3, seed, world: () => servers(log) });
      expect(new Set(log.map(({ idempotencyKey }) => idempotencyKey)).size, `seed ${seed}`).toBe(log.length);
      repeated += result.trace.filter((entry) => entry.kind === "start" && entry.again === true).length;
    }
    expect(repeated).toBeGreaterThan(100);
  });

  test("R24, R43: an effect says which node, member, attempt and action it is of", () => {
    const log: SimulatedEffect[] = [];
    const options = { seed: 1, crashes: 0, operators: 0, faults: NO_FAULTS, world: () => servers(log) };
    expect(simulate(definePlan(FAILOVER), options).violations).toEqual([]);
    expect(log.map(({ id, item, action, attempt }) => [id, item, action, attempt])).toEqual([
      ["fence", undefined, "fence", 1],
      ["promote", undefined, "promote", 1],
      ...["route[0]", "route[1]"].map((id) => [id, id === "route[0]" ? "eu" : "us", "route", 1]).sort(byLog(log)),
    ]);
  });

  test("R50: a world changes no story", () => {
    const plan = definePlan(FAILOVER);
    for (const seed of SEEDS.slice(0, 100)) {
      expect(simulate(plan, { ...ODDS, seed, world: servers }).journal).toBe(simulate(plan, { ...ODDS, seed }).journal);
    }
  });
});

const NO_FAULTS = { error: 0, fatal: 0, timeout: 0, hang: 0, "reply-lost": 0, duplicate: 0, late: 0, deaf: 0 } as const;

/** The order in which two members answer is drawn. */
function byLog(log: readonly SimulatedEffect[]): (a: unknown[], b: unknown[]) => number {
  const place = ([id]: unknown[]): number => log.findIndex((effect) => effect.id === id);
  return (a, b) => place(a) - place(b);
}
