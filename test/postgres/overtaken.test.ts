/**
 * A run that another one has overtaken, and attempts that come back late: they start no old primary, end no new one, and leave the route.
 */
import { describe, expect, test } from "vitest";
import { actionsOn } from "./asked-control.ts";

const input = { primary: "pg1", standbys: ["pg2", "pg3"] };

describe("ROUTE_TAKEN: the undoing of a run that was overtaken starts no old primary", () => {
  test.each([
    ["postgres.unfence", { input, output: { epoch: 5 } }],
    ["postgres.unfence", { input: { ...input, epoch: 5 } }],
    ["postgres.restart-primary", { input: { ...input, epoch: 5 } }],
    ["postgres.restore-route", { input, output: { epoch: 5 } }],
  ] as const)("%s, after another run emptied the route under a later epoch", async (name, given) => {
    const { act, asked, route } = actionsOn(null, 6);
    await expect(act(name, given)).rejects.toMatchObject({ code: "ROUTE_TAKEN" });
    expect(asked).toEqual([]);
    expect(await route.current()).toEqual({ writer: null, epoch: 6 });
  });

  test.each(["postgres.unfence", "postgres.restart-primary"])(
    "%s, after another node was published, although that does not answer from here",
    async (name) => {
      const { act, asked } = actionsOn("pg2", 6);
      await expect(act(name, { input })).rejects.toMatchObject({ code: "ROUTE_TAKEN" });
      expect(asked).toEqual([]);
    },
  );
});

describe("a fence that comes late", () => {
  test("ROUTE_DISAGREES: ends nobody when another node takes writes", async () => {
    const { act, asked } = actionsOn("pg2", 6);
    await expect(act("postgres.fence", { input })).rejects.toMatchObject({ code: "ROUTE_DISAGREES" });
    expect(asked).toEqual([]);
  });

  test.each([
    ["postgres.fence", "kill"],
    ["postgres.stop-primary", "stop"],
  ] as const)("R26: %s changes nothing any more once it was told to end", async (name, verb) => {
    const told = new AbortController();
    const { act, asked, route } = actionsOn("pg1", 5, {
      isRunning: async () => verb === "stop",
      [verb]: async () => told.abort(new Error("timed out")),
    });
    await expect(act(name, { input, signal: told.signal })).rejects.toThrow("timed out");
    expect(asked.at(-1)).toBe(`${verb} pg1`);
    expect(await route.current()).toEqual({ writer: "pg1", epoch: 5 });
  });

  test("R26: a proof that was told to end stops no primary that was put back meanwhile", async () => {
    const told = new AbortController();
    const { act, asked } = actionsOn(null, 5, { start: async () => told.abort(new Error("timed out")) });
    await expect(act("postgres.prove-fenced", { input, signal: told.signal })).rejects.toThrow("timed out");
    expect(asked).toEqual(["start pg1"]);
  });
});
