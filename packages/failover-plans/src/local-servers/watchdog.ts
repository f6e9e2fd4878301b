/**
 * The process that outlives the owner of a cluster: it waits for the end of its standard input, which the kernel closes
 * however the owner ends (return, signal, uncaught exception, SIGKILL), then kills the servers and removes the data.
 *
 * Started by reaper.ts with four arguments: the data directory, its guard's file, "remove" or "keep", and how many
 * milliseconds the next owner has to come (0: nobody is waited for). On its input the word "release" means that the owner
 * has cleaned up itself, and "outlive MS" changes that number. Imports no package: it must start fast and stay small.
 */
import { access, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findGuards, removeGuard } from "./guard-file.ts";
import { killServers } from "./process-table.ts";
import { removeSharedMemory } from "./shared-memory.ts";

/** The kernel ends a killed process within milliseconds; a stuck disk may take longer. */
const KILL_TIMEOUT_MS = 30_000;
/** How often it looks whether somebody has taken the cluster over. */
const LOOK_MS = 200;

const [directory = "", guard = "", afterwards, patience] = process.argv.slice(2);

let received = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (text: string) => {
  received += text;
});
// A broken pipe says the same as its end.
process.stdin.once("error", ended);
process.stdin.once("end", ended);

/** The owner has ended, or released its servers. */
async function ended(): Promise<void> {
  if (directory === "" || received.includes("release")) return;
  const asked = [...received.matchAll(/outlive (\d+)/g)].at(-1)?.[1];
  await waitForNext(Number(asked ?? patience ?? 0));
  await removeGuard(directory, guard).catch(() => false);
  // Another guard stands: the servers are its own by now.
  if ((await findGuards(directory)).length > 0) return;
  await reap();
}

/** Until the time is over, or somebody has taken this guard away. */
async function waitForNext(ms: number): Promise<void> {
  const deadline = performance.now() + ms;
  const path = join(directory, guard);
  while (performance.now() < deadline) {
    await sleep(LOOK_MS);
    const isGone = await access(path).then(
      () => false,
      () => true,
    );
    if (isGone) return;
  }
}

async function reap(): Promise<void> {
  await killServers(directory, KILL_TIMEOUT_MS);
  for (const name of await readdir(directory).catch(() => [])) await removeSharedMemory(join(directory, name));
  if (afterwards === "remove") await rm(directory, { recursive: true, force: true });
  // The owner may have been killed between starting a server and the server's first step: look once more.
  await killServers(directory, KILL_TIMEOUT_MS);
}
