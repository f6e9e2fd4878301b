/** What add-standby and rejoin leave alone: data that they did not copy, a node that was promoted since, a writer named by mistake. */
import { describe, expect, test } from "vitest";
import { actionsOn } from "./asked-control.ts";

describe("add-standby overwrites and removes nothing that it did not copy", () => {
  const join = { node: "pg3", writer: "pg1" };

  test("NODE_NOT_EMPTY: a fenced old primary looks like a standby, and may hold rows that nobody else has", async () => {
    const { act } = actionsOn("pg1", 5, {
      isRunning: async () => false,
      hasData: async () => true,
      isMarkedStandby: async () => true,
    });
    await expect(act("postgres.check-new-standby", { input: join })).rejects.toMatchObject({ code: "NODE_NOT_EMPTY" });
  });

  test("R31: the undoing of a copy that was refused leaves what was found there", async () => {
    const { act, asked } = actionsOn("pg1", 5, { hasData: async () => true, isMarkedStandby: async () => true });
    await act("postgres.wipe", { input: join, error: { code: "NODE_NOT_EMPTY" } });
    expect(asked).toEqual([]);
    await act("postgres.wipe", { input: join });
    expect(asked.at(-1)).toBe("wipe pg3");
  });

  test("R26: the undoing waits for a copy under way, which would come into its place after it", async () => {
    const { act, asked } = actionsOn("pg1", 5, { hasData: async () => false });
    await expect(act("postgres.wipe", { input: join, previousStillRunning: true })).rejects.toThrow(
      /has not let go yet/,
    );
    expect(asked).toEqual([]);
  });

  test("NOT_A_COPY: the undoing of a start does not stop a node that was promoted since", async () => {
    const promoted = { isRunning: async () => true, isMarkedStandby: async () => false };
    const { act, asked } = actionsOn("pg1", 5, promoted);
    await expect(act("postgres.stop-standby", { input: join })).rejects.toMatchObject({ code: "NOT_A_COPY" });
    expect(asked).not.toContain("stop pg3");
  });
});

describe("rejoin", () => {
  test("INPUT_CONFLICT: nobody is told to stop the writer because it was named twice", async () => {
    const { act, asked } = actionsOn("pg1", 5);
    const twice = act("postgres.rejoin", { input: { node: "pg1", writer: "pg1" } });
    await expect(twice).rejects.toMatchObject({ code: "INPUT_CONFLICT" });
    expect(asked).toEqual([]);
  });

  test("ROUTE_DISAGREES: nothing is copied from a primary that the clients do not use", async () => {
    const { act, asked } = actionsOn("pg2", 5);
    const stale = act("postgres.rejoin", { input: { node: "pg3", writer: "pg1" } });
    await expect(stale).rejects.toMatchObject({ code: "ROUTE_DISAGREES" });
    expect(asked).toEqual([]);
  });
});
