/**
 * The command's grammar: its commands, options and help. Owns: what the words of a command line mean, and the one line that
 * says what was wrong with them. Does not own: what the commands do (commands/).
 */
import { Command, CommanderError } from "commander";
import type { Context } from "../context.ts";
import { ExitCode } from "../exit-code.ts";
import { Refused } from "../usage-error.ts";
import { addDatabaseCommands } from "./database-commands.ts";
import { addPlanCommands } from "./plan-commands.ts";
import { addServerCommands } from "./server-commands.ts";
import { addVerbCommands } from "./verb-commands.ts";

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

function createProgram(version: string, context: Context, exit: (code: ExitCode) => void): Command {
  const { out, err } = context.terminal;
  const program = new Command("belay")
    .description("Runs plans of steps that must be undone safely: failovers, switchovers, migrations.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .configureHelp({ subcommandTerm: termOf })
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
  addPlanCommands(program, context, exit);
  addDatabaseCommands(program, context, exit);
  addVerbCommands(program, context, exit);
  addServerCommands(program, context, exit);
  return program;
}

/** Name and arguments, without the word that all of them have options. */
function termOf(command: Command): string {
  const words = command.registeredArguments.map((argument) => {
    const name = argument.variadic ? `${argument.name()}...` : argument.name();
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...words].join(" ");
}

const EXAMPLES = `
Examples:
  $ belay check plan.yaml
  $ belay graph plan.yaml --format dot | dot -Tsvg > plan.svg
  $ belay run plan.yaml --actions ./actions.js --params cluster=a --db runs.db
  $ belay recover --db runs.db
  $ belay show --latest --db runs.db
  $ belay retry 3f2a91bc --db runs.db --why "disk replaced"
  $ belay demo postgres-failover
  $ belay demo postgres-switchover --fail promote --on-failure rollback

Exit codes: 0 successful, or done as asked; 1 failed, or at rest without having
ended; 2 bad usage, or refused; 3 rolled back, wholly or to the point of no
return; 4 rollback failed; 130 interrupted. Of several runs the worst counts.`;

/** Commander's complaint as one line: "belay: unknown command 'chek' (did you mean check?)". */
function usageLine(text: string): string {
  const line = text
    .trim()
    .replace(/^error: /, "")
    .replace(/\s*\n\s*/g, " ");
  return `belay: ${line.replace(/\(Did you mean/, "(did you mean")}`;
}
