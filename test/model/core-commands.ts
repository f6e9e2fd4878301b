/**
 * What can happen to a run, as fast-check commands over the model and the core. Owns: how a drawn number becomes a call, a
 * deadline or a verb of the run as it stands, the comparison after every command, and the story a counterexample tells.
 */

import {
  type Answer,
  type Armed,
  everyVerb,
  type OperatorCommand,
  operatorCommand,
  ReferenceModel,
  type ReferenceVerb,
  type Scenario,
  verbOf,
} from "@belay/engine/testing";
import fc from "fast-check";
import { CoreSubject, callLine, type Observation, standingLine } from "./core-subject.ts";
import { agree, differences, type Told, wordsOf } from "./differences.ts";
import { listsOf, verdictOf } from "./expressions.ts";

/** A run that has begun, on both sides. */
export function begin(scenario: Scenario): { model: Told; real: CoreSubject } {
  const model = new ReferenceModel(scenario.document, { lists: listsOf(scenario) });
  const told: Told = { model, story: [], past: [], words: wordsOf(scenario.document) };
  let evaluations = 0;
  const evaluate = (id: string): { verdict: "run" | "skip" | "fail"; members: number } => {
    const choice = scenario.choices[evaluations++ % Math.max(1, scenario.choices.length)] ?? 1;
    if (choice % 12 === 0) return { verdict: "fail", members: 0 };
    return verdictOf(scenario, model, id);
  };
  const real = new CoreSubject(scenario, evaluate, (id, { verdict, members }) => {
    if (!model.asking().includes(id)) agree([`only the core asks what ${id} comes to`]);
    told.story.push(`  ${id} asked: ${verdict} ${members}`);
    model.resolve(id, verdict, members);
  });
  model.start();
  real.start();
  compare(told, real);
  return { model: told, real };
}

/** Every pool of a scenario; nodes that only wait have one of their own. */
const POOLS = ["", "narrow", "wide", "belay.waiting"];

/** The model's side of an observation. */
function observe(model: ReferenceModel): Observation {
  const waiting = POOLS.map((pool) => [pool, model.waiting(pool).length] as const);
  return {
    status: model.status,
    prohibitRollback: model.prohibitRollback,
    nodes: model.ids().map((id) => {
      const { status, skip, attempt, undoAttempt } = model.standing(id);
      return standingLine(id, skip === undefined ? status : `${status}(${skip})`, attempt, undoAttempt);
    }),
    inFlight: model.inFlight().map(callLine).sort(),
    deadlines: isOver(model) ? [] : model.deadlines().map(deadlineKey).sort(),
    waiting: waiting.filter(([, count]) => count > 0).map(([pool, count]) => `${pool}: ${count}`),
  };
}

function isOver({ status }: ReferenceModel): boolean {
  return ["SUCCESSFUL", "ROLLED_BACK", "ABANDONED"].includes(status);
}

function deadlineKey({ node, kind }: Armed): string {
  return `${node} ${kind}`.trim();
}

/** Throws what the two do not agree on. */
function compare({ model }: Told, real: CoreSubject): void {
  const asking = model.asking().map((id) => `only the model asks what ${id} comes to`);
  agree([...asking, ...differences(observe(model), real.observe())]);
}

abstract class CoreCommand implements fc.Command<Told, CoreSubject> {
  #said = "";

  abstract check(told: Readonly<Told>): boolean;

  /** Does it on both sides; answers what was done. */
  abstract play(told: Told, real: CoreSubject, say: (line: string) => void): void;

  run(told: Told, real: CoreSubject): void {
    try {
      this.play(told, real, (line) => {
        this.#said = line;
        told.story.push(line);
      });
      compare(told, real);
    } catch (error) {
      throw new Error(`${told.story.join("\n")}\n${(error as Error).message}`, { cause: error });
    }
  }

  toString(): string {
    return this.#said || "(never run)";
  }
}

