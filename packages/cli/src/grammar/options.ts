/** Options that several commands have, and how their words are read. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Context } from "../context.ts";
import type { ExitCode } from "../exit-code.ts";

/** Receives the exit code of the command that ran. */
export type Exit = (code: ExitCode) => void;

/** Adds commands to the program. */
export type AddCommands = (program: Command, context: Context, exit: Exit) => void;

/** Environment variable that stands for `--db`. */
const DB_VARIABLE = "BELAY_DB";

/** The journal's file, for commands that can do without. */
export function dbOption(description: string): Option {
  return new Option("--db <file>", description).env(DB_VARIABLE);
}

/** The journal's file, for commands that are about it. */
export function neededDb(): Option {
  return dbOption("file of the journal").makeOptionMandatory();
}

export function onFailure(): Option {
  const description = "what a failed run does (default: as the plan says)";
  return new Option("--on-failure <what>", description).choices(["pause", "rollback"]);
}

export const JSON_EVENTS = "one event per line, the last line is the final snapshot";

/** What a run needs besides its plan. */
export function addSurroundings(command: Command, plans: string): Command {
  return command
    .option("-a, --actions <module>", "JavaScript or TypeScript module that exports the plan's actions")
    .option("--pool <name=concurrency>", "a pool that the plan names; once for each", addPool)
    .option("--plan <file>", plans, addFile);
}

/** Values of secrets whose key is gone. */
export function secretsOption(): Option {
  const description =
    "values of the run's secrets whose key is gone, by name: a JSON or YAML mapping; - is the standard input";
  return new Option("--secrets <file>", description);
}

/** One more word of `--plan`. */
function addFile(file: string, before: readonly string[] = []): readonly string[] {
  return [...before, file];
}

/** One more word of `--pool`. */
function addPool(text: string, before: ReadonlyMap<string, number> = new Map()): ReadonlyMap<string, number> {
  const [, name, concurrency] = /^(.+)=([1-9]\d{0,8})$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError("It takes name=concurrency, a whole number from 1.");
  return new Map([...before, [name, Number(concurrency)]]);
}

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It takes a whole number from ${least} to ${most}.`);
  };
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** `30d`, `12h`: milliseconds. */
export function span(text: string): number {
  const [, count, unit = ""] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  if (count !== undefined) return Number(count) * (UNIT_MS[unit] ?? 0);
  throw new InvalidArgumentError("It takes a number with s, m, h, d or w, such as 30d.");
}
