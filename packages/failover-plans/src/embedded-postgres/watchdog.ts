/**
 * The process that outlives the owner of a cluster by a moment: it waits for the end of its standard input, which the kernel
 * closes however the owner ends (return, signal, uncaught exception, SIGKILL), then kills the servers and removes the data.
 *
 * Started by reaper.ts with two arguments: the data directory, and "remove" or "keep". The word "release" on the input means
 * that the owner has cleaned up itself. Imports no package: it must start fast and stay small.
 */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { killServers } from "./process-table.ts";
import { removeSharedMemory } from "./shared-memory.ts";

/** The kernel ends a killed process within milliseconds; a stuck disk may take longer. */
const KILL_TIMEOUT_MS = 30_000;

const [directory = "", afterwards] = process.argv.slice(2);

let received = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (text: string) => {
  received += text;
});
// A broken pipe says the same as its end.
process.stdin.once("error", reap);
process.stdin.once("end", reap);

async function reap(): Promise<void> {
  if (directory === "" || received.includes("release")) return;
  await killServers(directory, KILL_TIMEOUT_MS);
  for (const name of await readdir(directory).catch(() => [])) await removeSharedMemory(join(directory, name));
  if (afterwards === "remove") await rm(directory, { recursive: true, force: true });
  // The owner may have been killed between starting a server and the server's first step: look once more.
  await killServers(directory, KILL_TIMEOUT_MS);
}
