/**
 * The command's grammar: its commands, options and help. Owns: what the words of a command line mean, and the one line that
 * says what was wrong with them. Does not own: what the commands do (commands/).
 */
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { checkCommand } from "./commands/check.ts";
import { demoCommand } from "./commands/demo.ts";
import { GRAPH_FORMATS, graphCommand } from "./commands/graph.ts";
import { runCommand } from "./commands/run.ts";
import type { Context } from "./context.ts";
import { DEMO_NAMES, type DemoName, type DemoWords } from "./demo/demo-options.ts";
import { ExitCode } from "./exit-code.ts";
import { didYouMean } from "./suggestion.ts";
import { Refused, UsageError } from "./usage-error.ts";

/**
 * Runs the command that the words name; answers its exit code. Bad usage is said in one line on stderr and thrown as Refused,
 * or thrown as UsageError.
 */
export async function runProgram(words: readonly string[], version: string, context: Context): Promise<ExitCode> {
  let code: ExitCode = ExitCode.OK;
  const program = createProgram(version, context, (answer) => {
    code = answer;
  });
  try {
    await program.parseAsync(words, { from: "user" });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version come as errors too, with exit code 0.
    if (error.exitCode === 0) return ExitCode.OK;
    throw new Refused();
  }
}

/** Receives the exit code of the command that ran. */
type Exit = (code: ExitCode) => void;

function createProgram(version: string, context: Context, exit: Exit): Command {
  const { out, err } = context.terminal;
  const program = new Command("belay")
    .description("Runs plans of steps that must be undone safely: failovers, switchovers, migrations.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => out.write(text),
      writeErr: (text) => err.write(text),
      outputError: (text, write) => write(`${usageLine(text)}\n`),
      getOutHelpWidth: () => out.size.columns,
      getErrHelpWidth: () => err.size.columns,
      getOutHasColors: () => out.colors.isColorSupported,
      getErrHasColors: () => err.colors.isColorSupported,
    })
    .addHelpText("after", EXAMPLES);
  addCheck(program, context, exit);
  addGraph(program, context, exit);
  addRun(program, context, exit);
  addDemo(program, context, exit);
  return program;
}

const EXAMPLES = `
Examples:
  $ belay check plan.yaml
  $ belay graph plan.yaml --format dot | dot -Tsvg > plan.svg
  $ belay run plan.yaml --actions ./actions.js --params cluster=a --on-failure rollback
  $ belay demo postgres-failover
  $ belay demo postgres-switchover --fail promote --on-failure rollback

Exit codes: 0 successful; 1 failed, or at rest without having ended; 2 bad usage or plan; 3 rolled back, wholly or to the
point of no return; 4 rollback failed; 130 interrupted.`;

function addCheck(program: Command, context: Context, exit: Exit): void {
  program
    .command("check")
    .description("check plans and print everything that is wrong with them")
    .argument("<file...>", "plans, YAML or JSON")
    .option("--json", "one JSON object per file")
    .action(async (files: string[], options: { json?: boolean }) => exit(await checkCommand(files, options, context)));
}

function addGraph(program: Command, context: Context, exit: Exit): void {
  program
    .command("graph")
    .description("draw a plan")
    .argument("<file>", "plan, YAML or JSON")
    .addOption(new Option("-f, --format <format>", "what to draw it as").choices(GRAPH_FORMATS).default("mermaid"))
    .action(async (file: string, options: { format: (typeof GRAPH_FORMATS)[number] }) =>
      exit(await graphCommand(file, options, context)),
    );
}

function addRun(program: Command, context: Context, exit: Exit): void {
  program
    .command("run")
    .description("run a plan and show its progress")
    .argument("<file>", "plan, YAML or JSON")
    .option("-p, --params <values...>", "parameters: name=value, or @file with a JSON or YAML mapping")
    .option("-a, --actions <module>", "JavaScript or TypeScript module that exports the plan's actions")
    .option("--pool <name=concurrency>", "a pool that the plan names; once for each", addPool)
    .option("--plan <file>", "a plan that belay.plan may run, under its name; once for each", addFile)
    .option("--json", "one event per line, the last line is the final snapshot")
    .addOption(onFailure("what a failed run does (default: as the plan says)"))
    .option("--client-token <token>", "start at most one run for this token")
    .addHelpText(
      "after",
      `
The module exports \`actions\` (an object of functions by name), or has one as its default export, or exports the functions.
Ctrl-C cancels the run and waits for it to rest; a second one ends everything at once.`,
    )
    .action(async (file: string, options: object) => exit(await runCommand(file, options, context)));
}

function addDemo(program: Command, context: Context, exit: Exit): void {
  program
    .command("demo")
    .description(`live demonstrations: ${DEMO_NAMES.join(", ")}`)
    .argument("<name>", DEMO_NAMES.join(", "), demoName)
    .option("--fail <node>", "let this node fail")
    .addOption(new Option("--fail-when <when>", "before or after its action took effect").choices(["before", "after"]))
    .addOption(onFailure("what a failed run does (default: as the plan says)"))
    .option("--writers <number>", "clients that write during the failover (default: 8)", wholeNumber(1, 64))
    .option("--nodes <number>", "servers of the cluster (default: 3)", wholeNumber(2, 9))
    .option("--json", "one event per line, the last line is the final snapshot")
    .option("--keep", "keep data and logs of the servers")
    .addHelpText("after", "\n--writers, --nodes and --keep are for the PostgreSQL demos.")
    .action(async (name: DemoName, options: DemoWords) => exit(await demoCommand(name, options, context)));
}

function onFailure(description: string): Option {
  return new Option("--on-failure <what>", description).choices(["pause", "rollback"]);
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

function demoName(text: string): DemoName {
  const name = DEMO_NAMES.find((known) => known === text);
  if (name !== undefined) return name;
  throw new UsageError(`unknown demo '${text}'${didYouMean(text, DEMO_NAMES)}; there are ${DEMO_NAMES.join(", ")}`);
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It takes a whole number from ${least} to ${most}.`);
  };
}

/** Commander's complaint as one line: "belay: unknown command 'chek' (did you mean check?)". */
function usageLine(text: string): string {
  const line = text
    .trim()
    .replace(/^error: /, "")
    .replace(/\s*\n\s*/g, " ");
  return `belay: ${line.replace(/\(Did you mean/, "(did you mean")}`;
}
