/**
 * The seed runs: every published task in the order of its edges, and the failover with a failure at each of its nodes,
 * with what an operator may then do (R30-R37), read in the native view and in OCP's.
 */
import { type BelayError, importOcpTask, type PlanDocument, type RunSnapshot, toOcpTask } from "@belay/engine";
import { type Scripts, settleTurns } from "@belay/engine/testing";
import { type OcpTask, ocpIdentity } from "@belay/engine/views";
import { describe, expect, test } from "vitest";
import { stage } from "../engine/stage.ts";
import { failoverAnswer, ocpSamples, taskOf } from "./ocp-samples.ts";

const answer = failoverAnswer();

/** The seed's nodes in the order of its edges; 1, 2 and 7 are its points of no return, 3 and 7 groups of one. */
const NUMBERS = [202623, 202626, 202628, 202621, 202625, 202627, 202620, 202622, 202624] as const;
const CHAIN = NUMBERS.map(String);
const BARRIERS = [1, 2, 7];
const PLACES = CHAIN.map((_, place) => place);
const CHECK = 1;

/** The seed with actions of the rig; everything but its points of no return can be undone. */
const seed = importOcpTask(answer, {
  action: () => "do",
  compensation: (subtask) => (subtask.prohibitRollback ? undefined : { action: "undo" }),
}).document;

/** The seed without its points of no return: everything can be undone. */
const reversible: PlanDocument = {
  ...seed,
  nodes: seed.nodes.map(({ prohibitRollback: _, ...node }) => ({ ...node, compensation: { action: "undo" } })),
};

const id = (place: number): string => CHAIN[place] as string;
const ids = (places: readonly number[]): string[] => places.map(id);
const upTo = (place: number): number[] => PLACES.slice(0, place + 1);
const downFrom = (place: number, end = 0): number[] => PLACES.slice(end, place + 1).reverse();
const startedBarriers = (place: number): number[] => BARRIERS.filter((barrier) => barrier <= place);

/** The plan, run until the node at `place` has failed; from then on that node succeeds. */
async function failedAt(place: number, document: PlanDocument = seed, scripts: Scripts = {}) {
  const theatre = await stage({ ...scripts, [id(place)]: { ...Object(scripts[id(place)]), run: "fail,ok" } });
  const run = await theatre.start(document);
  const snapshot = await theatre.rest(run);
  expect(snapshot.status).toBe("FAILED");
  return { ...theatre, run, snapshot };
}

const view = (snapshot: RunSnapshot): OcpTask => toOcpTask(snapshot, ocpIdentity(answer));

/** Native statuses in the order of the edges. */
const statuses = ({ nodes }: RunSnapshot): string[] =>
  ids(PLACES).map((at) => nodes.find((n) => n.id === at)?.status ?? "");

/** OCP's states in the order of the edges. */
const states = (snapshot: RunSnapshot): string[] =>
  NUMBERS.map((number) => {
    const found = view(snapshot).subtasks.find((subtask) => subtask.id === number);
    return `${found?.status}/${found?.operation}`;
  });

const head = (snapshot: RunSnapshot): string => `${view(snapshot).status}/${view(snapshot).operation}`;

/** One entry per place: `at` where the function says so. */
const row = (entry: (place: number) => string): string[] => PLACES.map(entry);

async function refusal(verb: Promise<unknown>): Promise<BelayError> {
  return verb.then(
    () => Promise.reject(new Error("the verb was accepted")),
    (error: unknown) => error as BelayError,
  );
}

const samples = ocpSamples();

