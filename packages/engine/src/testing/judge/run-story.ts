/**
 * The state of every node as a listener can know it: what actions saw and what the engine said, told entry by entry.
 * Owns: the bookkeeping shared by the checkers. Does not judge: a checker looks at the story before an entry is told.
 * Shares no code with the engine. Cost: constant per entry, but for operators' verbs and a first start of a prohibiting
 * node, which pass over the nodes once. Nothing is allocated per entry.
 */
import { type PlanModel, splitId, toleratedFailures } from "./plan-model.ts";
import {
  type DeclaredStory,
  declaredStory,
  PHASE_AFTER,
  type Phase,
  STATUS_AFTER,
  type UnitStory,
  unitStory,
} from "./unit-story.ts";

/** How far a rollback is to go; "node": R35, which leaves the rest as it stands. */
export type RollbackScope = "all" | "barrier" | { readonly node: string };

/** What an operator asked for, once it was let pass (R37). */
export interface OperatorVerb {
  readonly verb: string;
  /** The node it is about; absent: the whole run. */
  readonly node?: string;
  /** When, epoch milliseconds; absent: at some time after the entry before. */
  readonly at?: number;
  /** Of a rollback. */
  readonly scope?: RollbackScope;
}

export class RunStory {
  readonly model: PlanModel;
  /** What operators have asked, in order. */
  readonly verbs: OperatorVerb[] = [];
  /** By place in the plan. */
  readonly declared: readonly DeclaredStory[];
  /** Nodes, groups and every member that ever was. */
  readonly all: UnitStory[] = [];
  phase: Phase = "forward";
  /** The run's last event: "run:failed", ... */
  said = "";
  paused = false;
  /** Epoch milliseconds of the latest entry that has a time. */
  now = 0;
  /** When the run's own time is over, at the latest: what an operator asks for at that very moment may come before or after. */
  endsAt: number = Number.POSITIVE_INFINITY;
  /** And at the earliest. */
  #mayEndAt: number = Number.POSITIVE_INFINITY;
  /** An operator canceled the run, and it has not rested since. */
  canceling = false;
  /** An untolerated failure stands. */
  failed = false;
  scope: RollbackScope;
  /** Operators' verbs are told too. Otherwise how far a rollback goes is a guess, and judged only at rest. */
  verbsTold = true;
  /** A verb asked for the rollback that begins. */
  #asked = false;

  constructor(model: PlanModel) {
    this.model = model;
    this.scope = model.document.onFailure === "rollback" ? "barrier" : "all";
    this.declared = model.nodes.map((node) => declaredStory(node));
    for (const { own } of this.declared) this.all.push(own);
  }

  /** Nobody tells of operators' verbs: rollbacks go as far as `scope`, nodes in `excused` owe nothing. */
  withoutVerbs(scope: RollbackScope | undefined, excused: readonly string[]): void {
    this.verbsTold = false;
    this.scope = scope ?? this.scope;
    for (const id of excused) this.unit(id).excused = true;
  }

  /** Node or member by its snapshot id; members come into being when first named. */
  unit(id: string): UnitStory {
    const { declared, index } = splitId(id);
    const place = this.model.placeOf.get(declared);
    if (place === undefined) throw new Error(`the trace names ${id}, which the plan does not know`);
    return this.unitAt(place, index);
  }

  /** The same, for news that may come long after its group was taken apart: it names nobody. */
  known(id: string): UnitStory | undefined {
    const { declared, index } = splitId(id);
    const home = this.declared[this.model.placeOf.get(declared) ?? -1];
    return index < 0 ? home?.own : home?.made[index];
  }

  /** Node (`index` -1) or member by place in the plan. */
  unitAt(place: number, index: number): UnitStory {
    const declared = this.declared[place] as DeclaredStory;
    return index < 0 ? declared.own : this.#member(declared, index);
  }

