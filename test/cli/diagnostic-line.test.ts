/** Diagnostics as lines that editors can jump to. */
import type { Diagnostic } from "@belay/engine";
import pc from "picocolors";
import { expect, test } from "vitest";
import { diagnosticLine } from "../../packages/cli/src/render/diagnostic-line.ts";

const FULL: Diagnostic = {
  code: "UNKNOWN_FIELD",
  severity: "error",
  path: "nodes[0].upstream",
  message: "unknown field",
  suggestion: 'did you mean "upstreams"?',
  line: 7,
  column: 5,
};

test.each<[string, Diagnostic, string]>([
  [
    "everything known",
    FULL,
    'p.yaml:7:5: error UNKNOWN_FIELD nodes[0].upstream: unknown field (did you mean "upstreams"?)',
  ],
  [
    "no place, no path",
    { code: "SYNTAX", severity: "error", path: "", message: "empty" },
    "p.yaml: error SYNTAX: empty",
  ],
  [
    "a warning",
    { code: "CONFLICT", severity: "warning", path: "a", message: "b\nc" },
    "p.yaml: warning CONFLICT a: b c",
  ],
])("a diagnostic is one line with place, severity, code, path and remedy: %s", (_, diagnostic, expected) => {
  expect(diagnosticLine("p.yaml", diagnostic, pc.createColors(false))).toBe(expected);
});

test("severity and path stand out where colours are on", () => {
  expect(diagnosticLine("p.yaml", FULL, pc.createColors(true))).toContain("\u001b[31merror\u001b[39m");
});
