/**
 * The door to the driver: every call ends in bounded time, even when the server accepts and then says nothing.
 */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import {
  connect,
  isConnectTimeout,
  openReplication,
  query,
  quoteName,
} from "../../packages/failover-plans/src/postgres/client.ts";
import type { PostgresNode } from "../../packages/failover-plans/src/postgres/ports.ts";

const READY = Buffer.concat([
  Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0]), // AuthenticationOk
  Buffer.from([0x5a, 0, 0, 0, 5, 0x49]), // ReadyForQuery, idle
]);

const open: { server: Server; sockets: Socket[] }[] = [];

/** A server that answers the startup with `greeting` and then keeps silent, like one that was stopped. */
async function silentServer(greeting?: Buffer): Promise<PostgresNode> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    if (greeting !== undefined) socket.once("data", () => socket.write(greeting));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  open.push({ server, sockets });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { name: "a", host: "127.0.0.1", port, user: "u", database: "d", priority: 0 };
}

afterEach(() => {
  for (const { server, sockets } of open.splice(0)) {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});

describe("a server that accepts and says nothing", () => {
  test("a connection attempt is given up", async () => {
    const node = await silentServer();
    const error: unknown = await query(node, "select 1", [], { connectTimeoutMs: 60 }).catch(
      (thrown: unknown) => thrown,
    );
    expect(String(error)).toContain(`a did not accept a connection at 127.0.0.1:${node.port} within 60 ms`);
    expect(isConnectTimeout(error)).toBe(true);
  });

  test("a statement is given up, and so is the goodbye", async () => {
    const node = await silentServer(READY);
    const error: unknown = await query(node, "select 1", [], { queryTimeoutMs: 60 }).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain("a did not answer a statement within 60 ms");
    expect(isConnectTimeout(error)).toBe(false);
  });

  test("an idle session ends although nobody answers the goodbye", async () => {
    const node = await silentServer(READY);
    const session = await openReplication(node);
    await session.end();
  });

  test("R26: an aborted call ends with the signal's reason", async () => {
    const node = await silentServer(READY);
    const abort = new AbortController();
    const reason = new Error("canceled");
    const session = await connect(node, { signal: abort.signal });
    const call = session.query("select 1");
    abort.abort(reason);
    await expect(call).rejects.toBe(reason);
    await session.end();
  });
});

test("a qualified name is quoted part by part", () => {
  expect(quoteName('pub"lic.orders')).toBe('"pub""lic"."orders"');
});