  /** A member belongs to its group once it is named, again after all of the group was made to wait. */
  #member(declared: DeclaredStory, index: number): UnitStory {
    const { made } = declared;
    for (let next = made.length; next <= index; next++) {
      const unit = unitStory(declared, next);
      made.push(unit);
      this.all.push(unit);
    }
    if (declared.count <= index) declared.count = index + 1;
    if (!declared.expanded || declared.units.length !== declared.count) enlist(declared);
    return made[index] as UnitStory;
  }

  /** The run's own time is over, or may be: what happens at that very moment may come before it. */
  outOfTime(): boolean {
    return this.now >= this.#mayEndAt;
  }

  /** The action of `unit` was called. */
  start(unit: UnitStory, attempt: number): void {
    unit.open.push(attempt);
    unit.balance -= attempt;
    unit.lastAttempt = Math.max(unit.lastAttempt, attempt);
    unit.dirty = true;
    if (this.verbsTold) unit.excused = false;
  }

  /** The process died and came back; what was in flight is called again, under the same key (R42). */
  again(unit: UnitStory, attempt: number): void {
    unit.okAttempt = 0;
    unit.open.push(attempt);
  }

  /** The action of `unit` let go. */
  end(unit: UnitStory, attempt: number, ok: boolean): void {
    if (ok && attempt > unit.okAttempt) unit.okAttempt = attempt;
    const place = unit.open.indexOf(attempt);
    if (place >= 0) unit.open.splice(place, 1);
  }

  /** The engine said something of the run. */
  saidOfRun(type: string): void {
    this.said = type;
    if (type === "run:started" || type === "run:retrying") {
      this.endsAt = this.now + this.model.timeoutMs;
      this.#mayEndAt = this.endsAt;
    }
    const phase = PHASE_AFTER[type];
    if (phase !== undefined) this.phase = phase;
    if (phase === "resting" || phase === "terminal") this.canceling = false;
    this.paused = type === "run:paused" || (this.paused && phase === undefined);
    if (type === "run:rolling-back") {
      if (!this.#asked && this.verbsTold) this.scope = "barrier";
      this.#asked = false;
    }
    if (type !== "run:retrying") return;
    this.#asked = false;
    for (const unit of this.all) unit.attemptsInRound = 0;
    this.#recountFailures();
  }

  /** An operator's verb was let pass. */
  verb(asked: OperatorVerb): void {
    const { verb, node, scope } = asked;
    this.verbs.push(asked);
    if (verb === "rollback" && scope !== undefined) this.scope = scope;
    // What was asked for by name, and is undone, need not go again when something else is asked for.
    if (verb === "rollback") for (const declared of this.declared) declared.named = false;
    if (verb === "skip-rollback" && node !== undefined) this.unit(node).excused = true;
    this.#asked = verb === "rollback" || verb === "skip-rollback";
    if (verb === "cancel" && node === undefined) this.canceling = true;
    if (verb === "signal" && node !== undefined) this.unit(node).signaled = true;
    if (verb === "reject" && node !== undefined) this.unit(node).rejected = true;
    // It goes on, with as much time as at the start.
    const goesOn = verb === "retry" || verb === "skip";
    if (goesOn && this.phase === "forward" && this.outOfTime()) {
      const surely = this.now > this.#mayEndAt;
      this.endsAt = this.now + this.model.timeoutMs;
      if (surely) this.#mayEndAt = this.endsAt;
    }
    if (verb !== "retry") return;
    this.canceling = false;
    if (node !== undefined) this.unit(node).home.named = true;
  }

  /** A group got its members; it may have fewer than when it expanded before. */
  expanded({ home }: UnitStory, members: number): void {
    home.count = 0;
    home.begun = false;
    home.lost = false;
    if (members === 0) {
      home.expanded = false;
      home.units = home.single;
    } else {
      this.#member(home, members - 1);
    }
  }

  /** The engine said something of a node; `detail` is the reason of `node:skipped`. */
  saidOf(unit: UnitStory, type: string, detail?: string): void {
    if (unit.index < 0 && unit.home.expanded) this.#saidOfGroup(unit.home, type);
    else this.#saidOfUnit(unit, type, detail);
  }

  /**
   * What is said of a group as a whole follows from its members, but for a group that never got any, and for the failure
   * of a FIRST_SUCCESS group with a candidate that could not be undone (R21).
   */
  #saidOfGroup(home: DeclaredStory, type: string): void {
    const { method, tolerated } = home.model;
    home.canceled = false;
    if (type !== "node:reset") home.named = false;
    switch (type) {
      case "node:failed":
        if (method === "FIRST_SUCCESS" && !tolerated && !home.lost) this.#fail();
        return;
      case "node:canceled":
        home.canceled = true;
        if (!tolerated) this.#failOnce(home);
        return;
      case "node:reset":
        home.allowed = true;
        home.passed = false;
        if (method === "FIRST_SUCCESS") home.lost = false;
        home.again = true;
        // All of it waits again: it may expand anew, or be skipped as a whole.
        if (home.units.every(({ status }) => status === "pending")) {
          home.begun = false;
          home.expanded = false;
          home.units = home.single;
        }
        this.#recountFailures();
        return;
      case "node:skipped":
        home.passed = true;
        home.lost = false;
        this.#recountFailures();
        return;
    }
  }

  #saidOfUnit(unit: UnitStory, type: string, detail: string | undefined): void {
    const before = unit.status;
    // What was undone in vain between two attempts has failed as well.
    const failed = before === "failed" || before === "compensation-failed";
    if (type === "node:reset" || type === "node:ready") unit.retried ||= failed;
    if (type === "node:succeeded" || type === "node:failed") unit.retried = false;
    unit.status = STATUS_AFTER[type] ?? before;
    if (unit.index < 0 && ENDS.has(unit.status)) unit.home.named = false;
    if (unit.status === "failed" || unit.status === "compensation-failed") unit.home.again = false;
    switch (type) {
      case "node:ready":
        unit.home.begun = true;
        return;
      case "node:started":
        this.#started(unit);
        return;
      case "node:succeeded":
        unit.lastSucceeded = true;
        return;
      case "node:approved":
        unit.approvals += 1;
        return;
      case "node:canceling":
        unit.aborted = true;
        return;
      case "node:compensating":
        if (before === "compensation-failed" && this.phase === "forward") this.#goAgain(unit);
        // A failed compensation that is tried again is for what it was for.
        if (before !== "compensating" && before !== "compensation-failed") unit.betweenAttempts = before === "backoff";
        return;
      case "node:compensated":
        if (unit.betweenAttempts && this.phase === "forward") unit.status = "backoff";
        unit.dirty = false;
        unit.rolledBack = this.phase === "rolling-back";
        return;
      case "node:failed":
      case "node:canceled":
        if (!tolerates(unit)) this.#failOnce(unit.home);
        else this.#lose(unit.home);
        return;
      case "node:compensation-failed":
        // Between two attempts that is a failure of the node: there will be no further one (R25).
        if (this.phase === "forward" && !tolerates(unit)) this.#failOnce(unit.home);
        return;
      case "node:reset":
        this.#goAgain(unit);
        return;
      case "node:skipped":
        unit.passed = detail === "operator";
        if (unit.passed) this.#recountFailures();
        return;
    }
  }

  #started(unit: UnitStory): void {
    unit.startedAt = this.now;
    if (unit.attemptsInRound === 0) unit.roundStartedAt = this.now;
    unit.approvals = 0;
    unit.signaled = false;
    unit.rejected = false;
    unit.aborted = false;
    unit.lost = false;
    unit.attemptsInRound += 1;
    unit.dirty = true;
    unit.lastSucceeded = false;
    if (unit.started) return;
    unit.started = true;
    if (!unit.home.model.prohibits) return;
    // From now on it, and everything above it, stands (R33, R34).
    unit.barred = true;
    for (const place of unit.home.model.ancestors) (this.declared[place] as DeclaredStory).barred = true;
  }

  /** The last candidate failed: so has its group, whatever becomes of the compensation (R21). */
  #lose(home: DeclaredStory): void {
    if (home.model.method !== "FIRST_SUCCESS" || home.model.tolerated || !home.expanded || home.lost) return;
    for (const { status } of home.units) {
      if (status !== "failed" && status !== "compensated" && status !== "skipped") return;
    }
    this.#failOnce(home);
  }

  /** A node fails; a group only once, however many of its members fail after the one that was too many. */
  #failOnce(home: DeclaredStory): void {
    if (home.expanded && home.lost) return;
    home.lost = home.expanded;
    this.#fail();
  }

  /** An operator lets the node go again. */
  #goAgain(unit: UnitStory): void {
    unit.attemptsInRound = 0;
    unit.home.allowed = true;
    unit.home.canceled = false;
    this.#recountFailures();
  }

  /** A new failure: what operators asked for before it is held by it like anything else (R14, R37). */
  #fail(): void {
    this.failed = true;
    for (const declared of this.declared) {
      declared.allowed = false;
      declared.named = false;
    }
  }

  /** After an operator's verb: which failures still stand. */
  #recountFailures(): void {
    this.failed = false;
    for (const declared of this.declared) {
      const stand = stands(declared);
      declared.lost &&= stand;
      if (stand && !declared.model.tolerated) this.failed = true;
    }
  }
}