describe.skipIf(samples.length === 0)("published tasks", () => {
  test("R2: there are 32 with edges; all are skipped when the data are not beside the checkout", () => {
    expect(samples).toHaveLength(32);
  });

  test.for(samples)("R10, R15: $file runs to SUCCESSFUL in the order of its edges", async ({ answer: sample }) => {
    const { document } = importOcpTask(sample, { action: () => "do" });
    const { start, rest, rig } = await stage();
    const run = await start(document);
    const snapshot = await rest(run);
    expect(snapshot.status).toBe("SUCCESSFUL");
    const order = rig.started();
    expect([...order].sort()).toEqual(document.nodes.map((node) => node.id).sort());
    for (const { id: below, upstreams = [] } of document.nodes) {
      for (const above of upstreams) expect(order.indexOf(above)).toBeLessThan(order.indexOf(below));
    }
    const finished = toOcpTask(snapshot, ocpIdentity(sample));
    expect(finished.subtasks.map(({ status }) => status)).toEqual(taskOf(sample).subtasks.map(() => "SUCCESSFUL"));
    expect(finished.subtasks.map((subtask) => subtask.id)).toEqual(
      taskOf(sample).subtasks.map((subtask) => subtask.id),
    );
  });
});

describe("the seed runs", () => {
  test("R13: in the order of its edges, which is neither that of seriesId nor that of the answer", async () => {
    const { start, rest, rig } = await stage();
    const snapshot = await rest(await start(seed));
    expect(rig.started()).toEqual(CHAIN);
    expect(states(snapshot)).toEqual(row(() => "SUCCESSFUL/EXECUTE"));
    expect(head(snapshot)).toBe("SUCCESSFUL/EXECUTE");
    expect(view(snapshot)).toMatchObject({ prohibitRollback: true, finishTime: expect.stringMatching(/\+08:00$/) });
  });

  test("R2: begun, and waiting for a slot, it reads exactly as the seed", async () => {
    const { engine, start, rig } = await stage({}, { held: true, engine: { concurrency: 1 } });
    await start({ belay: 1, name: "busy", nodes: [{ id: "busy", action: "do" }] });
    const run = await start(seed);
    await settleTurns();
    expect(rig.started()).toEqual(["busy"]);
    const { startTime: _documented, ...expected } = answer.data;
    const { startTime: _started, ...seen } = view(run.snapshot());
    expect(seen).toEqual(expected);
    for (const call of [...rig.pending]) call.finish();
    await engine.close();
  });

  test("R33: the task's flag turns with the start of the check, and never back", async () => {
    const { start, rest } = await stage();
    const run = await start(seed);
    const flags: string[] = [];
    run.on("node:started", ({ nodeId }) => flags.push(`${nodeId} ${view(run.snapshot()).prohibitRollback}`));
    await rest(run);
    expect(flags).toEqual(CHAIN.map((at, place) => `${at} ${place >= CHECK}`));
  });

  test("R10: in OCP's view too no node leaves PENDING before everything above it is SUCCESSFUL", async () => {
    const { start, rest } = await stage();
    const run = await start(seed);
    let looks = 0;
    const unfinished: number[] = [];
    for (const type of ["node:ready", "node:started", "node:succeeded"] as const) {
      run.on(type, () => {
        looks++;
        const { subtasks } = view(run.snapshot());
        const done = new Set(subtasks.filter(({ status }) => status === "SUCCESSFUL").map((subtask) => subtask.id));
        const begun = subtasks.filter(({ status }) => status !== "PENDING");
        unfinished.push(...begun.flatMap(({ upstreams }) => upstreams).filter((above) => !done.has(above)));
      });
    }
    await rest(run);
    expect(looks).toBeGreaterThanOrEqual(2 * CHAIN.length);
    expect(unfinished).toEqual([]);
  });
});

