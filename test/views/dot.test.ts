/** Plans and runs as DOT: what is shown, that no name breaks out, that equal inputs give equal bytes. */
import { definePlan } from "@belay/engine";
import { toDot } from "@belay/engine/views";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DRAWN, drawnRun, nastyNames } from "./drawn-plan.ts";

function named(name: string): string {
  return toDot(definePlan({ belay: 1, name: "p", nodes: [{ id: "a", name, action: "belay.noop" }] }));
}

/** The label of the only node, with DOT's entities read back. */
function labelOf(drawing: string): string {
  const [, label = ""] = /^ {2}"a" \[label=<<b>(.*)<\/b><br\/>a>\];$/m.exec(drawing) ?? [];
  return label.replace(/&(lt|gt|quot|amp);/g, (_, name: "lt" | "gt" | "quot" | "amp") => SIGNS[name]);
}

const SIGNS = { lt: "<", gt: ">", quot: '"', amp: "&" } as const;

describe("a plan as DOT", () => {
  test("R22: names, limits, conditions, the point of no return and groups are drawn, a group as one box", () => {
    const lines = toDot(DRAWN).split("\n");
    expect(lines[0]).toBe("digraph plan {");
    expect(lines[1]).toContain("label=<<b>Move the &quot;primary&quot;</b>>");
    expect(lines.slice(4)).toEqual([
      `  "lock" [label=<<b>Take the lock</b><br/>lock<br/>timeout 1 min 30 s · ↺ can be undone>];`,
      `  "freeze" [label=<<b>freeze</b><br/>group, parallel, 2 at once<br/>3 attempts>, peripheries=2];`,
      `  "promote" [label=<<b>promote</b><br/>⛔ point of no return<br/>timeout 1 h>, shape=octagon, color="#b71c1c", penwidth=3];`,
      `  "repoint" [label=<<b>repoint</b><br/>group, first success>, peripheries=2];`,
      `  "tell" [label=<<b>tell</b><br/>only if params.tell == true<br/>starts on all finished>];`,
      `  "lock" -> "freeze";`,
      `  "freeze" -> "promote";`,
      `  "promote" -> "repoint";`,
      `  "repoint" -> "tell";`,
      "}",
      "",
    ]);
  });

  test("R22: a running group is a table with one coloured row per member", () => {
    const drawing = toDot(DRAWN, drawnRun());
    const rows = [
      `<tr><td align="left" bgcolor="#c8e6c9">[0] ✓ SUCCESSFUL</td></tr>`,
      `<tr><td align="left" bgcolor="#ffcdd2">[1] ✗ FAILED (tolerated)</td></tr>`,
      `<tr><td align="left" bgcolor="#90caf9">[2] ▸ RUNNING</td></tr></table>`,
    ];
    expect(drawing).toContain(rows.join(""));
    expect(drawing.match(/->/g)).toHaveLength(4);
  });

  test("R33: the border of a point of no return shows through any state", () => {
    expect(toDot(DRAWN, drawnRun())).toMatch(/"promote" \[.*fillcolor="#f5f5f5", shape=octagon, color="#b71c1c"/);
  });

  test("a plan that can never be rolled back says so", () => {
    const plan = definePlan({
      belay: 1,
      name: "p",
      prohibitRollback: true,
      nodes: [{ id: "a", action: "belay.noop" }],
    });
    expect(toDot(plan)).toContain("<br/>can never be rolled back>");
  });

  test("equal inputs give equal bytes", () => {
    expect(toDot(DRAWN, drawnRun())).toBe(toDot(DRAWN, drawnRun()));
  });
});

describe("no name can leave its label", () => {
  test.each(nastyNames)("%j reads as it is", (name, shown) => {
    expect(labelOf(named(name))).toBe(shown);
  });

  test("whatever the name, the drawing has the same lines and only text in its label", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (name) => {
        const lines = named(name).split("\n");
        expect(lines).toHaveLength(7);
        expect(lines[4]).toMatch(
          /^ {2}"a" \[label=<<b>(?:[^<>"&\p{Cc}\p{Cs}]|&(?:lt|gt|quot|amp);)+<\/b>(?:<br\/>a)?>\];$/u,
        );
      }),
    );
  });
});
