/**
 * Plays a peer's case on a real engine: held actions, a manual clock, virtual ticks. Owns: the one place where the
 * conformance suites make an engine, what ends when, and the judgement of every trace by the contract (`assertTrace`)
 * and by the invariants I1 to I6. Does not own: what a case means (the suites' mappers).
 */
import {
  checkPlan,
  createEngine,
  type Diagnostic,
  definePlan,
  type Json,
  type PlanDocument,
  type Run,
  type RunSnapshot,
} from "@belay/engine";
import {
  type ActionRig,
  actionRig,
  assertTrace,
  ManualClock,
  type PendingCall,
  type RollbackScope,
  type Scripts,
  settleTurns,
} from "@belay/engine/testing";
import { assertInvariants } from "./invariants.ts";

/** What is played. */
export interface Setting {
  readonly document: PlanDocument;
  /** What each node does; nodes without a script succeed. */
  readonly scripts?: Scripts;
  readonly params?: Readonly<Record<string, Json>>;
  /** Attempts at once; null = no limit. */
  readonly concurrency?: number | null;
  /** Ticks that a call lasts; 0 ends before anything else can. Default 1. */
  readonly ticksOf?: (node: string) => number;
}

export interface CasePlay {
  readonly run: Run;
  readonly rig: ActionRig;
  /** Nodes whose calls began together, compensations included, in order. */
  readonly waves: readonly (readonly string[])[];
  /** Most calls at once. */
  readonly concurrency: number;
  /** Goes on until the run rests, nothing but hanging calls is left (undefined then), or `until` says so. */
  play(until?: () => boolean): Promise<RunSnapshot | undefined>;
  /** Ends the call of `node` as scripted, and lets everything settle. */
  finish(node: string): Promise<void>;
  /** Throws unless the whole trace keeps every rule and every invariant. */
  judge(snapshot?: RunSnapshot, scope?: RollbackScope): void;
  close(): Promise<void>;
}

/** Why the document is no plan; empty when it is one. */
export function refusalsOf(document: unknown): readonly Diagnostic[] {
  return checkPlan(document).diagnostics.filter(({ severity }) => severity === "error");
}

/** Starts the plan; nothing has ended yet. */
export async function openPlay(setting: Setting): Promise<CasePlay> {
  const player = new Player(setting);
  await player.start();
  return player;
}

class Player implements CasePlay {
  readonly rig: ActionRig;
  readonly waves: string[][] = [];
  concurrency = 0;
  readonly #setting: Setting;
  readonly #clock = new ManualClock();
  readonly #dueOf = new Map<PendingCall, number>();
  readonly #seen = new WeakSet<PendingCall>();
  #now = 0;
  #run: Run | undefined;
  #close: () => Promise<void> = async () => {};

  constructor(setting: Setting) {
    this.#setting = setting;
    this.rig = actionRig(setting.scripts, { held: true });
  }

  get run(): Run {
    if (this.#run === undefined) throw new Error("the play has not started");
    return this.#run;
  }

  async start(): Promise<void> {
    const { document, params, concurrency } = this.#setting;
    const limit = concurrency == null ? {} : { concurrency };
    const engine = await createEngine({ actions: this.rig.actions, clock: this.#clock, graceMs: 0, ...limit });
    this.#close = () => engine.close();
    this.#run = await engine.start(definePlan(document), { seed: 1, ...(params === undefined ? {} : { params }) });
    this.rig.watch(this.#run);
    await this.#settle();
  }

  async play(until: () => boolean = () => false): Promise<RunSnapshot | undefined> {
    let rest: RunSnapshot | undefined;
    void this.run.settled().then((snapshot) => {
      rest = snapshot;
    });
    for (;;) {
      await this.#settle();
      if (rest !== undefined || until()) return rest;
      const due = Math.min(...this.#dueOf.values());
      if (due < Number.POSITIVE_INFINITY) this.#finishDue(due);
      // A hanging call waits for ever: time alone would only fire its timeout.
      else if (this.rig.pending.length > 0 || !this.#clock.next()) return undefined;
    }
  }

  async finish(node: string): Promise<void> {
    const call = this.rig.pending.find((pending) => pending.node === node);
    if (call === undefined) throw new Error(`nothing of ${node} runs`);
    this.#dueOf.delete(call);
    call.finish();
    await this.#settle();
  }

  judge(snapshot?: RunSnapshot, scope?: RollbackScope): void {
    const { document, concurrency } = this.#setting;
    const { trace } = this.rig;
    const given = { ...(snapshot === undefined ? {} : { snapshot }), ...(scope === undefined ? {} : { scope }) };
    assertTrace({ document, trace, serial: concurrency === 1, ...given });
    assertInvariants(document, trace, this.run.snapshot());
  }

  async close(): Promise<void> {
    const closed = this.#close();
    await settleTurns();
    while (this.#clock.next()) await settleTurns();
    await closed;
  }

  /** All that falls due at the same time ends together, in the order of the starts. */
  #finishDue(due: number): void {
    this.#now = due;
    for (const [call, at] of this.#dueOf) {
      if (at !== due) continue;
      this.#dueOf.delete(call);
      call.finish();
    }
  }

  async #settle(): Promise<void> {
    await settleTurns();
    const begun = this.rig.pending.filter((call) => !this.#seen.has(call));
    for (const call of begun) {
      this.#seen.add(call);
      const waits = call.behaviour === "hang" || call.behaviour === "obey";
      this.#dueOf.set(call, waits ? Number.POSITIVE_INFINITY : this.#now + (this.#setting.ticksOf?.(call.node) ?? 1));
    }
    for (const call of this.#dueOf.keys()) if (!this.rig.pending.includes(call)) this.#dueOf.delete(call);
    if (begun.length > 0) this.waves.push(begun.map((call) => call.node));
    this.concurrency = Math.max(this.concurrency, this.rig.pending.length);
  }
}
