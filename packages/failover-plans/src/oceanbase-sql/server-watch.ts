/**
 * Whether servers are alive, seen from here over TCP. A port that accepts counts as alive, whether or not anybody answers behind it: a
 * frozen server may go on at any moment. One that refuses, or does not answer in time, counts as dead: a cut network looks the same, so
 * that whoever fails over across a network that may be cut has to fence the other side by other means first.
 */
import { createConnection } from "node:net";
import type { ServerState } from "../oceanbase/control.ts";
import { addressOf, type SqlAddress } from "./sys-session.ts";

const CONNECT_TIMEOUT_MS = 1000;

/** Looks at all of them at once; never rejects. */
export async function watchServers(
  servers: readonly SqlAddress[],
  timeoutMs: number = CONNECT_TIMEOUT_MS,
): Promise<readonly ServerState[]> {
  return await Promise.all(
    servers.map(async (server) => ({ address: addressOf(server), alive: await accepts(server, timeoutMs) })),
  );
}

function accepts({ host, port }: SqlAddress, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    const end = (alive: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(alive);
    };
    const timer = setTimeout(() => end(false), timeoutMs);
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}
