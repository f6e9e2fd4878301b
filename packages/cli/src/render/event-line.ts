/** One event as one plain line, for logs and pipes. Pure. */
import type { AnyRunEvent, NodeFailure } from "@belay/engine";
import { failureText } from "./note.ts";
import { duration, oneLine } from "./text.ts";

/** The words of an event; null for those that say nothing to a reader of a log. No control characters, one line. */
export function eventText(event: AnyRunEvent): string | null {
  return event.type.startsWith("run:") ? runText(event) : nodeText(event);
}

function runText(event: AnyRunEvent): string | null {
  if (event.type === "run:fault") return `run stopped by a fault: ${event.code}: ${oneLine(event.message)}`;
  return `run ${event.type.slice("run:".length).replaceAll("-", " ")}`;
}

function nodeText(event: AnyRunEvent): string | null {
  if (!("nodeId" in event)) return null;
  const words = happening(event);
  return words === null ? null : `${event.nodeId}: ${words}`;
}

function happening(event: Extract<AnyRunEvent, { nodeId: string }>): string | null {
  switch (event.type) {
    case "node:ready":
      return null;
    case "node:held":
      return "held back";
    case "node:reset":
      return "waits to run again";
    case "node:started":
      return event.attempt > 1 ? `started, attempt ${event.attempt}` : "started";
    case "node:approved":
      return `approved by ${oneLine(event.who)}`;
    case "node:succeeded":
      return "succeeded";
    case "node:failed":
      return `${event.tolerated ? "failed, tolerated" : "failed"}: ${why(event)}`;
    case "node:retrying":
      return `attempt ${event.attempt} failed: ${why(event)}; next in ${duration(event.delayMs)}`;
    case "node:skipped":
      return `skipped (${event.reason})`;
    case "node:canceling":
      return `canceling: ${oneLine(event.reason)}`;
    case "node:canceled":
      return `canceled: ${why(event)}`;
    case "node:late":
      return `attempt ${event.attempt} answered late (${event.outcome}); nothing changes`;
    case "node:expanded":
      return `${event.members} ${event.members === 1 ? "member" : "members"}`;
    case "node:compensating":
      return event.attempt > 1 ? `undoing, attempt ${event.attempt}` : "undoing";
    case "node:compensated":
      return "undone";
    case "node:compensation-retrying":
      return `undoing failed: ${why(event)}; next in ${duration(event.delayMs)}`;
    case "node:compensation-failed":
      return `could not be undone: ${why(event)}`;
    case "node:log":
      return `| ${oneLine(event.message)}`;
  }
}

/** An unknown outcome is said, once: "timed out" does not mean "did not happen" (R26). */
function why({ error, outcome }: { readonly error: NodeFailure; readonly outcome: string }): string {
  const isSaid = outcome !== "unknown" || /it (?:may have taken effect|changes nothing by itself)/.test(error.message);
  return failureText(error) + (isSaid ? "" : " (outcome unknown)");
}
