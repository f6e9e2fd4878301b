/**
 * A run that another one has overtaken, and a fence that comes back late: they start no old writer, end no new one, and leave the route. No
 * server runs here: the control is a record of what it was asked for.
 */
import type { ActionContext, Json } from "@belay/engine";
import { mariadbActions, mysqlActions, type NodeControl } from "@belay/failover-plans/mariadb";
import { describe, expect, test } from "vitest";
import { memoryRoute } from "../../packages/failover-plans/src/route/route-memory.ts";

const input = { writer: "db1", replicas: [] };

function actionsOn(make: typeof mariadbActions, writer: string | null, epoch: number, onKill = (): void => undefined) {
  const asked: string[] = [];
  const route = memoryRoute({ writer, epoch });
  const control = new Proxy({} as NodeControl, {
    get: (_, verb: keyof NodeControl) => async (node: string) => {
      asked.push(`${verb} ${node}`);
      if (verb === "kill") onKill();
      if (verb === "start") throw new Error("it does not start");
    },
  });
  const system = make === mysqlActions ? "mysql" : "mariadb";
  const actions = make({ nodes: [], control, route });
  const act = async (verb: string, given: { output?: Json; signal?: AbortSignal } = {}): Promise<unknown> => {
    const action = actions[`${system}.${verb}`];
    if (typeof action !== "object") throw new Error(`no action ${verb}`);
    const ctx = { signal: new AbortController().signal, log: () => undefined, input, fencingTokens: {}, ...given };
    return await action.run(ctx as unknown as ActionContext);
  };
  return { act, asked, route };
}

describe.each([
  ["MariaDB", mariadbActions],
  ["MySQL", mysqlActions],
] as const)("%s", (_, make) => {
  test.each([
    [null, 6],
    ["db2", 6],
  ] as const)(
    "ROUTE_TAKEN: with the route at %s under epoch %d, an undoing of epoch 5 starts nobody",
    async (to, epoch) => {
      const { act, asked } = actionsOn(make, to, epoch);
      await expect(act("unfence", { output: { epoch: 5 } })).rejects.toMatchObject({ code: "ROUTE_TAKEN" });
      expect(asked).toEqual([]);
    },
  );

  test("ROUTE_DISAGREES: a fence ends nobody when another node takes writes", async () => {
    const { act, asked } = actionsOn(make, "db2", 6);
    await expect(act("fence")).rejects.toMatchObject({ code: "ROUTE_DISAGREES" });
    expect(asked).toEqual([]);
  });

  test("R26: a fence that was told to end does not empty the route", async () => {
    const told = new AbortController();
    const { act, route } = actionsOn(make, "db1", 5, () => told.abort(new Error("timed out")));
    await expect(act("fence", { signal: told.signal })).rejects.toThrow("timed out");
    expect(await route.current()).toEqual({ writer: "db1", epoch: 5 });
  });
});
