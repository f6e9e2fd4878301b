/** One event, one line. */
import type { AnyRunEvent } from "@belay/engine";
import { describe, expect, test } from "vitest";
import { eventText } from "../../packages/cli/src/render/event-line.ts";
import { START } from "./sample-run.ts";

const BASE = { runId: "run-1", at: START };
const NODE = { ...BASE, nodeId: "promote", attempt: 2 };
const FAILURE = { ...NODE, error: { code: "TIMEOUT", message: "no answer\nstack", retryable: true } };

describe("an event reads as one plain line", () => {
  test.each<[AnyRunEvent, string | null]>([
    [{ type: "run:started", ...BASE }, "run started"],
    [{ type: "run:partially-rolled-back", ...BASE }, "run partially rolled back"],
    [
      { type: "run:fault", ...BASE, code: "JOURNAL_FAILED", message: "disk\nfull" },
      "run stopped by a fault: JOURNAL_FAILED: disk full",
    ],
    [{ type: "node:ready", ...NODE }, null],
    [{ type: "node:held", ...NODE }, "promote: held back"],
    [{ type: "node:started", ...NODE, attempt: 1 }, "promote: started"],
    [{ type: "node:started", ...NODE }, "promote: started, attempt 2"],
    [{ type: "node:approved", ...NODE, who: "ann\nbob", approvedBy: ["ann"] }, "promote: approved by ann bob"],
    [{ type: "node:succeeded", ...NODE, output: { secret: 1 } }, "promote: succeeded"],
    [{ type: "node:failed", ...FAILURE, outcome: "failed", tolerated: false }, "promote: failed: TIMEOUT: no answer"],
    [
      { type: "node:failed", ...FAILURE, outcome: "unknown", tolerated: true },
      "promote: failed, tolerated: TIMEOUT: no answer (outcome unknown)",
    ],
    [
      { type: "node:retrying", ...FAILURE, outcome: "failed", delayMs: 1500 },
      "promote: attempt 2 failed: TIMEOUT: no answer; next in 1.5s",
    ],
    [
      {
        type: "node:failed",
        ...NODE,
        error: { code: "TIMEOUT", message: "timed out after 5 s; it may have taken effect", retryable: true },
        outcome: "unknown",
        tolerated: false,
      },
      "promote: failed: TIMEOUT: timed out after 5 s; it may have taken effect",
    ],
    [{ type: "node:skipped", ...NODE, reason: "upstream" }, "promote: skipped (upstream)"],
    [{ type: "node:canceling", ...NODE, reason: "TIMEOUT" }, "promote: canceling: TIMEOUT"],
    [
      { type: "node:canceled", ...FAILURE, outcome: "unknown" },
      "promote: canceled: TIMEOUT: no answer (outcome unknown)",
    ],
    [
      { type: "node:late", ...NODE, outcome: "succeeded" },
      "promote: attempt 2 answered late (succeeded); nothing changes",
    ],
    [{ type: "node:expanded", ...NODE, members: 1 }, "promote: 1 member"],
    [{ type: "node:compensating", ...NODE, attempt: 1 }, "promote: undoing"],
    [{ type: "node:compensated", ...NODE }, "promote: undone"],
    [
      { type: "node:compensation-retrying", ...FAILURE, outcome: "failed", delayMs: 90_000 },
      "promote: undoing failed: TIMEOUT: no answer; next in 1m30s",
    ],
    [
      { type: "node:compensation-failed", ...FAILURE, outcome: "failed" },
      "promote: could not be undone: TIMEOUT: no answer",
    ],
    [
      { type: "node:log", ...NODE, message: "a\u001b[31mb\u001b]0;title\u0007c\rd", details: undefined },
      "promote: | abc d",
    ],
  ])("%j", (event, expected) => {
    expect(eventText(event)).toBe(expected);
  });
});
