/** The last candidate of a FIRST_SUCCESS group: with its failure the group has failed, whatever happened before (R14, R21). */
import { settleTurns, traceLines } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { node, plan, stage, statuses, undoable } from "./stage.ts";

const LIST = { params: { type: "object", properties: { list: { type: "array" } }, required: ["list"] } } as const;

describe("the last candidate fails and is being undone", () => {
  test("R21: nothing new starts meanwhile, also after an operator skipped something else", async () => {
    const s = await stage({ "g[0]": "fail" }, { held: true, engine: { concurrency: 1 } });
    const group = { split: { over: "params.list", method: "FIRST_SUCCESS" }, priority: 2 } as const;
    const document = plan([undoable("g", [], group), node("skipped"), node("other")], LIST);
    const run = await s.start(document, { params: { list: [1] } });
    const finish = async (): Promise<void> => {
      await settleTurns();
      s.rig.pending[0]?.finish();
      await settleTurns();
    };
    await settleTurns();
    await run.skip("skipped");
    await finish();
    expect(statuses(run.snapshot())).toEqual({ "g[0]": "COMPENSATING", skipped: "SKIPPED", other: "PENDING" });
    await finish();
    expect((await s.finish(run)).status).toBe("FAILED");
  });

  test("R21: nor when another group, whose members come after its own, still runs", async () => {
    const s = await stage({ "g[0]": "fail", t: "fail" }, { held: true });
    const split = { over: "params.list" } as const;
    const document = plan(
      [
        undoable("g", [], { split: { ...split, method: "FIRST_SUCCESS" } }),
        node("h", [], { split }),
        node("t"),
        node("w"),
        node("other", ["w"]),
      ],
      LIST,
    );
    const run = await s.start(document, { params: { list: [1] } });
    const finish = async (id: string): Promise<void> => {
      s.rig.pending.find((call) => call.node === id)?.finish();
      await settleTurns();
    };
    await settleTurns();
    await finish("t");
    await finish("g[0]");
    await run.skip("t");
    await finish("w");
    expect(statuses(run.snapshot())).toMatchObject({ "g[0]": "COMPENSATING", "h[0]": "RUNNING", other: "PENDING" });
    await finish("g[0]");
    await finish("h[0]");
    expect((await s.finish(run)).status).toBe("FAILED");
  });
});

describe("a candidate that was undone on the way", () => {
  test("R21, R35: its group is not run again when what comes after it was rolled back and is retried", async () => {
    const s = await stage({ "g[0]": "fail", z: "fail,ok" });
    const group = { split: { over: "params.list", method: "FIRST_SUCCESS" } } as const;
    const document = plan([undoable("g", [], group), undoable("y", ["g"]), node("z", ["y"])], LIST);
    const run = await s.start(document, { params: { list: [1, 2] } });
    expect((await s.rest(run)).status).toBe("FAILED");
    await run.rollback({ to: "g" });
    expect((await s.rest(run)).status).toBe("PARTIALLY_ROLLED_BACK");
    await run.retry();
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
    expect(s.rig.started()).toEqual(["g[0]", "g[1]", "y", "z", "y", "z"]);
  });

  test("R21, R25: undone in vain between two attempts it is undone before another one starts", async () => {
    const s = await stage({ "g[0]": "fail,fail,ok", "g[1]": { run: "fail", undo: "fail,ok" } });
    const rest = {
      split: { over: "params.list", method: "FIRST_SUCCESS" },
      retry: { maxAttempts: 2, initialInterval: 0, mode: "compensate-first" },
    } as const;
    const run = await s.start(plan([undoable("g", [], rest)], LIST), { params: { list: [1, 2] } });
    expect(statuses(await s.rest(run))).toEqual({ "g[0]": "COMPENSATED", "g[1]": "COMPENSATION_FAILED" });
    await run.retry();
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
    const calls = traceLines(s.rig.trace).filter((line) => /^(start|undo) /.test(line));
    expect(calls).toEqual([
      ...["start g[0]#1", "undo g[0]#1", "start g[0]#2", "undo g[0]#2", "start g[1]#1", "undo g[1]#1"],
      ...["undo g[1]#2", "start g[0]#3"],
    ]);
  });
});
