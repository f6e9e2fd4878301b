/**
 * What really happened in a run, in order: what actions were called for and how they ended (the ground truth, written by
 * the rig from inside the actions), what the engine said of it (events), and what operators asked.
 * Owns: the entries and their order. Does not judge them: `trace-check.ts` does.
 */
import type { AnyRunEvent, Run } from "../../runtime/api.ts";
import { RUN_EVENT_NAMES } from "../../runtime/event.ts";
import type { OperatorVerb } from "./run-story.ts";

/** A call as the action saw it. */
export interface CallEntry {
  /** The snapshot's id; a member's is `group[idx]`. */
  readonly node: string;
  readonly attempt: number;
  /** `ctx.idempotencyKey`. */
  readonly key: string;
  /** `ctx.previousStillRunning`. */
  readonly previousStillRunning: boolean;
  /** The process died while it was called, and calls it again under the same key (R42). */
  readonly again?: true;
}

export type TraceEntry =
  /** An action was called. */
  | ({ readonly kind: "start" } & CallEntry)
  /** An action let go, whether or not the engine still listened. */
  | { readonly kind: "end"; readonly node: string; readonly attempt: number; readonly ok: boolean }
  /** A compensation was called. */
  | ({ readonly kind: "undo" } & CallEntry)
  | { readonly kind: "undo-end"; readonly node: string; readonly attempt: number; readonly ok: boolean }
  /** A call that was cut off with its process was found done, or nobody can tell what came of it (R42). */
  | {
      readonly kind: "resolved";
      readonly node: string;
      readonly attempt: number;
      readonly undo: boolean;
      readonly done: boolean;
    }
  /** A call took effect on the world of a simulation, maybe without an answer. */
  | { readonly kind: "effect"; readonly node: string; readonly attempt: number; readonly undo: boolean }
  /** What an operator asked for, once it was let pass (R37); before what follows from it. */
  | ({ readonly kind: "verb" } & OperatorVerb)
  /** What the engine said. */
  | { readonly kind: "event"; readonly event: AnyRunEvent };

/** Writes every event of `run` into `entries`, from now on. Call it in the tick in which `start` resolved: it misses nothing. */
export function watchRun(run: Run, entries: TraceEntry[]): void {
  for (const type of RUN_EVENT_NAMES) {
    run.on(type, (event) => {
      entries.push({ kind: "event", event: { type, ...event } as AnyRunEvent });
    });
  }
}

/** One line per entry, for assertions that read like a story: "start a#1", "effect of start a#1", "end a#1 ok", "node:ready a", "operator: skip a". */
export function traceLines(entries: readonly TraceEntry[]): string[] {
  return entries.map((entry) => {
    if (entry.kind === "event") return eventLine(entry.event);
    if (entry.kind === "verb") return verbLine(entry);
    if (entry.kind === "resolved")
      return `${entry.undo ? "undo" : "start"} ${entry.node}#${entry.attempt} ${entry.done ? "was done" : "is lost"}`;
    if (entry.kind === "effect") return `effect of ${entry.undo ? "undo" : "start"} ${entry.node}#${entry.attempt}`;
    if (entry.kind === "start" || entry.kind === "undo")
      return `${entry.kind} ${entry.node}#${entry.attempt}${entry.again ? " again" : ""}`;
    return `${entry.kind} ${entry.node}#${entry.attempt} ${entry.ok ? "ok" : "failed"}`;
  });
}

function verbLine({ verb, node, scope }: OperatorVerb): string {
  const to = typeof scope === "object" ? `to ${scope.node}` : scope;
  return ["operator:", verb, node, to].filter((word) => word !== undefined).join(" ");
}

function eventLine(event: AnyRunEvent): string {
  return "nodeId" in event ? `${event.type} ${event.nodeId}` : event.type;
}