const ENDS: ReadonlySet<string> = new Set(["succeeded", "failed", "skipped"]);

function enlist(declared: DeclaredStory): void {
  declared.expanded = true;
  declared.units =
    declared.count === declared.made.length ? declared.made.slice() : declared.made.slice(0, declared.count);
}

/** Whether the failure of this unit leaves the run unharmed, as far as is known now (R14). */
function tolerates({ home, index }: UnitStory): boolean {
  if (home.model.tolerated) return true;
  if (index < 0) return false;
  if (home.model.method === "FIRST_SUCCESS") return true;
  return failures(home) <= toleratedFailures(home.model, home.units.length);
}

/** The node or group has failed, and its failure still stands. */
function stands(declared: DeclaredStory): boolean {
  if (declared.passed) return false;
  if (declared.canceled) return true;
  const { units, model, expanded } = declared;
  const failed = failures(declared);
  if (model.method !== "FIRST_SUCCESS" || !expanded) {
    return failed > (expanded ? toleratedFailures(model, units.length) : 0);
  }
  if (declared.again || count(declared, "succeeded") > 0) return false;
  // A candidate that could not be undone keeps the next one from starting (R21).
  if (count(declared, "compensation-failed") > 0) return true;
  let ended = failed;
  for (const { status, rolledBack, betweenAttempts } of units) {
    if (status === "compensated" && !rolledBack) ended++;
    if (status === "compensating" && !betweenAttempts) ended++;
  }
  return ended > 0 && ended + count(declared, "skipped") === units.length;
}

function failures(declared: DeclaredStory): number {
  return count(declared, "failed") + count(declared, "compensation-failed");
}

function count({ units }: DeclaredStory, status: UnitStory["status"]): number {
  let found = 0;
  for (const unit of units) if (unit.status === status) found++;
  return found;
}
