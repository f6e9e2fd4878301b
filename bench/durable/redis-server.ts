/**
 * The Redis server of the BullMQ contenders: Debian's redis-server with an append-only file that is synced before an answer.
 * Owns: the process, which ends with its owner, and its socket. Does not own: the folder.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Missing } from "./contender.ts";

/** A server that answers. */
export interface RedisServer {
  /** Unix socket: there is no port. */
  readonly socket: string;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 10_000;

/** Starts a server whose files are in `folder`. Fails with `Missing` when there is no redis-server. */
export async function startRedis(folder: string): Promise<RedisServer> {
  const socket = join(folder, "redis.sock");
  const options = ["--port", "0", "--unixsocket", socket, "--dir", folder, "--daemonize", "no", "--save", ""];
  const durable = ["--appendonly", "yes", "--appendfsync", "always", "--no-appendfsync-on-rewrite", "no"];
  const server = spawn("redis-server", [...options, ...durable], { stdio: ["ignore", "ignore", "inherit"] });
  const failed = once(server, "error").then(([error]) => {
    throw new Missing(`redis-server does not start (${error.code}): apt-get install redis-server`);
  });
  const end = (): boolean => server.kill("SIGKILL");
  process.once("exit", end);
  const deadline = performance.now() + START_TIMEOUT_MS;
  const ready = async (): Promise<void> => {
    while (!existsSync(socket)) {
      if (server.exitCode !== null) throw new Error(`redis-server ended with ${server.exitCode}`);
      if (performance.now() > deadline) throw new Error(`redis-server is not ready after ${START_TIMEOUT_MS} ms`);
      await sleep(20);
    }
  };
  await Promise.race([ready(), failed]);
  return {
    socket,
    async stop() {
      process.off("exit", end);
      if (server.exitCode !== null) return;
      server.kill("SIGTERM");
      await once(server, "exit");
    },
  };
}
