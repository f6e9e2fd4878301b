/**
 * Sees to it that no server is left running. Two lines of defence with one rule of what may be killed
 * (process-table.ts): a hook on the owner's exit, and a watchdog process for the ends that run no hooks (SIGKILL, a signal
 * nobody handles, an abort). No signal handler is installed: what SIGINT means stays the program's own decision.
 *
 * An owner whose work outlives it says so (`outlive`): then the servers wait for the next owner, and end by themselves when
 * nobody comes. The watchdog is the one who waits.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { BelayError } from "@belay/engine";
import { findGuards, isAlive, removeGuard, writeGuard } from "./guard-file.ts";
import { killServersNow } from "./process-table.ts";

/** A guarded data directory. */
export interface Reaper {
  /** Name of the guard's file. */
  readonly guard: string;
  /** When the owner ends without releasing, the servers are left for the next one, who has so many milliseconds to come. */
  outlive(patienceMs: number): Promise<void>;
  /** The owner gives the servers up without ending them; the watchdog goes on as if it had died. */
  leave(): void;
  /** The owner has ended its servers: the guard ends too. Idempotent. */
  release(): void;
}

/** What is guarded, and how. */
export interface Guarded {
  readonly directory: string;
  /** Whether the directory goes too when the owner ends without releasing. */
  readonly remove: boolean;
  /** See `Reaper.outlive`; without it the servers end with their owner. */
  readonly patienceMs?: number;
}

/**
 * Guards the servers below a directory until `release`. The guard keeps no event loop alive: an owner that has nothing left
 * to do ends.
 */
export async function guardServers({ directory, remove, patienceMs }: Guarded): Promise<Reaper> {
  const guard = await writeGuard(directory);
  // From sources under type stripping, from dist/ otherwise: the neighbour has this file's own extension.
  const script = fileURLToPath(
    new URL(import.meta.url.endsWith(".ts") ? "./watchdog.ts" : "./watchdog.js", import.meta.url),
  );
  const words = [script, directory, guard, remove ? "remove" : "keep", String(patienceMs ?? 0)];
  const watchdog = spawn(process.execPath, words, {
    cwd: "/",
    // Its own session: the terminal's Ctrl-C ends the owner, then the watchdog does its work.
    detached: true,
    env: {},
    stdio: ["pipe", "ignore", "ignore"],
  });
  watchdog.unref();
  const input = watchdog.stdin as typeof watchdog.stdin & { unref?(): void };
  input.unref?.();
  // Someone ended the watchdog: the exit hook below is still there.
  watchdog.on("error", () => {});
  input.on("error", () => {});

  const onExit = (): void => {
    killServersNow(directory);
  };
  if (patienceMs === undefined) process.once("exit", onExit);
  let released = false;
  return {
    guard,
    async outlive(ms: number): Promise<void> {
      process.off("exit", onExit);
      await new Promise<void>((resolve) => {
        input.write(`outlive ${Math.trunc(ms)}\n`, () => resolve());
      });
    },
    leave(): void {
      process.off("exit", onExit);
      input.end();
    },
    release(): void {
      if (released) return;
      released = true;
      process.off("exit", onExit);
      input.end("release\n");
      void removeGuard(directory, guard).catch(() => undefined);
    },
  };
}

/**
 * The same for servers that outlived their owner. Fails with STATE_INVALID while that lives, or when somebody else was
 * faster. `patienceMs`: as in `Reaper.outlive`.
 */
export async function takeOverServers(guarded: Guarded & { readonly patienceMs: number }): Promise<Reaper> {
  const { directory } = guarded;
  const before = await findGuards(directory);
  const living = before.find(({ owner }) => owner !== null && isAlive(owner));
  if (living !== undefined)
    throw new BelayError(
      "STATE_INVALID",
      `the servers in ${directory} belong to process ${living.owner?.pid}, which runs`,
    );
  const reaper = await guardServers(guarded);
  for (const { file } of before) {
    if (await removeGuard(directory, file)) continue;
    // Whoever took it may have seen the new guard and left the servers to it: that one ends them, unless another stands.
    await reaper.outlive(0);
    reaper.leave();
    const text = `the servers in ${directory} are being ended, or taken over by another process`;
    throw new BelayError("STATE_INVALID", text);
  }
  return reaper;
}