describe("a failure at each node of the seed", () => {
  test.for(PLACES)("R14: at %i, nothing below starts and everything above stands", async (place) => {
    const { snapshot, rig } = await failedAt(place);
    const at = (done: string, failed: string, rest: string) =>
      row((other) => (other < place ? done : other === place ? failed : rest));
    expect(statuses(snapshot)).toEqual(at("SUCCESSFUL", "FAILED", "PENDING"));
    expect(states(snapshot)).toEqual(at("SUCCESSFUL/EXECUTE", "FAILED/EXECUTE", "PENDING/EXECUTE"));
    expect(head(snapshot)).toBe("FAILED/EXECUTE");
    expect(view(snapshot).prohibitRollback).toBe(place >= CHECK);
    expect(rig.started()).toEqual(ids(upTo(place)));
  });

  test("R30, R36: at the lock, a rollback releases it and reads SUCCESSFUL/ROLLBACK in OCP's view", async () => {
    const { run, rig, rest } = await failedAt(0);
    await run.rollback();
    const snapshot = await rest(run);
    expect(snapshot).toMatchObject({ status: "ROLLED_BACK", operation: "ROLLBACK", prohibitRollback: false });
    expect(rig.undone()).toEqual(ids([0]));
    expect(head(snapshot)).toBe("SUCCESSFUL/ROLLBACK");
    expect(states(snapshot)).toEqual(row((place) => (place === 0 ? "PENDING/ROLLBACK" : "PENDING/EXECUTE")));
  });

  test.for(PLACES.slice(CHECK))(
    "R33: at %i, a rollback is refused, names the nodes, and touches nothing",
    async (place) => {
      const { run, rig, snapshot } = await failedAt(place);
      const error = await refusal(run.rollback());
      expect(error.code).toBe("ROLLBACK_PROHIBITED");
      expect([...(error.details["nodes"] as string[])].sort()).toEqual(
        startedBarriers(place)
          .map((barrier) => String(NUMBERS[barrier]))
          .sort(),
      );
      expect(run.snapshot()).toEqual(snapshot);
      expect(rig.undone()).toEqual([]);
    },
  );

  test.for(PLACES)(
    "R34: at %i, what lies below the last started point of no return is undone, and can run again",
    async (place) => {
      const { run, rig, rest } = await failedAt(place);
      const last = startedBarriers(place).at(-1) ?? -1;
      const undone = downFrom(place, last + 1);
      await run.rollback({ to: "barrier" });
      const snapshot = await rest(run);
      expect(rig.undone()).toEqual(ids(undone));
      expect(snapshot.status).toBe(place < CHECK ? "ROLLED_BACK" : "PARTIALLY_ROLLED_BACK");
      if (place < CHECK) return;
      expect(head(snapshot)).toBe("FAILED/ROLLBACK");
      const standing = (other: number) => (other === place ? "FAILED/EXECUTE" : "SUCCESSFUL/EXECUTE");
      expect(states(snapshot)).toEqual(
        row((other) =>
          undone.includes(other) ? "PENDING/ROLLBACK" : other <= place ? standing(other) : "PENDING/EXECUTE",
        ),
      );
      await run.retry();
      expect(await rest(run)).toMatchObject({ status: "SUCCESSFUL" });
      const again = undone.length > 0 ? PLACES.slice(last + 1) : PLACES.slice(place);
      expect(rig.started()).toEqual(ids([...upTo(place), ...again]));
    },
  );

  test.for(PLACES)("R37: at %i, a retry runs that node again and goes on", async (place) => {
    const { run, rig, rest } = await failedAt(place);
    await run.retry();
    const snapshot = await rest(run);
    expect(rig.started()).toEqual(ids([...upTo(place), ...PLACES.slice(place)]));
    expect(head(snapshot)).toBe("SUCCESSFUL/RETRY");
    expect(states(snapshot)).toEqual(row((other) => (other === place ? "SUCCESSFUL/RETRY" : "SUCCESSFUL/EXECUTE")));
    expect(view(snapshot).subtasks.find((subtask) => subtask.id === NUMBERS[place])?.runTime).toBe(2);
  });

  test.for(PLACES)("R37: at %i, a skip passes that node and goes on, and lifts no prohibition", async (place) => {
    const { run, rig, rest } = await failedAt(place);
    await run.skip(id(place));
    const snapshot = await rest(run);
    expect(rig.started()).toEqual(ids(PLACES));
    expect(snapshot).toMatchObject({ status: "SUCCESSFUL", prohibitRollback: true });
    expect(states(snapshot)).toEqual(row((other) => (other === place ? "SUCCESSFUL/SKIP" : "SUCCESSFUL/EXECUTE")));
  });
});

