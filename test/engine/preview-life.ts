/**
 * A life of a run in which the test ends every call, to compare what a preview says with what then happens. Owns: the calls
 * that wait, the waves in which calls were made, and "everything succeeds". Before that, anything may happen.
 */
import {
  type AnyRunEvent,
  createEngine,
  definePlan,
  type Engine,
  MemoryJournal,
  RUN_EVENT_NAMES,
  type Run,
} from "@belay/engine";
import { callId, ManualClock, type Scenario, settleTurns } from "@belay/engine/testing";

/** An attempt, or a compensation's, that was dispatched. */
export interface Made {
  readonly id: string;
  readonly attempt: number;
  readonly undo: boolean;
  wave: number;
}

/** A call of an action that has not let go; what only waits has none. */
interface Held {
  readonly undo: boolean;
  readonly signal: AbortSignal;
  readonly id: string;
  readonly attempt: number;
  succeed(): void;
  fail(): void;
}

type Parts = Readonly<{ engine: Engine; run: Run; clock: ManualClock; journal: MemoryJournal; held: Held[] }>;

/** Which of the calls in flight ends next. */
export type Pick = (count: number) => number;

const oldest: Pick = () => 0;

export class Life {
  readonly engine: Engine;
  readonly run: Run;
  readonly clock: ManualClock;
  readonly journal: MemoryJournal;
  /** All that was said, in order. */
  readonly events: AnyRunEvent[] = [];
  /** All that was dispatched, in order. */
  readonly made: Made[] = [];
  readonly #held: Held[];
  /** What was dispatched and has not ended, oldest first. */
  #open: Made[] = [];
  /** Waves in which attempts were asked to let go. */
  readonly #abortedIn = new Map<string, number>();
  #wave = 1;

  static async begin({ document, params, scripts }: Scenario): Promise<Life> {
    const held: Held[] = [];
    const call = (undo: boolean) => (ctx: Parameters<typeof callId>[0]) =>
      new Promise((resolve, reject) => {
        const id = callId(ctx);
        const script = scripts[id] ?? scripts[ctx.nodeId];
        const output = typeof script === "object" ? (script.output ?? null) : null;
        held.push({
          undo,
          signal: ctx.signal,
          id,
          attempt: ctx.attempt,
          succeed: () => resolve(undo ? undefined : output),
          fail: () => reject(new Error(`${id} failed`)),
        });
      });
    const clock = new ManualClock();
    const journal = new MemoryJournal();
    const pools = { narrow: { concurrency: 1000 }, wide: { concurrency: 1000 } };
    const actions = { do: call(false), undo: call(true) };
    const engine = await createEngine({ actions, clock, journal, pools });
    const run = await engine.start(definePlan(document), { params, runId: "run", seed: 1 });
    const life = new Life({ engine, run, clock, journal, held });
    await settleTurns();
    return life;
  }

