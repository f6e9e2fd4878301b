/** One run asked for several times at the same moment, by an engine that does not execute it (R42, R43, R44). */
import { createEngine, definePlan, MemoryJournal } from "@belay/engine";
import { heldAction } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";

const PLAN = definePlan({ belay: 1, name: "p", nodes: [{ id: "a", action: "hold" }] });

async function outcomes(calls: readonly Promise<unknown>[]): Promise<unknown[]> {
  return (await Promise.allSettled(calls)).map((one) => (one.status === "fulfilled" ? one.value : one.reason.code));
}

describe("a run that is asked for several times at once", () => {
  test("R44: all are told that another engine has it, none that it does not exist", async () => {
    const journal = new MemoryJournal();
    const held = heldAction({ letGoOnAbort: true });
    const owner = await createEngine({ actions: { hold: held.action }, journal });
    const other = await createEngine({ actions: { hold: held.action }, journal, recover: false });
    await owner.start(PLAN, { runId: "r", clientToken: "t" });
    await held.next();
    expect(await outcomes([other.find("r"), other.find("r"), other.find("r")])).toEqual(["FENCED", "FENCED", "FENCED"]);
    const starts = Array.from({ length: 3 }, () => other.start(PLAN, { clientToken: "t" }));
    expect(await outcomes(starts)).toEqual(["FENCED", "FENCED", "FENCED"]);
    expect(await outcomes([other.find("none"), other.find("none")])).toEqual([undefined, undefined]);
    await other.close();
    await owner.close();
  });

  test("R42: one that nobody executes is taken up once, and all get it", async () => {
    const journal = new MemoryJournal();
    const held = heldAction({ letGoOnAbort: true });
    const first = await createEngine({ actions: { hold: { idempotent: true, run: held.action } }, journal });
    await first.start(PLAN, { runId: "r" });
    await held.next();
    await first.close();
    const second = await createEngine({
      actions: { hold: { idempotent: true, run: held.action } },
      journal,
      recover: false,
    });
    const found = await Promise.all([second.find("r"), second.find("r"), second.recover(), second.find("r")]);
    expect(new Set([found[0], found[1], found[3]]).size).toBe(1);
    expect(found[0]?.id).toBe("r");
    (await held.next()).succeed();
    expect((await found[0]?.settled())?.status).toBe("SUCCESSFUL");
    expect(held.attempts).toHaveLength(2);
    await second.close();
  });
});
