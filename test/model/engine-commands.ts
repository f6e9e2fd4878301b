/**
 * What can happen to a run of the engine, as fast-check commands. Owns: the choice of the call, the deadline or the verb,
 * and the comparison after each. What the engine does by itself meanwhile is told to the model by `engine-subject.ts`.
 */
import { BelayError } from "@belay/engine";
import {
  askRun,
  type OperatorCommand,
  operatorCommand,
  type PendingCall,
  type ReferenceModel,
  type ReferenceVerb,
  type Refused,
  type Scenario,
  verbOf,
} from "@belay/engine/testing";
import fc from "fast-check";
import { askedWell } from "./core-commands.ts";
import { agree, differences, type Told, wordsOf } from "./differences.ts";
import { EngineSubject } from "./engine-subject.ts";

/** A run that has begun, on both sides. */
export async function beginRun(scenario: Scenario): Promise<{ model: Told; real: EngineSubject }> {
  const real = await EngineSubject.begin(scenario);
  const told: Told = { model: real.model, story: [], past: [], words: wordsOf(scenario.document) };
  agree(differences(real.expect(), real.observe()));
  return { model: told, real };
}

abstract class EngineCommand implements fc.AsyncCommand<Told, EngineSubject> {
  #said = "";

  check(_told: Readonly<Told>): boolean {
    return true;
  }

  /** Does it; answers what the engine and the model say of it when they do not agree. */
  protected abstract play(real: EngineSubject, say: (line: string) => void): Promise<string[]>;

  async run(told: Told, real: EngineSubject): Promise<void> {
    try {
      const wrong = await this.play(real, (line) => {
        this.#said = line;
        told.story.push(line);
      });
      agree(wrong);
      await real.catchUp();
      agree(differences(real.expect(), real.observe()));
    } catch (error) {
      throw new Error(`${told.story.join("\n")}\n${(error as Error).message}`, { cause: error });
    }
  }

  toString(): string {
    return this.#said || "(nothing)";
  }
}

/** A call ends as its script says; it may be one that the engine no longer waits for (R25). */
class Finish extends EngineCommand {
  readonly #place: number;

  constructor(place: number) {
    super();
    this.#place = place;
  }

  protected async play({ rig }: EngineSubject, say: (line: string) => void): Promise<string[]> {
    const call = rig.pending[this.#place % Math.max(1, rig.pending.length)];
    if (call !== undefined) say(`${lineOf(call)} answers ${call.behaviour}`);
    call?.finish();
    return [];
  }
}

function lineOf({ node, attempt, compensation }: PendingCall): string {
  return `${compensation ? "undo " : ""}${node}#${attempt}`;
}

/** Time goes on to the next deadline. */
class Tick extends EngineCommand {
  protected async play({ clock }: EngineSubject, say: (line: string) => void): Promise<string[]> {
    const before = clock.now();
    if (clock.next()) say(`${(clock.now() - before) / 1000} s pass`);
    return [];
  }
}

/** An operator asks for something. */
class Ask extends EngineCommand {
  readonly #command: OperatorCommand;

  constructor(command: OperatorCommand) {
    super();
    this.#command = command;
  }

  protected verb(model: ReferenceModel): ReferenceVerb | undefined {
    return verbOf(this.#command, model.ids());
  }

  protected async play({ model, run, elapsedMs }: EngineSubject, say: (line: string) => void): Promise<string[]> {
    model.elapse(elapsedMs);
    const verb = this.verb(model);
    if (verb === undefined) return [];
    const meant = again(verb, model.rollingTo);
    const expected = errorCode(model.ask(meant));
    say(`operator: ${JSON.stringify(verb)}${expected === undefined ? "" : ` refused: ${expected}`}`);
    const seen = await codeOf(() => askRun(run, verb));
    return seen === expected
      ? []
      : [`R37: ${JSON.stringify(verb)}: the model says ${expected ?? "done"}, the core ${seen ?? "done"}`];
  }
}

/** An operator asks for something that makes sense now. */
class AskWell extends Ask {
  readonly #at: number;

  constructor(place: number) {
    super({ verb: "resume", place });
    this.#at = place;
  }

  protected override verb(model: ReferenceModel): ReferenceVerb | undefined {
    return askedWell(model, this.#at);
  }
}

/** R32: a plain rollback of a rollback that has failed goes the same way again. */
function again(verb: ReferenceVerb, failedTo: ReturnType<() => EngineSubject["model"]["rollingTo"]>): ReferenceVerb {
  return verb.verb === "rollback" && verb.to === "all" && failedTo !== undefined ? { ...verb, to: failedTo } : verb;
}

function errorCode(refused: Refused | undefined): string | undefined {
  if (refused === undefined) return undefined;
  if (refused === "forbidden") return "FORBIDDEN";
  return refused === "prohibited" ? "ROLLBACK_PROHIBITED" : "STATE_INVALID";
}

async function codeOf(ask: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await ask();
    return undefined;
  } catch (error) {
    if (error instanceof BelayError) return error.code;
    throw error;
  }
}

/** Commands in the shares that keep runs moving; at most `maxCommands`. */
export function engineCommands(maxCommands: number): fc.Arbitrary<Iterable<fc.AsyncCommand<Told, EngineSubject>>> {
  const finish = fc.nat(63).map((place) => new Finish(place));
  const tick = fc.constant(null).map(() => new Tick());
  const ask = operatorCommand(fc).map((command) => new Ask(command));
  const askWell = fc.nat(1023).map((place) => new AskWell(place));
  const all = [finish, finish, finish, finish, finish, tick, tick, ask, askWell, askWell, askWell];
  return fc.commands(all, { maxCommands, size: "max" });
}
