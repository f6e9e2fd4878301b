/**
 * Finds TCP ports on 127.0.0.1 for servers that will be killed and restarted on them.
 *
 * Owns the choice only; a port is taken when a server binds it. Ports below the system's range of outgoing ports are preferred:
 * while a server is down, its clients' reconnecting sockets could be given its own port, and it could not start again.
 */
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { BelayError } from "@belay/engine";

const HOST = "127.0.0.1";
const LOWEST = 15_000;
/** Where outgoing ports begin when the system does not say: Linux's default. */
const OUTGOING_FROM = 32_768;
const TRIES = 50;

/** `count` ports that were free a moment ago: consecutive from `basePort`, or anywhere. Throws ENVIRONMENT on a used one. */
export async function findPorts(count: number, basePort?: number): Promise<readonly number[]> {
  if (basePort !== undefined) {
    const ports = consecutive(basePort, count);
    const used = await firstUsed(ports);
    if (used === null) return ports;
    throw new BelayError("ENVIRONMENT", `port ${used} on ${HOST} is in use: choose another basePort, or leave it out`);
  }
  const limit = (await firstOutgoingPort()) - count;
  for (let n = 0; n < TRIES && limit > LOWEST; n += 1) {
    const ports = consecutive(randomInt(LOWEST, limit), count);
    if ((await firstUsed(ports)) === null) return ports;
  }
  return await systemsChoice(count);
}

function consecutive(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}

async function firstOutgoingPort(): Promise<number> {
  const range = await readFile("/proc/sys/net/ipv4/ip_local_port_range", "utf8").catch(() => "");
  return Math.min(Number.parseInt(range, 10) || OUTGOING_FROM, OUTGOING_FROM);
}

/** Holds them all at once, so that they are different. */
async function systemsChoice(count: number): Promise<number[]> {
  const servers = await Promise.all(consecutive(0, count).map(() => listen(0)));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map(close));
  return ports;
}

async function firstUsed(ports: readonly number[]): Promise<number | null> {
  for (const port of ports) {
    try {
      await close(await listen(port));
    } catch {
      return port;
    }
  }
  return null;
}

async function listen(port: number): Promise<Server> {
  const server = createServer();
  server.listen({ port, host: HOST, exclusive: true });
  await once(server, "listening");
  return server;
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, "close");
}