describe("the seed without points of no return", () => {
  test.for(PLACES)(
    "R30: failed at %i, everything that started is undone once, from below, the failed node included",
    async (place) => {
      const { run, rig, rest } = await failedAt(place, reversible);
      const rolling: string[] = [];
      run.on("node:compensating", () => rolling.push(head(run.snapshot())));
      await run.rollback();
      const snapshot = await rest(run);
      expect(snapshot.status).toBe("ROLLED_BACK");
      expect(rig.undone()).toEqual(ids(downFrom(place)));
      expect(rolling).toEqual(upTo(place).map(() => "RUNNING/ROLLBACK"));
      expect(states(snapshot)).toEqual(row((other) => (other <= place ? "PENDING/ROLLBACK" : "PENDING/EXECUTE")));
      expect(statuses(snapshot)).toEqual(row((other) => (other <= place ? "COMPENSATED" : "PENDING")));
    },
  );

  const failing = PLACES.flatMap((place) => upTo(place).map((stuck) => [place, stuck] as const));

  test.for(failing)("R32: failed at %i and again in the undo of %i, rollback resumes there", async ([place, stuck]) => {
    const { run, rig, rest } = await failedAt(place, reversible, { [id(stuck)]: { undo: "fail,ok" } });
    await run.rollback();
    const snapshot = await rest(run);
    expect(snapshot.status).toBe("ROLLBACK_FAILED");
    expect(rig.undone()).toEqual(ids(downFrom(place, stuck)));
    expect(head(snapshot)).toBe("FAILED/ROLLBACK");
    const above = (other: number) => (other === place ? "FAILED/ROLLBACK" : "SUCCESSFUL/ROLLBACK");
    expect(states(snapshot)).toEqual(
      row((other) => {
        if (other > place) return "PENDING/EXECUTE";
        if (other > stuck) return "PENDING/ROLLBACK";
        return other === stuck ? "FAILED/ROLLBACK" : above(other);
      }),
    );
    expect((await refusal(run.retry())).code).toBe("STATE_INVALID");
    await run.rollback();
    expect(await rest(run)).toMatchObject({ status: "ROLLED_BACK" });
    expect(rig.undone()).toEqual(ids([...downFrom(place, stuck), ...downFrom(stuck)]));
  });

  test.for(PLACES)(
    "R32: a failed undo of %i that an operator skips lets the rollback go on above it",
    async (stuck) => {
      const place = CHAIN.length - 1;
      const { run, rig, rest } = await failedAt(place, reversible, { [id(stuck)]: { undo: "fail" } });
      await run.rollback();
      await rest(run);
      await run.skipRollback(id(stuck));
      const snapshot = await rest(run);
      expect(snapshot.status).toBe("ROLLED_BACK");
      expect(rig.undone()).toEqual(ids(downFrom(place)));
      expect(states(snapshot)).toEqual(
        row((other) => (other === stuck ? "PENDING/ROLLBACK_SKIP" : "PENDING/ROLLBACK")),
      );
    },
  );

  test.for(PLACES)("R35: a rollback to %i undoes what is below it, and the node stands", async (target) => {
    const place = CHAIN.length - 1;
    const { run, rig, rest } = await failedAt(place, reversible);
    await run.rollback({ to: id(target) });
    const snapshot = await rest(run);
    expect(snapshot.status).toBe("PARTIALLY_ROLLED_BACK");
    expect(rig.undone()).toEqual(ids(downFrom(place, target + 1)));
    expect(statuses(snapshot)).toEqual(
      row((other) => (other > target ? "COMPENSATED" : other === place ? "FAILED" : "SUCCESSFUL")),
    );
  });
});
