/**
 * What every `PolarControl` must do, whatever its cluster is made of. Each case leaves the cluster whole, so that one cluster serves all.
 * Where a system does something by itself (its status, its log), the harness says so, and the case asks only what holds there too.
 */
import { type PolarCall, type PolarControl, type SwitchOrder, writerOf } from "@belay/failover-plans/polardb";
import { expect } from "vitest";

/** A cluster under test. */
export interface PortHarness {
  readonly control: PolarControl;
  readonly clusterId: string;
  /** Empties the route for an order; the epoch. */
  lead(from: string): Promise<number>;
  /** Names the new writer on the route. */
  publish(writer: string, epoch: number): Promise<void>;
  /** The system shows its status by itself. */
  readonly ownStatus?: boolean;
  /** The system keeps its log by itself. */
  readonly ownLog?: boolean;
}

/** A case by its name. */
export type PortCase = readonly [name: string, run: (harness: PortHarness) => Promise<void>];

let calls = 0;

/** A call that is on nobody's behalf. */
export function callOf(signal: AbortSignal = new AbortController().signal): PolarCall {
  calls += 1;
  return {
    runId: `port-${calls}`,
    nodeId: "switch",
    idempotencyKey: `port-${calls}/switch/1`,
    signal,
    fencingTokens: {},
    log: () => undefined,
    heartbeat: () => undefined,
  };
}

/** The order that makes the first eligible reader the writer. */
export async function orderFor({ control, clusterId }: PortHarness): Promise<SwitchOrder> {
  const cluster = await control.describe(clusterId, callOf());
  const readers = cluster.nodes.filter(({ role }) => role === "Reader").map(({ nodeId }) => nodeId);
  const [to = "", ...others] = readers;
  const from = writerOf(cluster)?.nodeId ?? "";
  return { clusterId, from, to, others, generation: cluster.generation, writerAnswered: true };
}

export const PORT_CASES: readonly PortCase[] = [
  [
    "describes a cluster with one writer and priorities from 1 to 15, and refuses one that it does not know",
    async ({ control, clusterId }) => {
      const { nodes, status, engine } = await control.describe(clusterId, callOf());
      expect([status, engine]).toEqual(["Running", "MySQL"]);
      expect(nodes.filter(({ role }) => role === "Writer")).toHaveLength(1);
      for (const { failoverPriority } of nodes) {
        expect(failoverPriority).toBeGreaterThanOrEqual(1);
        expect(failoverPriority).toBeLessThanOrEqual(15);
      }
      await expect(control.describe("pc-none", callOf())).rejects.toMatchObject({ code: "CLUSTER_UNKNOWN" });
    },
  ],
  [
    "R31: restoring what was never switched changes nothing, as often as it is asked for",
    async (harness) => {
      const { control, clusterId } = harness;
      const order = await orderFor(harness);
      const before = await control.describe(clusterId, callOf());
      await control.restore(order, callOf());
      await control.restore(order, callOf());
      expect(await control.describe(clusterId, callOf())).toEqual(before);
      expect(await control.isSwitched(order, callOf())).toBe(false);
    },
  ],
  [
    "a candidate becomes the only writer; then the switch cannot be undone, and everyone follows",
    async (harness) => {
      const { control, clusterId } = harness;
      const order = await orderFor(harness);
      await control.checkCandidate(order, callOf());
      const epoch = await harness.lead(order.from);
      await control.switchTo({ ...order, epoch }, callOf());
      expect(await control.isSwitched(order, callOf())).toBe(true);
      await expect(control.restore(order, callOf())).rejects.toMatchObject({ code: "PROMOTED_ALREADY" });
      await control.awaitWriter(order, callOf());
      await harness.publish(order.to, epoch + 1);
      for (const node of [...order.others, order.from]) {
        await control.bringReader(order, node, callOf());
        await control.bringReader(order, node, callOf());
      }
      const after = await control.describe(clusterId, callOf());
      expect(after.nodes.filter(({ role }) => role === "Writer").map(({ nodeId }) => nodeId)).toEqual([order.to]);
      expect(after.nodes.every(({ problem }) => problem === null)).toBe(true);
      if (order.generation > 0) expect(after.generation).toBeGreaterThan(order.generation);
    },
  ],
  [
    "shows the status that it is told to show, unless the system shows its own",
    async ({ control, clusterId, ownStatus = false }) => {
      await control.markStatus(clusterId, "Switching", callOf());
      const { status } = await control.describe(clusterId, callOf());
      expect(status).toBe(ownStatus ? "Running" : "Switching");
      await control.markStatus(clusterId, "Running", callOf());
      expect((await control.describe(clusterId, callOf())).status).toBe("Running");
    },
  ],
  [
    "R42: keeps an entry of the log once, the youngest first",
    async ({ control, clusterId, ownLog = false }) => {
      const before = await control.haLog(clusterId, callOf());
      const entry = { clusterId, causeCode: "code", causeDetail: "detail" };
      const startedAt = Date.now() + 1000;
      const one = { ...entry, switchId: "one", startedAt, finishedAt: startedAt + 5 };
      expect(await control.noteSwitch(one, callOf())).toEqual(one);
      expect(await control.noteSwitch({ ...one, finishedAt: startedAt + 9 }, callOf())).toMatchObject({ startedAt });
      await control.noteSwitch({ ...one, switchId: "two" }, callOf());
      const added = (await control.haLog(clusterId, callOf())).slice(0, -before.length || undefined);
      if (ownLog) return;
      expect(added.map(({ switchId }) => switchId)).toEqual(["two", "one"]);
      expect(added[1]).toEqual(one);
    },
  ],
];
