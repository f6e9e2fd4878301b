/** The command as a user starts it: the bin in a child process, from sources, without colours. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Interrupts } from "../../packages/cli/src/interrupts.ts";
import { runMain } from "../../packages/cli/src/main.ts";
import { sampleTerminal } from "./sample-terminal.ts";

const BIN = fileURLToPath(new URL("../../packages/cli/bin/belay.js", import.meta.url));
const FIXTURES = fileURLToPath(new URL("./fixtures/", import.meta.url));

// The test runner forces colours, which would win over NO_COLOR in the eyes of Node.
const { FORCE_COLOR: _, ...environment } = process.env;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command under way. */
export interface Started {
  readonly child: ChildProcess;
  /** Resolves with everything written to stdout so far, once it matches. */
  until(pattern: RegExp): Promise<string>;
  /** Resolves once stdout has so many lines, or the command has ended. */
  untilLines(count: number): Promise<void>;
  readonly finished: Promise<Finished>;
}

/** Starts `belay` with these words; relative paths are those of the fixtures. */
export function startBelay(...words: readonly string[]): Started {
  return startBelayWith({}, ...words);
}

/** The same with more environment variables. */
export function startBelayWith(more: Readonly<Record<string, string>>, ...words: readonly string[]): Started {
  return follow(spawnBelay(more, "pipe", words));
}

/** The same with a file as stdout. */
export function startBelayInto(file: string, ...words: readonly string[]): Started {
  const out = openSync(file, "w");
  try {
    return follow(spawnBelay({}, out, words));
  } finally {
    closeSync(out);
  }
}

function spawnBelay(
  more: Readonly<Record<string, string>>,
  out: "pipe" | number,
  words: readonly string[],
): ChildProcess {
  return spawn(process.execPath, ["--conditions=source", BIN, ...words], {
    cwd: FIXTURES,
    env: { ...environment, NO_COLOR: "1", ...more },
    stdio: ["ignore", out, "pipe"],
  });
}

function follow(child: ChildProcess): Started {
  let stdout = "";
  let stderr = "";
  const listeners = new Set<() => void>();
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    for (const listener of listeners) listener();
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const finished = new Promise<Finished>((resolve) => {
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
  const until = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!pattern.test(stdout)) return;
        listeners.delete(look);
        resolve(stdout);
      };
      listeners.add(look);
      void finished.then(() => reject(new Error(`ended without ${pattern}: ${stdout}${stderr}`)));
      look();
    });
  const untilLines = async (count: number): Promise<void> => {
    if (count > 0) await Promise.race([until(new RegExp(`^(?:.*\n){${count}}`)).catch(() => undefined), finished]);
  };
  return { child, until, untilLines, finished };
}

/** Runs `belay` to its end. */
export function belay(...words: readonly string[]): Promise<Finished> {
  return startBelay(...words).finished;
}

/**
 * The same without a process: for what needs no signals and no pipes. Words that name a fixture stand for its path, and paths
 * are shortened in what is written.
 */
export async function belayHere(...words: readonly string[]): Promise<Finished> {
  const { out, err, terminal } = sampleTerminal();
  const located = words.map((word) => word.replace(/^@?(?=[\w-]+\.(?:yaml|json|js|ts)$)/, `$&${FIXTURES}`));
  const code = await runMain(located, terminal, new Interrupts(() => {}));
  return { code, stdout: out.text.replaceAll(FIXTURES, ""), stderr: err.text.replaceAll(FIXTURES, "") };
}

/** Whether a process is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
