/** Following a run: nothing missed, Ctrl-C cancels once, and a refused cancel is said and waited out. */
import { type AnyRunEvent, BelayError, type RunSnapshot } from "@belay/engine";
import { describe, expect, test } from "vitest";
import { followRun } from "../../packages/cli/src/follow-run.ts";
import { at, heldRun, ran, START, snapshot } from "./sample-run.ts";

const RUNNING = snapshot([ran("a", 0, null)]);
const DONE = snapshot([ran("a", 0, 100)], { status: "SUCCESSFUL", finishTime: at(100) });
const EVENT: AnyRunEvent = { type: "node:started", runId: "run-1", at: START, nodeId: "a", attempt: 1 };

/** A renderer that remembers. */
function recorder() {
  const seen: string[] = [];
  return {
    seen,
    start: () => void seen.push("start"),
    event: (event: AnyRunEvent) => void seen.push(event.type),
    say: (line: string) => void seen.push(`say ${line}`),
    rest: (_: RunSnapshot) => void seen.push("rest"),
  };
}

describe("a run is followed until it rests", () => {
  test("every event reaches the renderer, none after the rest", async () => {
    const held = heldRun(RUNNING);
    const renderer = recorder();
    const followed = followRun(held.run, renderer, new AbortController().signal);
    held.emit(EVENT);
    held.rest(DONE);
    expect(await followed).toBe(DONE);
    held.emit(EVENT);
    expect(renderer.seen).toEqual(["start", "node:started"]);
    expect(held.cancels()).toBe(0);
  });

  test("R37: Ctrl-C cancels the run once and waits for it to rest", async () => {
    const held = heldRun(RUNNING);
    const renderer = recorder();
    const interrupt = new AbortController();
    const followed = followRun(held.run, renderer, interrupt.signal);
    interrupt.abort();
    expect(held.cancels()).toBe(1);
    held.emit({ type: "run:canceled", runId: "run-1", at: START });
    held.rest(snapshot([], { status: "CANCELED" }));
    expect((await followed).status).toBe("CANCELED");
    expect(renderer.seen).toEqual(["start", expect.stringMatching(/^say canceling/), "run:canceled"]);
  });

  test("Ctrl-C before the start cancels at the start", async () => {
    const held = heldRun(RUNNING);
    const followed = followRun(held.run, recorder(), AbortSignal.abort());
    expect(held.cancels()).toBe(1);
    held.rest(DONE);
    await followed;
  });

  test("R32: a rollback is not interrupted: the refusal is said, the run is waited for", async () => {
    const refused = async (): Promise<RunSnapshot> => {
      throw new BelayError("STATE_INVALID", "the run is ROLLING_BACK");
    };
    const held = heldRun(RUNNING, refused);
    const renderer = recorder();
    const interrupt = new AbortController();
    const followed = followRun(held.run, renderer, interrupt.signal);
    interrupt.abort();
    await Promise.resolve();
    await Promise.resolve();
    held.rest(snapshot([], { status: "ROLLED_BACK" }));
    expect((await followed).status).toBe("ROLLED_BACK");
    expect(renderer.seen).toContain("say cannot cancel now: the run is ROLLING_BACK; waiting");
  });

  test("Ctrl-C after the rest cancels nothing", async () => {
    const held = heldRun(RUNNING);
    const interrupt = new AbortController();
    held.rest(DONE);
    await followRun(held.run, recorder(), interrupt.signal);
    interrupt.abort();
    expect(held.cancels()).toBe(0);
  });
});
