/**
 * The judge: is told what happens, entry by entry, and checks each entry against the story so far before it joins it.
 * Owns: which check looks at which entry. Everything it knows, it was told: it shares no code with the engine.
 * Cost: a few comparisons per entry; no text is built, and nothing allocated, while nothing is wrong.
 */
import type { PlanDocument } from "../../plan/document.ts";
import type { RunSnapshot } from "../../runtime/api.ts";
import { checkFailure, checkStopped, checkSuccess, checkUndone } from "./check-attempt.ts";
import { checkCall, checkReady, checkSkip, checkStart } from "./check-forward.ts";
import { checkRest, checkTold } from "./check-rest.ts";
import { checkEndOfRollback, checkRolledBack, checkUndo, checkVerb } from "./check-rollback.ts";
import { checkTornDown } from "./check-teardown.ts";
import { planModel, type Report, type Violation } from "./plan-model.ts";
import { type OperatorVerb, type RollbackScope, RunStory } from "./run-story.ts";
import type { CallEntry, TraceEntry } from "./trace.ts";
import { type UnitStory, unitId } from "./unit-story.ts";

export class Judge {
  readonly story: RunStory;
  /** What is wrong so far, in order. */
  readonly violations: Violation[] = [];
  readonly #limitOf: (pool: string) => number;
  /** Idempotency keys by text, and whose they are (R43). */
  readonly #keys = new Map<string, string>();
  readonly report: Report = (rule, what) => {
    this.violations.push({ rule, message: `${rule}: ${what}` });
  };

  /** `limitOf`: attempts at once of a pool ("" is the engine's own); where it is 1, R11 alone decides what starts. */
  constructor(document: PlanDocument, limitOf: (pool: string) => number) {
    this.story = new RunStory(planModel(document));
    this.#limitOf = limitOf;
  }

  /** An action was called. */
  called(unit: UnitStory, attempt: number, previousStillRunning: boolean): void {
    checkCall(this.story, unit, this.report);
    this.#checkLetGo(unit, previousStillRunning);
    if (attempt <= unit.lastAttempt) this.#repeated("start", unit, attempt);
    this.story.start(unit, attempt);
  }

  /** A call that was in flight when the process died is made again (R42). */
  calledAgain(unit: UnitStory, attempt: number, undo: boolean): void {
    const latest = undo ? unit.lastUndo : unit.lastAttempt;
    if (attempt !== latest)
      this.report("R42", `attempt ${attempt} of ${unitId(unit)} was called again, but ${latest} was the latest`);
    if (undo) {
      unit.openUndos += 1;
      unit.okUndo = 0;
    } else this.story.again(unit, attempt);
  }

  /** A call that was cut off was found done, or nobody can tell what came of it (R42): it is not made again. */
  resolved(unit: UnitStory, attempt: number, undo: boolean, done: boolean): void {
    const latest = undo ? unit.lastUndo : unit.lastAttempt;
    if (attempt !== latest)
      this.report("R42", `attempt ${attempt} of ${unitId(unit)} was resolved, but ${latest} was the latest`);
    if (!done) unit.lost = unit.lost || !undo;
    else if (undo) unit.okUndo = attempt;
    else unit.okAttempt = attempt;
  }

  /** A compensation let go. */
  undoLetGo(unit: UnitStory, attempt: number, ok: boolean): void {
    if (ok && attempt > unit.okUndo) unit.okUndo = attempt;
    unit.openUndos -= 1;
  }

  /** An action let go. */
  letGo(unit: UnitStory, attempt: number, ok: boolean): void {
    this.story.end(unit, attempt, ok);
  }

  /** A compensation was called. */
  undoCalled(unit: UnitStory, attempt: number, previousStillRunning: boolean): void {
    checkUndo(this.story, unit, this.report);
    this.#checkLetGo(unit, previousStillRunning);
    if (attempt <= unit.lastUndo) this.#repeated("undo", unit, attempt);
    unit.lastUndo = attempt;
    unit.openUndos += 1;
  }

  /** What is told next happened then, epoch milliseconds. */
  at(now: number): void {
    this.story.now = now;
  }

