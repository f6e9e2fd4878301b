/**
 * Failovers and switchovers of real MariaDB servers while clients write: what they lose (nothing). `BELAY_DRILLS=20` repeats each
 * so often and prints what was measured.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { startMariadbWorkload, type WorkloadReport } from "@belay/failover-plans/local-mariadb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { explain, hasMariadb, LiveDrill, outputOf, type Roles } from "./live-drill.ts";

const ROUNDS = Number(process.env["BELAY_DRILLS"] ?? 1);
const ROUND_TIMEOUT_MS = 60_000;
const WARM_UP_ROWS = 200;

describe.skipIf(!hasMariadb)("clients that write all the time", () => {
  let drill: LiveDrill;
  beforeAll(async () => {
    drill = await LiveDrill.create();
  });
  afterAll(async () => {
    await drill?.close();
  });

  /** One plan under load; the fault happens right before it. */
  async function underLoad(planName: string, fault: (roles: Roles) => Promise<void>): Promise<WorkloadReport> {
    const { route, clients } = drill.cluster;
    const workload = await startMariadbWorkload({ route, clients });
    try {
      const roles = await drill.roles();
      await rows(workload.acknowledged, WARM_UP_ROWS);
      workload.mark();
      await fault(roles);
      const [candidate = ""] = roles.replicas;
      const planned = planName === "mariadb-switchover" ? { candidate } : {};
      const { snapshot } = await drill.start(planName, { ...roles, ...planned });
      expect(snapshot.status, explain(snapshot)).toBe("SUCCESSFUL");
      expect(outputOf(snapshot, "rejoinOld"), explain(snapshot)).toMatchObject({ node: roles.writer });
      await rows(workload.acknowledged, workload.acknowledged() + WARM_UP_ROWS);
      const report = await workload.report();
      const { writer } = await drill.roles();
      expect(writer).not.toBe(roles.writer);
      expect(report).toMatchObject({
        acknowledgedLost: 0,
        allNodesEqual: true,
        writers: [writer],
        writesResumed: true,
      });
      await drill.expectHealthy(writer);
      return report;
    } finally {
      await workload.stop();
    }
  }

  async function rows(acknowledged: () => number, count: number): Promise<void> {
    const deadline = performance.now() + 20_000;
    while (acknowledged() < count) {
      if (performance.now() > deadline) throw new Error(`clients have written ${acknowledged()} of ${count} rows`);
      await sleep(20);
    }
  }

  async function repeat(planName: string, fault: (roles: Roles) => Promise<void>): Promise<void> {
    const reports: WorkloadReport[] = [];
    for (let round = 0; round < ROUNDS; round++) reports.push(await underLoad(planName, fault));
    if (ROUNDS === 1) return;
    const windows = reports.map(({ unavailabilityMs }) => unavailabilityMs).sort((a, b) => a - b);
    const acknowledged = reports.reduce((sum, report) => sum + report.acknowledged, 0);
    const median = windows[Math.floor(windows.length / 2)];
    // biome-ignore lint/suspicious/noConsole: figures were asked for.
    console.warn(
      `${planName}: ${reports.length} rounds, ${acknowledged} rows acknowledged, 0 lost; window ms median ${median}, ${windows[0]} to ${windows.at(-1)}`,
    );
  }

  test(
    "a failover after kill -9 loses no acknowledged row and leaves one writer and equal servers",
    () => repeat("mariadb-failover", ({ writer }) => drill.cluster.control.kill(writer)),
    ROUNDS * ROUND_TIMEOUT_MS,
  );

  test(
    "a switchover loses no acknowledged row and leaves one writer and equal servers",
    () => repeat("mariadb-switchover", async () => undefined),
    ROUNDS * ROUND_TIMEOUT_MS,
  );
});