function pick<T>(list: readonly T[], place: number): T {
  return list[place % list.length] as T;
}

/** R11: slots of one pool become free. */
class Dispatch extends CoreCommand {
  readonly #place: number;
  readonly #slots: number;

  constructor(place: number, slots: number) {
    super();
    this.#place = place;
    this.#slots = slots;
  }

  check({ model }: Told): boolean {
    return poolsWaiting(model).length > 0;
  }

  play(told: Told, real: CoreSubject, say: (line: string) => void): void {
    const { model } = told;
    const pool = pick(poolsWaiting(model), this.#place);
    const line = model.waiting(pool).join(" ");
    const calls = model.dispatch(pool, this.#slots);
    say(`dispatch ${calls.map((call) => callLine({ ...call, aborted: false })).join(", ")} of ${line}`);
    real.dispatch(pool, this.#slots);
    const [expected, seen] = [JSON.stringify(calls), JSON.stringify(real.started)];
    if (expected !== seen) agree([`R11: the model starts ${expected}, the core ${seen}`]);
  }
}

function poolsWaiting(model: ReferenceModel): string[] {
  return POOLS.filter((pool) => model.waiting(pool).length > 0);
}

/** An action or a compensation lets go. */
class LetGo extends CoreCommand {
  readonly #place: number;
  readonly #answer: Answer;

  constructor(place: number, answer: Answer) {
    super();
    this.#place = place;
    this.#answer = answer;
  }

  check(told: Told): boolean {
    return answerable(told).length > 0;
  }

  play(told: Told, real: CoreSubject, say: (line: string) => void): void {
    const { model, past } = told;
    const call = pick(answerable(told), this.#place);
    say(`${callLine(call)} answers ${this.#answer}`);
    past.push(call);
    model.answer(call, this.#answer);
    real.answer(call, this.#answer);
  }
}

/** What may answer by itself: only an operator ends an approval or a signal that was not aborted. */
function answerable({ model, words }: Told): ReturnType<ReferenceModel["inFlight"]> {
  return model.inFlight().filter(({ node, aborted }) => aborted || !words.has(node.replace(/\[.*/, "")));
}

/** R25: an answer of an attempt that is over changes nothing. */
class Late extends CoreCommand {
  readonly #place: number;
  readonly #answer: Answer;

  constructor(place: number, answer: Answer) {
    super();
    this.#place = place;
    this.#answer = answer;
  }

  check({ past, model }: Told): boolean {
    return past.some(({ node }) => model.ids().includes(node));
  }

  play({ model, past }: Told, real: CoreSubject, say: (line: string) => void): void {
    const ids = model.ids();
    const call = pick(
      past.filter(({ node }) => ids.includes(node)),
      this.#place,
    );
    say(`${callLine({ ...call, aborted: false })} answers ${this.#answer}, too late`);
    model.answer(call, this.#answer);
    real.answer(call, this.#answer);
  }
}

/** Some deadline passes: the core has no clock, so any order is one that may happen. */
class Due extends CoreCommand {
  readonly #place: number;

  constructor(place: number) {
    super();
    this.#place = place;
  }

  check({ model }: Told): boolean {
    return model.deadlines().length > 0;
  }

  play({ model }: Told, real: CoreSubject, say: (line: string) => void): void {
    const armed = pick(model.deadlines(), this.#place);
    say(`due: ${deadlineKey(armed)}`);
    model.due(armed);
    real.due(armed.node, armed.kind);
  }
}

/** An operator asks for something that makes sense now. */
class AskWell extends CoreCommand {
  readonly #place: number;

  constructor(place: number) {
    super();
    this.#place = place;
  }

  check({ model }: Told): boolean {
    return !isOver(model);
  }

  play({ model }: Told, real: CoreSubject, say: (line: string) => void): void {
    const verb = askedWell(model, this.#place);
    if (verb === undefined) return;
    say(`operator: ${JSON.stringify(verb)}`);
    model.ask(verb);
    const seen = real.ask(verb);
    if (seen !== undefined) agree([`R37: ${JSON.stringify(verb)}: the model says done, the core ${seen}`]);
  }
}

/** Kinds of verbs in the shares that keep runs alive; what ends one for good is asked by those who ask for anything. */
const ALIVE: readonly OperatorCommand["verb"][] = [
  "retry",
  "approve",
  "retry-all",
  "approve",
  "signal",
  "retry",
  "approve",
  "signal",
  "skip",
  "rollback-to-barrier",
  "retry-all",
  "resume",
  "skip-rollback",
  "cancel",
  "retry",
  "rollback-to-node",
  "reject",
  "pause",
  "cancel-run",
];

/** A verb that the model lets pass now: of the kind that `place` stands for, or of the next one that is possible. */
export function askedWell(model: ReferenceModel, place: number): ReferenceVerb | undefined {
  for (let turn = 0; turn < ALIVE.length; turn++) {
    const kind = ALIVE[(place + turn) % ALIVE.length] as OperatorCommand["verb"];
    // Down to the barrier is all the way where there is none.
    if (kind === "rollback-to-barrier" && !model.prohibitRollback) continue;
    const possible = everyVerb(model.ids(), [kind]).filter((verb) => model.refuses(verb) === undefined);
    if (possible.length > 0) return pick(possible, Math.floor(place / ALIVE.length));
  }
  return undefined;
}

/** The first of several that is possible: what moves a run is not drawn in vain. */
class FirstOf extends CoreCommand {
  readonly #commands: readonly CoreCommand[];

  constructor(commands: readonly CoreCommand[]) {
    super();
    this.#commands = commands;
  }

  check(told: Told): boolean {
    return this.#commands.some((command) => command.check(told));
  }

  play(told: Told, real: CoreSubject, say: (line: string) => void): void {
    this.#commands.find((command) => command.check(told))?.play(told, real, say);
  }
}

/** An operator asks for something. */
class Ask extends CoreCommand {
  readonly #command: OperatorCommand;

  constructor(command: OperatorCommand) {
    super();
    this.#command = command;
  }

  check(): boolean {
    return true;
  }

  play(told: Told, real: CoreSubject, say: (line: string) => void): void {
    const { model } = told;
    const verb = verbOf(this.#command, model.ids());
    const expected = model.ask(verb);
    say(`operator: ${JSON.stringify(verb)}${expected === undefined ? "" : ` refused: ${expected}`}`);
    const seen = real.ask(verb);
    if (seen !== expected)
      agree([`R37: ${JSON.stringify(verb)}: the model says ${expected ?? "done"}, the core ${seen ?? "done"}`]);
  }
}

/** Commands in the shares that keep runs moving; at most `maxCommands`. */
export function coreCommands(maxCommands: number): fc.Arbitrary<Iterable<fc.Command<Told, CoreSubject>>> {
  const place = fc.nat(63);
  const answer = fc.constantFrom<Answer>("ok", "ok", "ok", "ok", "retryable", "retryable", "fatal", "lost");
  const dispatch = fc.tuple(place, fc.integer({ min: 1, max: 4 })).map(([at, slots]) => new Dispatch(at, slots));
  const letGo = fc.tuple(place, answer).map(([at, how]) => new LetGo(at, how));
  const late = fc.tuple(place, answer).map(([at, how]) => new Late(at, how));
  const due = place.map((at) => new Due(at));
  const ask = operatorCommand(fc).map((command) => new Ask(command));
  const askWell = fc.nat(1023).map((at) => new AskWell(at));
  const begin = fc.tuple(dispatch, letGo, due, askWell).map((all) => new FirstOf(all));
  const end = fc.tuple(letGo, dispatch, due, askWell).map((all) => new FirstOf(all));
  return fc.commands([begin, begin, begin, end, end, end, due, due, ask, askWell, askWell, late], {
    maxCommands,
    size: "max",
  });
}
