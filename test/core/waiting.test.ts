/** R37 approve, reject, signal: what ends an attempt that waits for people or for a message, and what is refused. */
import type { NodeDocument } from "@belay/engine";
import { describe, expect, test } from "vitest";
import { CoreRun, LIST, node, plan, undoable } from "./core-run.ts";

const approval = (id: string, upstreams: readonly string[] = [], rest: Partial<NodeDocument> = {}): NodeDocument =>
  node(id, upstreams, { action: "belay.approval", ...rest });
const signal = (id: string, upstreams: readonly string[] = [], rest: Partial<NodeDocument> = {}): NodeDocument =>
  node(id, upstreams, { action: "belay.signal", ...rest });

describe("R37: words that nodes wait for", () => {
  const document = plan([
    approval("ok", [], { retry: { maxAttempts: 3, initialInterval: 0 } }),
    signal("go"),
    node("b", ["ok", "go"]),
  ]);

  test("R37: the last approval that is needed ends the attempt, those before are only told", () => {
    const run = new CoreRun(document);
    run.start();
    run.grant(1_000_000, run.poolOf("ok"));
    expect(run.verb({ kind: "approve", node: "ok", enough: false })).toEqual(["APPROVED ok #1"]);
    expect(run.status("ok")).toBe("RUNNING");
    expect(run.verb({ kind: "approve", node: "ok", enough: true })).toEqual(["APPROVED ok #1", "SUCCEEDED ok #1"]);
    expect(run.verb({ kind: "signal", node: "go" })).toEqual(["SUCCEEDED go #1", "READY b #1"]);
  });

  test("R25, R37: a rejection fails the node without another attempt; a retry asks anew", () => {
    const run = new CoreRun(document);
    run.start();
    run.grant(1_000_000, run.poolOf("ok"));
    expect(run.verb({ kind: "reject", node: "ok" })).toEqual(["FAILED ok NONE #1 FAILED"]);
    run.verb({ kind: "signal", node: "go" });
    expect(run.run).toBe("FAILED");
    run.verb({ kind: "retry" });
    run.grant(1_000_000, run.poolOf("ok"));
    expect(run.verb({ kind: "approve", node: "ok", enough: true })[0]).toBe("APPROVED ok #2");
  });

  test("R37: words are heard while the run is paused", () => {
    const run = new CoreRun(document);
    run.start();
    run.grant(1_000_000, run.poolOf("ok"));
    run.verb({ kind: "pause" });
    run.verb({ kind: "approve", node: "ok", enough: true });
    expect(run.verb({ kind: "signal", node: "go" })).toEqual(["SUCCEEDED go #1", "READY b #1"]);
  });

  test("R37: words are heard by a teardown of a rollback", () => {
    const nodes = [
      undoable("a"),
      approval("t", [], { always: { for: ["a"] } }),
      signal("u", [], { always: { for: ["a"] } }),
    ];
    const run = new CoreRun(plan(nodes));
    run.start();
    run.grant();
    run.fail("a");
    run.verb({ kind: "rollback", scope: "all" });
    run.grant();
    run.ok("a");
    run.grant(1_000_000, run.poolOf("t"));
    expect(run.refusal({ kind: "reject", node: "t" })).toBe(undefined);
    expect(run.verb({ kind: "approve", node: "t", enough: true })).toEqual(["APPROVED t #1", "SUCCEEDED t #1"]);
    expect(run.verb({ kind: "signal", node: "u" })).toEqual(["SUCCEEDED u #1", "RUN_STATUS run ROLLED_BACK"]);
  });

  test("R37: each member waits for itself", () => {
    const run = new CoreRun(plan([approval("g", [], { split: { over: "params.list" } })], LIST), { list: ["x", "y"] });
    run.start();
    run.grant(1_000_000, run.poolOf("g"));
    expect(run.refusal({ kind: "approve", node: "g", enough: true })).toEqual({
      kind: "not-waiting",
      action: "belay.approval",
      group: true,
    });
    run.verb({ kind: "approve", node: "g[1]", enough: true });
    expect(run.verb({ kind: "approve", node: "g[0]", enough: true })).toEqual([
      "APPROVED g[0] #1",
      "SUCCEEDED g[0] #1",
      "SUCCEEDED g #0",
      "RUN_STATUS run SUCCESSFUL",
    ]);
  });
});

describe("R37: words that are refused", () => {
  test("R37: a node that waits for another word, or for none, hears nothing", () => {
    const run = new CoreRun(plan([approval("ok"), signal("go"), node("a"), node("g", [], { split: { over: "[1]" } })]));
    run.start();
    run.grant(1_000_000, run.poolOf("ok"));
    run.grant();
    const otherwise = (action: string) => ({ kind: "not-waiting", action, group: false });
    for (const id of ["go", "a", "g"]) {
      expect(run.refusal({ kind: "approve", node: id, enough: true })).toEqual(otherwise("belay.approval"));
      expect(run.refusal({ kind: "reject", node: id })).toEqual(otherwise("belay.approval"));
    }
    for (const id of ["ok", "a", "g"]) {
      expect(run.refusal({ kind: "signal", node: id })).toEqual(otherwise("belay.signal"));
    }
  });

  test("R37: a node hears no word before it runs, nor after", () => {
    const run = new CoreRun(plan([approval("ok"), signal("go", ["ok"]), node("a")]));
    run.start();
    const is = (state: string) => ({ kind: "node-state", allowedIn: ["RUNNING"], is: state });
    expect(run.refusal({ kind: "approve", node: "ok", enough: true })).toEqual(is("READY"));
    expect(run.refusal({ kind: "signal", node: "go" })).toEqual(is("PENDING"));
    run.grant(1_000_000, run.poolOf("ok"));
    run.verb({ kind: "approve", node: "ok", enough: true });
    expect(run.refusal({ kind: "reject", node: "ok" })).toEqual(is("SUCCESSFUL"));
    expect(run.verb({ kind: "cancel" })).toContain("HELD go");
  });

  test.each(["approve", "reject", "signal"] as const)("R37: a run that rests hears no %s", (kind) => {
    const run = new CoreRun(plan([kind === "signal" ? signal("w") : approval("w")]));
    run.start();
    run.grant(1_000_000, run.poolOf("w"));
    run.due("grace", "w");
    run.verb({ kind: "cancel" });
    run.due("grace", "w");
    expect(run.run).toBe("CANCELED");
    const verb = kind === "approve" ? ({ kind, enough: true } as const) : { kind };
    expect(run.refusal({ ...verb, node: "w" })).toEqual({
      kind: "run-state",
      allowedIn: ["RUNNING", "PAUSED", "ROLLING_BACK"],
    });
  });
});
