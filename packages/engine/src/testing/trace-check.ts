/**
 * Judges a trace: pure checks of (plan document, trace, snapshot at rest) against the contract, each message citing its
 * rule. Owns: which check looks at which entry. Shares no code with the engine: it is built from the document alone.
 * Cost: entries times nodes; meant for plans of a few hundred nodes.
 */
import type { PlanDocument } from "../plan/document.ts";
import type { RunSnapshot } from "../runtime/api.ts";
import { checkCall, checkReady, checkStart } from "./check-forward.ts";
import { checkRest } from "./check-rest.ts";
import { checkRolledBack, checkUndo, type RollbackScope } from "./check-rollback.ts";
import { planModel, splitId, type Violation } from "./plan-model.ts";
import { RunStory } from "./run-story.ts";
import type { CallEntry, TraceEntry } from "./trace.ts";

export interface TraceToCheck {
  readonly document: PlanDocument;
  /** All of it, from the start of the run. */
  readonly trace: readonly TraceEntry[];
  /** Taken when the run rested after the last entry; absent: only the trace is judged. */
  readonly snapshot?: RunSnapshot;
  /** The engine ran one attempt at a time, so that R11 alone decides what starts. Default false. */
  readonly serial?: boolean;
  /** Scope of the last rollback; default: "barrier" when the plan rolls back by itself (R34), else "all". */
  readonly scope?: RollbackScope;
  /** Nodes passed by `skipRollback`. */
  readonly skippedRollbacks?: readonly string[];
}

/** Everything that is wrong with the trace, in order; empty = every rule held. */
export function checkTrace(options: TraceToCheck): Violation[] {
  const { document, trace, snapshot } = options;
  const story = new RunStory(planModel(document));
  const excused = new Set(options.skippedRollbacks ?? []);
  const found: Violation[] = [];
  const keys = new Map<string, string>();
  for (const entry of trace) {
    found.push(...checkEntry(story, entry, options.serial === true, excused), ...checkOnce(entry, keys));
    story.apply(entry);
  }
  found.push(...checkTold(trace, document));
  if (snapshot === undefined) return found;
  found.push(...checkRest(story, snapshot));
  const scope = options.scope ?? (document.onFailure === "rollback" ? "barrier" : "all");
  if (ROLLED_BACK.has(snapshot.status)) {
    found.push(...checkRolledBack(story, scope, excused, snapshot.status === "ROLLBACK_FAILED"));
  }
  return found;
}

/** Throws an error that lists every violation, the rules first, then the trace. */
export function assertTrace(options: TraceToCheck): void {
  const violations = checkTrace(options);
  if (violations.length === 0) return;
  const told = options.trace.map((entry) => JSON.stringify(entry.kind === "event" ? entry.event : entry));
  throw new Error([...violations.map((violation) => violation.message), "trace:", ...told].join("\n"));
}

const ROLLED_BACK: ReadonlySet<string> = new Set(["ROLLED_BACK", "PARTIALLY_ROLLED_BACK", "ROLLBACK_FAILED"]);

function checkEntry(story: RunStory, entry: TraceEntry, serial: boolean, excused: ReadonlySet<string>): Violation[] {
  if (entry.kind === "start") return [...checkCall(story, story.node(entry.node)), ...checkLetGo(story, entry)];
  if (entry.kind === "undo") return [...checkUndo(story, story.node(entry.node), excused), ...checkLetGo(story, entry)];
  if (entry.kind !== "event") return [];
  const { event } = entry;
  if (event.type !== "node:ready" && event.type !== "node:started") return [];
  // A group as a whole may say that it started: its members are judged.
  if (story.members.has(event.nodeId)) return [];
  const node = story.node(event.nodeId);
  return event.type === "node:ready" ? checkReady(story, node) : checkStart(story, node, serial);
}

/** R26: a call is told whether an earlier attempt of its node has not let go. */
function checkLetGo(story: RunStory, { node, previousStillRunning }: CallEntry): Violation[] {
  const open = [...story.node(node).open];
  if (open.length > 0 === previousStillRunning) return [];
  const truth = open.length > 0 ? `attempt ${open.join(", ")} still ran` : "no attempt ran any more";
  return [{ rule: "R26", message: `R26: ${node} was told previousStillRunning ${previousStillRunning}, but ${truth}` }];
}

/** R25, R43: an attempt is called once, and every attempt has a key of its own. */
function checkOnce(entry: TraceEntry, keys: Map<string, string>): Violation[] {
  if (entry.kind !== "start" && entry.kind !== "undo") return [];
  const attempt = `${entry.kind} ${entry.node}#${entry.attempt}`;
  const found: Violation[] = [];
  if (keys.has(attempt)) found.push({ rule: "R25", message: `R25: "${attempt}" was called twice` });
  const other = keys.get(`key ${entry.key}`);
  if (other !== undefined)
    found.push({ rule: "R43", message: `R43: "${attempt}" has the idempotency key of "${other}"` });
  keys.set(attempt, attempt).set(`key ${entry.key}`, attempt);
  return found;
}

/** R39: what was called was announced, and what was announced was called: exactly once each. */
function checkTold(trace: readonly TraceEntry[], document: PlanDocument): Violation[] {
  const balance = new Map<string, number>();
  const count = (attempt: string, by: number): void => {
    balance.set(attempt, (balance.get(attempt) ?? 0) + by);
  };
  for (const entry of trace) {
    if (entry.kind === "start") count(`${entry.node}#${entry.attempt}`, 1);
    if (entry.kind === "event" && entry.event.type === "node:started")
      count(`${entry.event.nodeId}#${entry.event.attempt}`, -1);
  }
  const groups = new Set(
    trace.flatMap((entry) =>
      entry.kind === "event" && entry.event.type === "node:expanded" ? [entry.event.nodeId] : [],
    ),
  );
  // What is built in is not seen by those who watch the actions.
  const builtIn = new Set(document.nodes.flatMap(({ id, action }) => (action.startsWith("belay.") ? [id] : [])));
  return [...balance].flatMap(([attempt, difference]) => {
    const node = attempt.slice(0, attempt.lastIndexOf("#"));
    if (difference === 0 || groups.has(node)) return [];
    if (difference < 0 && builtIn.has(splitId(node).declared)) return [];
    const what = difference > 0 ? "was called without a node:started" : "was announced and not called";
    return [{ rule: "R39" as const, message: `R39: attempt ${attempt} ${what}` }];
  });
}
