/**
 * The whole engine as a subject of model tests: actions held in the test's hand, a manual clock, pools. Owns: one run of
 * it, and the telling: after each thing that happens, the journal says what else followed (grants, deadlines that passed
 * together, conditions), and the model is told the same in the same order. What may follow is checked against the model.
 */
import { createEngine, definePlan, type Engine, MemoryJournal, type Run } from "@belay/engine";
import type { Input } from "@belay/engine/core";
import {
  type ActionRig,
  type Answer,
  actionRig,
  type Call,
  ManualClock,
  ReferenceModel,
  SCENARIO_POOLS,
  type Scenario,
  settleTurns,
} from "@belay/engine/testing";
import { callLine, type Observation, standingLine } from "./core-subject.ts";
import { listsOf, verdictOf } from "./expressions.ts";

const CONCURRENCY = 3;
/** Nodes that only wait take no slot of any pool. */
const WAITING = "belay.waiting";
const CAPACITY: Readonly<Record<string, number>> = { "": CONCURRENCY, narrow: 1, wide: 2, [WAITING]: 1000 };

export class EngineSubject {
  readonly model: ReferenceModel;
  readonly run: Run;
  readonly rig: ActionRig;
  readonly clock: ManualClock;
  readonly #engine: Engine;
  readonly #journal: MemoryJournal;
  readonly #scenario: Scenario;
  readonly #startMs: number;
  /** Ids by number, as the journal counts: declared nodes, then members in the order of expansion. */
  readonly #ids: string[];
  #read = 0;

  static async begin(scenario: Scenario): Promise<EngineSubject> {
    const clock = new ManualClock();
    const rig = actionRig(scenario.scripts, { held: true });
    const journal = new MemoryJournal();
    const engine = await createEngine({
      actions: rig.actions,
      clock,
      journal,
      concurrency: CONCURRENCY,
      pools: SCENARIO_POOLS,
    });
    const run = await engine.start(definePlan(scenario.document), { params: scenario.params, runId: "run", seed: 1 });
    const subject = new EngineSubject(scenario, { clock, rig, journal, engine, run });
    await subject.catchUp();
    return subject;
  }

  private constructor(
    scenario: Scenario,
    parts: { clock: ManualClock; rig: ActionRig; journal: MemoryJournal; engine: Engine; run: Run },
  ) {
    this.#scenario = scenario;
    this.clock = parts.clock;
    this.rig = parts.rig;
    this.run = parts.run;
    this.#journal = parts.journal;
    this.#engine = parts.engine;
    this.#startMs = parts.clock.now();
    const lists = listsOf(scenario);
    this.model = new ReferenceModel(scenario.document, { lists });
    this.#ids = scenario.document.nodes.map(({ id }) => id);
    for (const { id } of scenario.document.nodes) this.#number(id, lists.get(id) ?? 0);
  }

  /** Time as the model counts it. */
  get elapsedMs(): number {
    return this.clock.now() - this.#startMs;
  }

  async close(): Promise<void> {
    const closing = this.#engine.close();
    // An action that hangs never lets go by itself.
    for (const call of [...this.rig.pending]) call.finish();
    await closing;
  }

  /** Lets everything happen that is able to, and tells the model what the journal says of it. */
  async catchUp(): Promise<void> {
    await settleTurns();
    const records = this.#journal.read("run")?.records ?? [];
    for (; this.#read < records.length; this.#read++) {
      const record = records[this.#read];
      if (record !== undefined) this.#tell(record.input);
    }
    this.#checkIdle();
  }

  /** A verb is not told: the model was asked before the engine was. */
  #tell(input: Input): void {
    const { model } = this;
    model.elapse(input.at - this.#startMs);
    if (input.kind === "start") model.start();
    else if (input.kind === "grant") this.#tellGrant(["", ...this.#pools()][input.pool] ?? "", input.count);
    else if (input.kind === "resolved") this.#tellResolved(this.#id(input.node), input.verdict, input.members);
    else if (input.kind === "due") this.#tellDue(input.node < 0 ? "" : this.#id(input.node), input.deadline, input.at);
    else if (isAnswer(input)) this.#tellAnswer(input);
  }

  #tellAnswer(input: AnswerInput): void {
    const undo = input.kind === "undone" || input.kind === "undo-failed";
    const call: Call = { node: this.#id(input.node), attempt: input.attempt, undo };
    // A member of a group that expanded anew may be gone.
    if (this.model.ids().includes(call.node)) this.model.answer(call, answerOf(input));
  }

  /** R41: no more attempts at once than the pool allows. */
  #tellGrant(pool: string, count: number): void {
    const free = this.#free(pool);
    if (count > free) throw new Error(`R41: ${count} slots of pool "${pool}" were granted, ${free} are free`);
    this.model.dispatch(pool, count);
  }

  /** R23, R28: what an expression comes to. */
  #tellResolved(id: string, verdict: "run" | "skip" | "fail", members: number): void {
    if (!this.model.asking().includes(id)) throw new Error(`only the engine asks what ${id} comes to`);
    const expected = verdictOf(this.#scenario, this.model, id);
    if (expected.verdict !== verdict) throw new Error(`R23: ${id} is ${verdict}, expected ${expected.verdict}`);
    const isNew = !this.model.ids().includes(`${id}[0]`);
    this.model.resolve(id, verdict, members);
    if (isNew && verdict === "run")
      this.#number(id, this.model.ids().filter((member) => member.startsWith(`${id}[`)).length);
  }