  private constructor(parts: Parts) {
    this.engine = parts.engine;
    this.run = parts.run;
    this.clock = parts.clock;
    this.journal = parts.journal;
    this.#held = parts.held;
    for (const type of RUN_EVENT_NAMES) {
      this.run.on(type, (event) => this.#hear({ type, ...event } as AnyRunEvent));
    }
  }

  #hear(event: AnyRunEvent): void {
    this.events.push(event);
    if (!("nodeId" in event)) return;
    const { nodeId: id, attempt } = event;
    const undo = event.type === "node:compensating";
    if (undo || event.type === "node:started") {
      const made = { id, attempt, undo, wave: this.#wave };
      this.made.push(made);
      this.#open.push(made);
    }
    if (event.type === "node:canceling") this.#abortedIn.set(id, this.#wave);
    const ended = ENDS[event.type];
    if (ended !== undefined) this.#open = this.#open.filter((one) => one.id !== id || one.undo !== (ended === "undo"));
  }

  /** Something happens, chosen by a number: a call ends well or not, or time passes. */
  async happen(choice: number): Promise<void> {
    const kind = choice % 8;
    const call = this.#held[Math.floor(choice / 8) % Math.max(1, this.#held.length)];
    if (kind === 7 || call === undefined) this.clock.next();
    else this.#end(call, kind < 5);
    await settleTurns();
  }

  /** What has been dispatched and waited for, oldest first. */
  get open(): readonly Made[] {
    return this.#open;
  }

  /** Calls that were asked to let go, and have not. */
  get aborting(): number {
    return this.#held.filter(({ signal }) => signal.aborted).length;
  }

  /** Of those, the ones that nobody has asked to let go. */
  get undisturbed(): readonly Made[] {
    return this.#open.filter((one) => this.#callOf(one)?.signal.aborted !== true);
  }

  /** The waves of what is dispatched are counted from here. */
  countWaves(): void {
    this.#wave = 1;
    for (const one of this.#open) one.wave = 1;
    this.#abortedIn.clear();
  }

  /**
   * What was asked to let go does so, and everything else succeeds, until the run rests: calls in the order of `pick`,
   * approvals and signals with them, time only when nothing else can happen.
   */
  async succeed(pick: Pick = oldest): Promise<void> {
    let rested = false;
    void this.run.settled().then(() => {
      rested = true;
    });
    for (await settleTurns(); !rested; await settleTurns()) {
      const aborted = this.#firstAborted();
      const ending = this.#open.filter((one) => this.#canEnd(one));
      const next = ending[pick(ending.length)];
      if (aborted !== undefined) this.#letGo(aborted);
      else if (next === undefined) this.clock.next();
      else await this.#endWell(next);
    }
  }

  /** Everything but time ends an approval, a signal and a call. */
  #canEnd(made: Made): boolean {
    return this.#callOf(made) !== undefined || (!made.undo && this.#waitOf(made.id) !== undefined);
  }

  /** The one that was asked to let go before the others; what was asked before the waves were counted comes first. */
  #firstAborted(): Held | undefined {
    const order = [...this.#abortedIn.keys()];
    const place = ({ id, undo }: Held): number => (undo ? -1 : order.indexOf(id));
    return this.#held.filter(({ signal }) => signal.aborted).sort((a, b) => place(a) - place(b))[0];
  }

  #letGo(aborted: Held): void {
    this.#wave = Math.max(this.#wave, (this.#abortedIn.get(aborted.id) ?? 1) + 1);
    this.#end(aborted, false);
  }

  async #endWell(made: Made): Promise<void> {
    this.#wave = Math.max(this.#wave, made.wave + 1);
    const call = this.#callOf(made);
    if (call !== undefined) this.#end(call, true);
    else await this.#say(made.id);
  }

  #callOf({ id, undo, attempt }: Made): Held | undefined {
    return this.#held.find((one) => one.id === id && one.undo === undo && one.attempt === attempt);
  }

  #waitOf(id: string): "approval" | "signal" | undefined {
    const wait = this.run.snapshot().nodes.find((node) => node.id === id)?.waiting;
    return wait === null || wait?.for === "time" ? undefined : wait?.for;
  }

  /** Approves for as many as are needed, or signals. */
  async #say(id: string): Promise<void> {
    if (this.#waitOf(id) === "signal") await this.run.signal(id);
    for (let wait = this.#wait(id); wait?.for === "approval"; wait = this.#wait(id)) {
      const people = wait.approvers ?? ["ann", "bob", "cy", "dee"];
      const who = people.find((one) => !wait?.approvedBy.includes(one));
      await this.run.approve(id, { who: who as string });
      await settleTurns();
    }
  }

  #wait(id: string): NonNullable<ReturnType<Run["snapshot"]>["nodes"][number]["waiting"]> | null | undefined {
    return this.run.snapshot().nodes.find((node) => node.id === id)?.waiting;
  }

  #end(call: Held, well: boolean): void {
    this.#held.splice(this.#held.indexOf(call), 1);
    if (well) call.succeed();
    else call.fail();
  }

  /** Every call lets go and the engine closes. */
  async close(): Promise<void> {
    const closing = this.engine.close();
    for (const call of this.#held.splice(0)) call.fail();
    await closing;
  }

  /** The records and the snapshot as text: what nobody may change by asking. */
  async bytes(): Promise<string> {
    const { records } = this.journal.read("run") ?? { records: [] };
    return JSON.stringify([records, this.run.snapshot(), this.events, this.#held.length, this.clock.pending]);
  }
}

/** Events after which a call, or a compensation's, is waited for no more. */
const ENDS: Readonly<Record<string, "run" | "undo">> = {
  "node:succeeded": "run",
  "node:failed": "run",
  "node:canceled": "run",
  "node:retrying": "run",
  "node:compensated": "undo",
  "node:compensation-retrying": "undo",
  "node:compensation-failed": "undo",
};
