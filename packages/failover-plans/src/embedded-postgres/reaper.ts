/**
 * Sees to it that no server outlives its owner. Two lines of defence with one rule of what may be killed
 * (process-table.ts): a hook on the owner's exit, and a watchdog process for the ends that run no hooks (SIGKILL, a signal
 * nobody handles, an abort). No signal handler is installed: what SIGINT means stays the program's own decision.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { killServersNow } from "./process-table.ts";

/** A guarded data directory. */
export interface Reaper {
  /** The owner has ended its servers: the guard ends too. Idempotent. */
  release(): void;
}

/**
 * Guards the servers below `directory` until `release`. `remove`: whether the directory goes too when the owner ends without
 * releasing. The guard keeps no event loop alive: an owner that has nothing left to do ends, and its servers with it.
 */
export function guardServers(directory: string, remove: boolean): Reaper {
  // From sources under type stripping, from dist/ otherwise: the neighbour has this file's own extension.
  const script = fileURLToPath(
    new URL(import.meta.url.endsWith(".ts") ? "./watchdog.ts" : "./watchdog.js", import.meta.url),
  );
  const watchdog = spawn(process.execPath, [script, directory, remove ? "remove" : "keep"], {
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
  process.once("exit", onExit);
  let released = false;
  return {
    release(): void {
      if (released) return;
      released = true;
      process.off("exit", onExit);
      input.end("release\n");
    },
  };
}
