/** Plans and runs as Mermaid: what is shown, that no name breaks out, that equal inputs give equal bytes. */
import { definePlan, type NodeDocument, type Plan, type RunSnapshot } from "@belay/engine";
import { toMermaid } from "@belay/engine/views";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DRAWN, drawnRun, nastyNames } from "./drawn-plan.ts";

function planOf(...nodes: readonly NodeDocument[]): Plan {
  return definePlan({ belay: 1, name: "p", nodes });
}

function named(name: string): string {
  return toMermaid(planOf({ id: "a", name, action: "belay.noop" }));
}

/** The label of the only node, with Mermaid's entities read back. */
function labelOf(drawing: string): string {
  const [, label] = /^ {2}n0\["(.*)"\]$/m.exec(drawing) ?? [];
  return (label ?? "").replace(/#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
}

describe("a plan as Mermaid", () => {
  test("R22: names, limits, conditions, the point of no return and groups are drawn, a group as one box", () => {
    expect(toMermaid(DRAWN)).toBe(`---
title: "Move the \\"primary\\""
---
flowchart TD
  n0["Take the lock<br/>lock<br/>timeout 1 min 30 s · ↺ can be undone"]
  n1[["freeze<br/>group, parallel, 2 at once<br/>3 attempts"]]
  n2{{"promote<br/>⛔ point of no return<br/>timeout 1 h"}}
  n3[["repoint<br/>group, first success"]]
  n4["tell<br/>only if params.tell #61;#61; true<br/>starts on all finished"]
  n0 --> n1
  n1 --> n2
  n2 --> n3
  n3 --> n4
  classDef barrier stroke:#b71c1c,stroke-width:4px
  class n2 barrier
`);
  });

  test("R22: the states of a run colour it, and two groups are still joined by one line", () => {
    const drawing = toMermaid(DRAWN, drawnRun());
    expect(drawing).toContain(`title: "Move the \\"primary\\" - RUNNING"`);
    expect(drawing).toContain(
      `n1[["freeze<br/>group of 3, parallel, 2 at once<br/>3 attempts<br/>▸ RUNNING<br/>` +
        `#91;0#93; ✓ SUCCESSFUL<br/>#91;1#93; ✗ FAILED (tolerated)<br/>#91;2#93; ▸ RUNNING"]]`,
    );
    expect(drawing).toContain("class n0 successful\n");
    expect(drawing).toContain("class n1 running\n");
    expect(drawing).toContain("class n2,n3,n4 pending\n");
    expect(drawing.match(/-->/g)).toHaveLength(4);
  });

  test("a large group is counted by state instead of listed", () => {
    const plan = planOf({ id: "g", action: "belay.noop", split: { over: "[1]" } });
    const members = Array.from({ length: 40 }, (_, index) => ({
      id: `g[${index}]`,
      group: "g",
      parallelIdx: index,
      status: index < 39 ? "SUCCESSFUL" : "FAILED",
      tolerated: false,
    }));
    const drawing = toMermaid(plan, { status: "FAILED", nodes: members } as unknown as RunSnapshot);
    expect(drawing).toContain("group of 40, parallel<br/>✗ FAILED<br/>39 × ✓ SUCCESSFUL<br/>1 × ✗ FAILED");
  });

  test("equal inputs give equal bytes", () => {
    expect(toMermaid(DRAWN, drawnRun())).toBe(toMermaid(DRAWN, drawnRun()));
  });
});

describe("no name can leave its label", () => {
  test.each(nastyNames)("%j reads as it is", (name, shown) => {
    expect(labelOf(named(name))).toBe(`${shown}<br/>a`);
  });

  test.each(["$$x$$", "fa:fa-car", "ﬂ°a", "¶ß"])(
    "%s is split by a word joiner: Mermaid looks for it after decoding",
    (name) => {
      expect(labelOf(named(name))).toContain("\u2060");
    },
  );

  test.each(["1. list", "- list", "style:#x;", "%%{init: {}}%%"])("%s is no Markdown, style or directive", (name) => {
    expect(named(name)).not.toContain(name);
  });

  test("whatever the name, the drawing has the same lines and only safe signs in its label", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (name) => {
        const lines = named(name).split("\n");
        expect(lines).toHaveLength(6);
        expect(lines[4]).toMatch(/^ {2}n0\["(?:[^\p{Cc}\p{Cs}"#<>;:{}[\]%`\\&]|#\d+;|<br\/>)*"\]$/u);
      }),
    );
  });

  test("whatever the title, it is one YAML scalar that Mermaid does not read", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (title) => {
        const drawing = toMermaid(
          definePlan({ belay: 1, name: "p", title, nodes: [{ id: "a", action: "belay.noop" }] }),
        );
        expect(drawing.split("\n")[1]).toMatch(/^title: "(?:[^"\\#%\p{Cc}]|\\.)*"$/u);
      }),
    );
  });
});
