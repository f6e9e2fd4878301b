/** Every shipped plan, over thousands of simulated lives: faults, crashes and operators break no rule (R10-R43, I11). */
import type { Json } from "@belay/engine";
import { failureReport, simulate } from "@belay/engine/testing";
import { loadPlan, planNames } from "@belay/failover-plans";
import { expect, test } from "vitest";

const SEED = 20_261_125;
const LIVES = 1_500;

interface Setting {
  readonly params: Readonly<Record<string, Json>>;
  /** What later nodes read. */
  readonly outputs: Readonly<Record<string, Json>>;
}

const standby = (name: string): Json => ({ name, primaryConninfo: `host=${name}` });

const SETTINGS: Readonly<Record<string, Setting>> = {
  "oceanbase-failover": { params: { clusterId: 5 }, outputs: {} },
  "postgres-failover": {
    params: { cluster: "main", primary: "a", standbys: ["b", "c"] },
    outputs: {
      checkStandbys: {
        usable: [standby("b"), standby("c")],
        names: ["b", "c"],
        required: 2,
        seenLsn: "0/1",
        timeline: 1,
      },
      fence: { checkpointLsn: "0/1", publishEpoch: 7 },
      rank: { candidate: "b", others: ["c"] },
    },
  },
  "postgres-rejoin": { params: { cluster: "main", node: "a", writer: "b" }, outputs: {} },
  "postgres-switchover": {
    params: { cluster: "main", primary: "a", candidate: "b", standbys: ["b", "c"] },
    outputs: { precheck: { timeline: 1, others: ["c"] }, dropRoute: { publishEpoch: 7 } },
  },
};

test("every shipped plan has a setting to be played in", () => {
  expect(Object.keys(SETTINGS).sort()).toEqual(planNames());
});

test.each(Object.entries(SETTINGS))(
  "R10-R43, I11: %s keeps every rule in every life",
  { timeout: 120_000 },
  (name, setting) => {
    const plan = loadPlan(name);
    const ends = new Set<string>();
    for (let life = 0; life < LIVES; life++) {
      const outputs = (id: string): Json | undefined => setting.outputs[id.replace(/\[\d+\]$/, "")];
      const options = { seed: SEED + life, params: setting.params, outputs, crashes: 0.1, operators: 0.1 };
      const { violations, snapshot } = simulate(plan, options);
      if (violations.length > 0) throw new Error(failureReport({ document: plan.document, options }));
      ends.add(snapshot.status);
    }
    // The lives are worth something: runs succeed, and runs are undone.
    expect(ends).toContain("SUCCESSFUL");
    expect(ends.size).toBeGreaterThan(2);
  },
);
