/** One worker process, seen from outside. Owns: starting it, asking one thing at a time, ending it when it hangs. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Answer, Ask } from "./messages.ts";

/** Milliseconds for one mutant: only a loop outside of the core, where no fuel is burnt, takes so long. */
const PATIENCE_MS = 120_000;

export class WorkerProcess {
  readonly #child: ChildProcess;
  #tell: ((answer: Answer | undefined) => void) | undefined;
  /** "ready", or what kept it from that. */
  readonly first: Promise<Answer | undefined>;

  /** `active` is switched on before anything is loaded; -1 = nothing. `suites`: the first so many; default all. */
  constructor(folder: string, mutants: number, active = -1, suites?: number) {
    const args = [mutants, active, ...(suites === undefined ? [] : [suites])].map(String);
    this.#child = fork(join(folder, "scripts/mutation/worker.ts"), args, {
      cwd: folder,
      execArgv: ["--conditions=source", "--no-warnings"],
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    this.first = this.#answer();
    this.#child.on("message", (answer: Answer) => this.#tell?.(answer));
    this.#child.on("exit", () => this.#tell?.(undefined));
  }

  /** undefined = it died or had to be ended. */
  ask(ask: Ask): Promise<Answer | undefined> {
    const answer = this.#answer();
    this.#child.send(ask);
    return answer;
  }

  end(): void {
    this.#tell = undefined;
    this.#child.kill("SIGKILL");
  }

  #answer(): Promise<Answer | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#child.kill("SIGKILL"), PATIENCE_MS);
      this.#tell = (answer) => {
        clearTimeout(timer);
        this.#tell = undefined;
        resolve(answer);
      };
    });
  }
}
