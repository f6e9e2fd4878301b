/**
 * A fence behind a program, such as one on the node's host behind SSH. No shell is involved here: a command is a list of words, in
 * which `{node}`, `{host}` and `{epoch}` are replaced. What runs on the other side of SSH is a shell, so names are checked.
 *
 * The program's contract: `fence` ends with 0 once the node is certainly down, with 3 when it has obeyed a higher epoch; `state` prints
 * `running` or `stopped` and ends with 0. Anything else is a failure that may be tried again.
 */
import { execFile } from "node:child_process";
import { BelayError } from "@belay/engine";
import { type Fence, type FenceTarget, refuseStale } from "./fence.ts";

/** What `commandFence` takes. */
export interface CommandFenceOptions {
  /** The program and its words, such as ["ssh", "-o", "BatchMode=yes", "{host}", "sudo", "belay-fence", "fence", "{node}", "{epoch}"]. */
  readonly fence: readonly string[];
  /** Likewise; says whether the node runs. */
  readonly state: readonly string[];
  /** Milliseconds until the program is killed. Default 30,000. */
  readonly timeoutMs?: number;
}

/** The program's answer to an order of an overtaken run. */
const STALE = 3;
const TIMEOUT_MS = 30_000;
/** What is replaced in a word. */
const PLACES: ReadonlySet<string> = new Set(["{node}", "{host}", "{epoch}"]);
/** What a shell on the other side takes as it stands. */
const PLAIN_NAME = /^[A-Za-z0-9:][A-Za-z0-9._:-]{0,252}$/;

/** Throws INVALID_ARGUMENT for an empty command, a placeholder that is none, or a timeout that is none. */
export function commandFence({ fence, state, timeoutMs = TIMEOUT_MS }: CommandFenceOptions): Fence {
  for (const [name, words] of Object.entries({ fence, state })) {
    if (words.length === 0)
      throw new BelayError("INVALID_ARGUMENT", `the fence's command "${name}" is empty: give a program`);
  }
  for (const [name, words] of Object.entries({ fence, state }))
    for (const [place] of words.join(" ").matchAll(/\{[^{}]*\}/g))
      if (!PLACES.has(place))
        throw new BelayError(
          "INVALID_ARGUMENT",
          `the fence's command "${name}" has ${place}, which stands for nothing: ${[...PLACES].join(", ")} do`,
        );
  if (!(timeoutMs > 0 && Number.isSafeInteger(Math.ceil(timeoutMs)))) {
    throw new BelayError("INVALID_ARGUMENT", `a fence's program needs a timeout above 0 ms, not ${timeoutMs}`);
  }
  return {
    fence: async (target) => {
      const ended = await run(fence, target, timeoutMs);
      if (ended.code === STALE) refuseStale(target, ended.said);
      if (ended.code !== 0)
        throw new Error(`fencing ${target.node}: ${fence[0]} ended with ${ended.code}: ${ended.said}`);
    },
    state: async (target) => {
      const ended = await run(state, target, timeoutMs);
      const word = ended.out.trim();
      if (ended.code === 0 && (word === "running" || word === "stopped")) return word;
      throw new Error(
        `whether ${target.node} runs is not known: ${state[0]} ended with ${ended.code} and said ${JSON.stringify(ended.said)}`,
      );
    },
  };
}

interface Ended {
  /** Exit code, or why it never had one. */
  readonly code: number | string;
  readonly out: string;
  /** The end of what it said, for people. */
  readonly said: string;
}

function run(words: readonly string[], target: FenceTarget, timeoutMs: number): Promise<Ended> {
  const [program = "", ...rest] = words.map((word) => filledIn(word, target));
  return new Promise((resolve) => {
    execFile(program, rest, { timeout: timeoutMs, killSignal: "SIGKILL" }, (error, out, err) => {
      const said = (err.trim() || out.trim() || error?.message || "").slice(-500);
      const code = error === null ? 0 : error.killed ? `a timeout of ${timeoutMs} ms` : (error.code ?? error.message);
      resolve({ code, out, said });
    });
  });
}

function filledIn(word: string, { node, host, epoch }: FenceTarget): string {
  for (const name of [node, host]) {
    if (!PLAIN_NAME.test(name)) {
      throw new BelayError(
        "INVALID_ARGUMENT",
        `${JSON.stringify(name)} cannot be a word of a fence's command: letters, digits, ".", "_", ":" and "-" only`,
      );
    }
  }
  return word.replaceAll("{node}", node).replaceAll("{host}", host).replaceAll("{epoch}", String(epoch));
}