  /** The engine said something of a node; `detail` is why it was skipped or stopped, or how its attempt ended. */
  saidOf(unit: UnitStory, type: string, attempt: number, detail?: string): void {
    const { story } = this;
    // A group as a whole may say that it is ready or started: its members are judged.
    if (unit.index >= 0 || !unit.home.expanded) {
      if (type === "node:ready") checkReady(story, unit, this.report);
      if (type === "node:started") {
        checkStart(story, unit, this.#limitOf(unit.home.model.pool) === 1, this.report);
        unit.balance += attempt;
        unit.announced = attempt;
      }
      if (type === "node:skipped") checkSkip(story, unit, detail, this.report);
      if (type === "node:succeeded") checkSuccess(story, unit, this.report);
      else if (type === "node:canceling") checkStopped(story, unit, detail, this.report);
      else if (type === "node:compensated") checkUndone(unit, this.report);
      else if (FAILURES.has(type)) checkFailure(unit, type, detail, this.report);
    }
    story.saidOf(unit, type, detail);
  }

  /** A group got its members. */
  expanded(unit: UnitStory, members: number): void {
    this.story.expanded(unit, members);
  }

  /** The engine said something of the run. */
  saidOfRun(type: string): void {
    checkEndOfRollback(this.story, type, this.report);
    this.story.saidOfRun(type);
  }

  /** An operator's verb was let pass. */
  asked(verb: OperatorVerb): void {
    if (verb.at !== undefined) this.at(verb.at);
    checkVerb(this.story, verb, this.report);
    this.story.verb(verb);
  }

  /** The run rests: `snapshot` was taken after the last entry. `scope` overrules what the story knows of the rollback. */
  rests(snapshot: RunSnapshot, scope: RollbackScope = this.story.scope): void {
    checkRest(this.story, snapshot, this.report);
    checkTornDown(this.story, snapshot, this.report);
    if (ROLLED_BACK.has(snapshot.status))
      checkRolledBack(this.story, scope, snapshot.status === "ROLLBACK_FAILED", this.report);
  }

  /** Nothing more comes: what was announced was called, and the other way round (R39). */
  ends(): void {
    checkTold(this.story, this.report);
  }

  /** One entry of a trace, by ids. */
  entry(entry: TraceEntry): void {
    // What came of it outside is for the world to judge.
    if (entry.kind === "effect") return;
    if (entry.kind === "verb") this.asked(entry);
    else if (entry.kind === "event") this.#event(entry.event);
    else if (entry.kind === "start" || entry.kind === "undo") this.#call(entry);
    else {
      const unit = this.story.known(entry.node);
      if (unit === undefined) return;
      if (entry.kind === "resolved") this.resolved(unit, entry.attempt, entry.undo, entry.done);
      else if (entry.kind === "end") this.letGo(unit, entry.attempt, entry.ok);
      else this.undoLetGo(unit, entry.attempt, entry.ok);
    }
  }

  #call(entry: CallEntry & { readonly kind: "start" | "undo" }): void {
    const { kind, node, attempt, previousStillRunning } = entry;
    const unit = this.story.unit(node);
    this.#checkKey(`${kind} ${node}#${attempt}`, entry.key);
    if (entry.again === true) this.calledAgain(unit, attempt, kind === "undo");
    else if (kind === "start") this.called(unit, attempt, previousStillRunning);
    else this.undoCalled(unit, attempt, previousStillRunning);
  }

  #event(event: Extract<TraceEntry, { kind: "event" }>["event"]): void {
    this.at(event.at);
    if (!("nodeId" in event)) {
      this.saidOfRun(event.type);
      return;
    }
    // A late answer changes nothing, and its node may be gone.
    if (event.type === "node:late") return;
    const unit = this.story.unit(event.nodeId);
    if (event.type === "node:expanded") this.expanded(unit, event.members);
    else this.saidOf(unit, event.type, event.attempt, detailOf(event));
  }

  /** R26: a call is told whether an earlier attempt of its node has not let go. */
  #checkLetGo(unit: UnitStory, previousStillRunning: boolean): void {
    const open = unit.open.length + unit.openUndos;
    if (open > 0 === previousStillRunning) return;
    const truth = open > 0 ? `${open} calls of it still ran` : "no attempt ran any more";
    this.report("R26", `${unitId(unit)} was told previousStillRunning ${previousStillRunning}, but ${truth}`);
  }

  /** R25: an attempt is called once, and the next one has a higher number. */
  #repeated(kind: "start" | "undo", unit: UnitStory, attempt: number): void {
    this.report("R25", `"${kind} ${unitId(unit)}#${attempt}" was called twice, or after a later one`);
  }

  /** R43: every attempt has a key of its own. */
  #checkKey(attempt: string, key: string): void {
    const other = this.#keys.get(key);
    if (other !== undefined && other !== attempt)
      this.report("R43", `"${attempt}" has the idempotency key of "${other}"`);
    this.#keys.set(key, attempt);
  }
}

function detailOf(event: Extract<TraceEntry, { kind: "event" }>["event"]): string | undefined {
  if ("reason" in event) return event.reason;
  return "outcome" in event && !event.type.startsWith("node:compensation") ? event.outcome : undefined;
}

const FAILURES: ReadonlySet<string> = new Set(["node:failed", "node:canceled", "node:retrying"]);
const ROLLED_BACK: ReadonlySet<string> = new Set(["ROLLED_BACK", "PARTIALLY_ROLLED_BACK", "ROLLBACK_FAILED"]);
