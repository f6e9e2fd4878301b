/**
 * @belay/cli: the process around the command. Owns: exit codes, signals, what is said about errors, and that everything
 * written leaves before the process does. Does not own: what commands there are (grammar/).
 */
import { readFileSync } from "node:fs";
import { BelayError } from "@belay/engine";
import { killChildren } from "./children.ts";
import { ExitCode } from "./exit-code.ts";
import { runProgram } from "./grammar/program.ts";
import { Interrupts } from "./interrupts.ts";
import { Output, type Terminal } from "./output.ts";
import { oneLine } from "./render/text.ts";
import { Refused, UsageError } from "./usage-error.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Runs the command of this process and ends it, whatever actions may have left behind in the event loop. */
export async function main(): Promise<void> {
  const terminal = { out: new Output(process.stdout, process.env), err: new Output(process.stderr, process.env) };
  const interrupts = new Interrupts(() => {
    void killChildren().finally(() => process.exit(ExitCode.INTERRUPTED));
  });
  for (const name of SIGNALS) process.on(name, () => interrupts.press(performance.now()));
  const code = await runMain(process.argv.slice(2), terminal, interrupts);
  await terminal.out.flush();
  if (terminal.out.fault !== undefined)
    terminal.err.line(`belay: cannot write: ${oneLine(terminal.out.fault.message)}`);
  await terminal.err.flush();
  process.exit(code);
}

/** Runs one command line; never throws. `words` are the arguments after the command's own name. */
export async function runMain(words: readonly string[], terminal: Terminal, interrupts: Interrupts): Promise<ExitCode> {
  try {
    return await runProgram(words, ownVersion(), { terminal, interrupts });
  } catch (error) {
    const interrupted = interrupts.signal.aborted;
    // The end that was asked for is no error; anything else is said, interrupted or not.
    if (interrupted && error instanceof Error && error.name === "AbortError") return ExitCode.INTERRUPTED;
    const code = explain(error, terminal);
    return interrupted ? ExitCode.INTERRUPTED : code;
  }
}

/** Says what went wrong, once, and answers the exit code. */
function explain(error: unknown, { err }: Terminal): ExitCode {
  if (error instanceof Refused) return ExitCode.REFUSED;
  if (error instanceof UsageError) {
    for (const fault of error.faults) err.line(`belay: ${oneLine(fault)}`);
    return ExitCode.REFUSED;
  }
  if (error instanceof BelayError) err.line(`belay: ${error.code}: ${oneLine(error.message)}`);
  else err.line(`belay: ${error instanceof Error ? (error.stack ?? error.message) : oneLine(String(error))}`);
  return ExitCode.FAILED;
}

/** The package's manifest lies one folder up, from src/ as from dist/. */
function ownVersion(): string {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}
