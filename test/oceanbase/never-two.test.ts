/**
 * Drawn lives of both switchovers: calls that fail before or after their effect, servers that die and come back, operators who retry,
 * skip, roll back and pass over what cannot be undone. Whatever they do, two never take writes at once, and whoever is primary stays it
 * unless a statement says otherwise.
 */
import { type ActionRegistry, createEngine, type Run } from "@belay/engine";
import { injectFailure } from "@belay/failover-plans";
import { oceanBaseActions, oceanBaseTenantActions } from "@belay/failover-plans/oceanbase";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clusterStage, PARAMS, planOf, tenantStage } from "./switchover-rig.ts";

const VERBS = ["retry", "rollback", "skip", "skipRollback"] as const;

/** What an operator asks once the run rests, and who is dead meanwhile. */
const event = fc.record({
  verb: fc.constantFrom(...VERBS),
  dead: fc.constantFrom("nobody", "nobody", "north", "south", "both"),
});
/** Which calls of the port fail, by number. */
const fault = fc.record({ call: fc.nat(60), moment: fc.constantFrom("before" as const, "after" as const) });
const life = fc.record({
  faults: fc.array(fault, { maxLength: 2 }),
  /** Place of the node that fails at first; beyond the last: none. The later ones count. */
  failing: fc.integer({ min: 2, max: 10 }),
  when: fc.constantFrom("before" as const, "after" as const),
  events: fc.array(event, { minLength: 1, maxLength: 6 }),
});
type Life = typeof life extends fc.Arbitrary<infer T> ? T : never;

const SITES = ["north", "south"] as const;

/** A new primary that does not answer, whose undo is passed over. */
const PASSED_OVER: Life = {
  faults: [],
  failing: 8,
  when: "before",
  events: [
    { verb: "rollback", dead: "south" },
    { verb: "skipRollback", dead: "south" },
    { verb: "rollback", dead: "nobody" },
  ],
};

interface World {
  readonly name: string;
  readonly actions: ActionRegistry;
  readonly model: { readonly writers: readonly (readonly string[])[] };
  readonly setSite: (site: string, alive: boolean) => Promise<void>;
}

/** Calls fail as drawn, by number. */
function failing({ faults }: Life) {
  let calls = 0;
  const hit = (moment: string): void => {
    if (faults.some((drawn) => drawn.call === calls && drawn.moment === moment)) {
      throw new Error(`connection lost ${moment} the effect`);
    }
  };
  return {
    before: () => {
      calls += 1;
      hit("before");
    },
    after: () => hit("after"),
  };
}

async function live({ name, actions: sound, model, setSite }: World, drawn: Life): Promise<void> {
  const plan = planOf(name, "pause");
  const node = plan.document.nodes[drawn.failing]?.id;
  const actions = node === undefined ? sound : injectFailure(sound, plan, node, drawn.when);
  const engine = await createEngine({ actions });
  try {
    const run = await engine.start(plan, { params: PARAMS[name] ?? {} });
    await run.settled();
    for (const { verb, dead } of drawn.events) {
      for (const site of SITES) await setSite(site, dead !== site && dead !== "both");
      await operate(run, verb);
      await run.settled();
    }
    // Whoever is dead comes back in the end, as what he was.
    for (const site of SITES) await setSite(site, true);
    for (const names of model.writers) expect(names.length, JSON.stringify(model.writers)).toBeLessThanOrEqual(1);
  } finally {
    await engine.close();
  }
}

/** Waits end after some looks, as they would when the attempt's time is over. */
function impatient(): () => Promise<void> {
  let looks = 0;
  return async () => {
    looks += 1;
    if (looks % 40 === 0) throw new Error("out of patience");
  };
}

/** A verb that is refused changes nothing. */
async function operate(run: Run, verb: (typeof VERBS)[number]): Promise<void> {
  const { nodes } = run.snapshot();
  const failed = nodes.find(({ status }) => status === "FAILED")?.id ?? "";
  const stuck = nodes.find(({ compensation }) => compensation?.error != null)?.id ?? failed;
  const asked = verb === "skip" ? run.skip(failed) : verb === "skipRollback" ? run.skipRollback(stuck) : run[verb]();
  await asked.catch((error: unknown) => expect((error as { code?: string }).code).toMatch(/^[A-Z_]+$/));
}

const RUNS = { numRuns: 50, examples: [[PASSED_OVER], [{ ...PASSED_OVER, failing: 5 }]] as [Life][] };

describe("R33: never two primaries, whatever happens", () => {
  test("R33: in drawn lives of the cluster switchover", async () => {
    await fc.assert(
      fc.asyncProperty(life, async (drawn) => {
        const stage = await clusterStage("memory", { switchingLooks: 1, ...failing(drawn) });
        const setSite = async (site: string, alive: boolean): Promise<void> => {
          for (const zone of [1, 2, 3]) stage.model.setServer(`${site}-z${zone}:2881`, alive);
        };
        const actions = oceanBaseActions(stage.control, { sleep: impatient() });
        await live({ name: "oceanbase-switchover", actions, model: stage.model, setSite }, drawn);
      }),
      RUNS,
    );
  });

  test("R33: in drawn lives of the tenant switchover", async () => {
    await fc.assert(
      fc.asyncProperty(life, async (drawn) => {
        const stage = await tenantStage("memory", { switchingLooks: 1, ...failing(drawn) });
        const setSite = async (site: string, alive: boolean): Promise<void> => stage.model.setAlive(site, alive);
        const actions = oceanBaseTenantActions({ ...stage, sleep: impatient() });
        await live({ name: "oceanbase-tenant-switchover", actions, model: stage.model, setSite }, drawn);
      }),
      RUNS,
    );
  });
});
