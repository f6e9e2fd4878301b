/** The port's cases on the model; those on PostgreSQL servers and on Alibaba's endpoint are beside them. */
import { PolarModel } from "@belay/failover-plans/polardb";
import { describe, expect, test } from "vitest";
import { CLUSTER, NODES } from "./model-run.ts";
import { callOf, orderFor, PORT_CASES, type PortHarness } from "./port-cases.ts";

const control = PolarModel.create({ clusterId: CLUSTER, nodes: NODES });
const harness: PortHarness = { control, clusterId: CLUSTER, lead: async () => 1, publish: async () => undefined };

describe("a cluster in memory", () => {
  test.each(PORT_CASES)("%s", async (_, run) => {
    await run(harness);
    expect(control.mostWriters).toBe(1);
  });

  test("a switch that fails after the fence is undone: the old writer takes writes again", async () => {
    const order = await orderFor(harness);
    control.fault(order.to, "refuses-promotion");
    await expect(control.switchTo({ ...order, epoch: 1 }, callOf())).rejects.toMatchObject({
      code: "PROMOTION_FAILED",
    });
    expect(control.writers()).toEqual([]);
    await control.restore(order);
    expect(control.writers()).toEqual([order.from]);
    control.fault(order.to, null);
  });

  test("comes back from JSON as it was", async () => {
    const copy = PolarModel.restore(JSON.parse(JSON.stringify(control.save())));
    expect(await copy.describe(CLUSTER)).toEqual(await control.describe(CLUSTER));
    expect(copy.deeds).toEqual(control.deeds);
  });
});