  /** R26: a deadline passes when its time has come, and not before. */
  #tellDue(node: string, kind: string, at: number): void {
    const armed = this.model.deadlines().find((deadline) => deadline.node === node && deadline.kind === kind);
    if (armed === undefined) throw new Error(`R26: the deadline ${node} ${kind} passed, and none counts`);
    if (armed.at !== at - this.#startMs)
      throw new Error(`R26: ${node} ${kind} passed at ${at - this.#startMs}, not ${armed.at}`);
    this.model.due(armed);
  }

  /** Nothing that may go on waits: no free slot beside a waiting node, no deadline of the past. */
  #checkIdle(): void {
    for (const pool of Object.keys(CAPACITY)) {
      const waiting = this.model.waiting(pool);
      if (waiting.length > 0 && this.#free(pool) > 0) throw new Error(`R41: ${waiting[0]} waits beside a free slot`);
    }
    const first = this.model.deadlines()[0];
    const now = this.clock.now() - this.#startMs;
    if (first !== undefined && first.at < now) throw new Error(`R26: ${first.node} ${first.kind} has not passed`);
  }

  #free(pool: string): number {
    const taken = this.model.inFlight().filter(({ node }) => this.#poolOf(node) === pool);
    return (CAPACITY[pool] ?? 0) - taken.length;
  }

  #poolOf(id: string): string {
    const node = this.#scenario.document.nodes.find((declared) => declared.id === id.replace(/\[.*/, ""));
    return node?.action.startsWith("belay.") ? WAITING : (node?.pool ?? "");
  }

  #waits(id: string): boolean {
    return this.#poolOf(id) === WAITING;
  }

  /** In the order in which the plan names them. */
  #pools(): string[] {
    const named = this.#scenario.document.nodes.map(({ id }) => this.#poolOf(id));
    return [...new Set(named.filter((pool) => pool !== ""))];
  }

  #id(node: number): string {
    return this.#ids[node] as string;
  }

  #number(group: string, members: number): void {
    for (let index = 0; index < members; index++) this.#ids.push(`${group}[${index}]`);
  }

  /** What the engine shows, in the model's words. */
  observe(): Observation {
    const { status, prohibitRollback, nodes, groups } = this.run.snapshot();
    const lines = nodes.map((node) => {
      const word = node.skipReason === null ? node.status : `${node.status}(${node.skipReason})`;
      return standingLine(node.id, word, node.runTime, node.compensation?.runTime ?? 0);
    });
    // An empty group is shown as declared.
    const whole = groups.filter(({ members }) => members > 0).map((group) => `${group.id} ${group.status}`);
    const deadlines: string[] = [];
    return {
      status,
      prohibitRollback,
      nodes: [...lines, ...whole].sort(),
      inFlight: this.#inFlight(),
      deadlines,
      waiting: [],
    };
  }

  /** Calls that the rig holds; those the model no longer knows are left over from attempts that are over (R26). */
  #inFlight(): string[] {
    const known = new Set(this.model.inFlight().map((call) => callLine({ ...call, aborted: false })));
    return this.rig.pending
      .map(({ node, attempt, compensation, held }) => {
        return { node, attempt, undo: compensation, aborted: held.ctx.signal.aborted };
      })
      .filter((call) => known.has(callLine({ ...call, aborted: false })))
      .map(callLine)
      .sort();
  }

  /** The same of the model; a snapshot shows members for their group, and the first attempt before it has come. */
  expect(): Observation {
    const { model } = this;
    const members = new Set(model.ids().flatMap((id) => (id.includes("[") ? [id.replace(/\[.*/, "")] : [])));
    const undoable = new Set(this.#scenario.document.nodes.flatMap((node) => (node.compensation ? [node.id] : [])));
    const nodes = model.ids().map((id) => {
      const { status, skip, attempt, undoAttempt } = model.standing(id);
      if (members.has(id)) return `${id} ${status}`;
      const undo = undoable.has(id.replace(/\[.*/, "")) ? undoAttempt : 0;
      return standingLine(id, skip === undefined ? status : `${status}(${skip})`, Math.max(1, attempt), undo);
    });
    // What only waits calls no action.
    const inFlight = model
      .inFlight()
      .filter(({ node }) => !this.#waits(node))
      .map(callLine)
      .sort();
    const { status, prohibitRollback } = model;
    return { status, prohibitRollback, nodes: nodes.sort(), inFlight, deadlines: [], waiting: [] };
  }
}

type AnswerInput = Extract<Input, { kind: "succeeded" | "failed" | "undone" | "undo-failed" }>;

function isAnswer(input: Input): input is AnswerInput {
  return /^(succeeded|failed|undone|undo-failed)$/.test(input.kind);
}

function answerOf(input: AnswerInput): Answer {
  if (input.kind === "succeeded" || input.kind === "undone") return "ok";
  return input.retryable ? "retryable" : "fatal";
}
