/** The three ways of showing a run, on screens that tests can read. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { chooseRenderer } from "../../packages/cli/src/render/choose-renderer.ts";
import { JsonRenderer } from "../../packages/cli/src/render/json-renderer.ts";
import { LinesRenderer } from "../../packages/cli/src/render/lines-renderer.ts";
import { LiveRenderer } from "../../packages/cli/src/render/live-renderer.ts";
import { at, heldRun, ran, START, snapshot } from "./sample-run.ts";
import { sampleTerminal } from "./sample-terminal.ts";

const SIZE = { columns: 60, rows: 12 };
const RUNNING = snapshot([ran("a", 0, null)]);
const DONE = snapshot([ran("a", 0, 100)], { status: "SUCCESSFUL", finishTime: at(100) });

afterEach(() => {
  vi.useRealTimers();
});

describe("the way of showing a run fits where it is shown", () => {
  test("a terminal gets the live table, a pipe lines, and JSON comes when asked for", () => {
    expect(chooseRenderer(sampleTerminal(SIZE).terminal, false)).toBeInstanceOf(LiveRenderer);
    expect(chooseRenderer(sampleTerminal(SIZE, { TERM: "dumb" }).terminal, false)).toBeInstanceOf(LinesRenderer);
    expect(chooseRenderer(sampleTerminal().terminal, false)).toBeInstanceOf(LinesRenderer);
    expect(chooseRenderer(sampleTerminal(SIZE).terminal, true)).toBeInstanceOf(JsonRenderer);
  });

  test("colours follow NO_COLOR, FORCE_COLOR and the terminal", () => {
    const on = (size: typeof SIZE | undefined, environment: Record<string, string>): boolean =>
      sampleTerminal(size, environment).terminal.out.colors.isColorSupported;
    expect(on(SIZE, {})).toBe(true);
    expect(on(SIZE, { NO_COLOR: "1" })).toBe(false);
    expect(on(SIZE, { NO_COLOR: "1", FORCE_COLOR: "1" })).toBe(false);
    expect(on(SIZE, { TERM: "dumb" })).toBe(false);
    expect(on(undefined, {})).toBe(false);
    expect(on(undefined, { FORCE_COLOR: "1" })).toBe(true);
  });
});

describe("plain lines", () => {
  test("each event is a line with the time since the command began, and the table comes last", () => {
    const { out, terminal } = sampleTerminal();
    const renderer = new LinesRenderer(terminal.out, () => START);
    renderer.start();
    renderer.event({ type: "node:ready", runId: "run-1", at: START, nodeId: "a", attempt: 1 });
    renderer.event({ type: "node:started", runId: "run-1", at: START + 1234, nodeId: "a", attempt: 1 });
    renderer.say("two\nlines");
    renderer.rest(DONE);
    expect(out.text.split("\n")).toEqual([
      "[   1.234s] a: started",
      "[   0.000s] two lines",
      "",
      "Sample  SUCCESSFUL  1/1 done  0.1s",
      "  STATE         NODE  TRY    TIME  NOTE",
      "✓ SUCCESSFUL    a       1    0.1s",
      "",
    ]);
  });
});

describe("JSON lines", () => {
  test("stdout is JSON from the first line to the last, which is the snapshot; words go to stderr", () => {
    const { out, err, terminal } = sampleTerminal();
    const renderer = new JsonRenderer(terminal);
    renderer.start();
    renderer.event({ type: "run:started", runId: "run-1", at: START });
    renderer.say("starting servers");
    renderer.rest(DONE);
    const lines = out.text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect(lines[0]).toEqual({ type: "run:started", runId: "run-1", at: START });
    expect(lines.at(-1)).toEqual({ type: "snapshot", ...JSON.parse(JSON.stringify(DONE)) });
    expect(err.text).toBe("starting servers\n");
  });
});

describe("the live table", () => {
  test("it is redrawn in place while the run moves, and stays once the run rests", () => {
    vi.useFakeTimers();
    const { out, terminal } = sampleTerminal(SIZE);
    let now = START + 1000;
    const renderer = new LiveRenderer(terminal.out, () => now);
    const held = heldRun(RUNNING);
    renderer.start(held.run);
    expect(out.text).toContain("▸ RUNNING");
    expect(out.text).toContain("1.0s");
    now += 1000;
    renderer.event({
      type: "node:log",
      runId: "run-1",
      at: now,
      nodeId: "a",
      attempt: 1,
      message: "half way",
      details: undefined,
    });
    vi.advanceTimersByTime(5000);
    expect(out.text).toContain("2.0s");
    expect(out.text).toContain("half way");
    held.rest(DONE);
    renderer.rest(DONE);
    const last = out.text.slice(out.text.lastIndexOf("Sample"));
    expect(last).toContain("✓ SUCCESSFUL");
    const length = out.text.length;
    vi.advanceTimersByTime(5000);
    expect(out.text.length).toBe(length);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("words of the command itself stay above the table", () => {
    vi.useFakeTimers();
    const { out, terminal } = sampleTerminal(SIZE);
    const renderer = new LiveRenderer(terminal.out, () => START);
    renderer.say("starting servers");
    expect(out.text).toBe("starting servers\n");
    renderer.start(heldRun(RUNNING).run);
    renderer.say("canceling");
    expect(out.text).toContain("canceling\n");
    renderer.rest(DONE);
  });
});

describe("a reader that goes away", () => {
  test("writing stops, the command goes on", () => {
    const { out, terminal } = sampleTerminal();
    terminal.out.line("one");
    out.emit("error", Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
    terminal.out.line("two");
    expect(out.text).toBe("one\n");
  });

  test("a disk that is full ends no run: writing stops, and what failed is kept", () => {
    const { out, terminal } = sampleTerminal();
    terminal.out.line("one");
    out.emit("error", Object.assign(new Error("write ENOSPC"), { code: "ENOSPC" }));
    terminal.out.line("two");
    expect(out.text).toBe("one\n");
    expect(terminal.out.fault?.message).toBe("write ENOSPC");
  });

  test("a reader that has read enough is no fault", () => {
    const { out, terminal } = sampleTerminal();
    out.emit("error", Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
    expect(terminal.out.fault).toBeUndefined();
  });
});
