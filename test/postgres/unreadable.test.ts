/**
 * The files of a node: what cannot be looked at counts neither as absent nor as empty, and a copy that was told to end leaves nothing.
 */
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { markStandby } from "../../packages/failover-plans/src/embedded-postgres/data-directory.ts";
import { LocalControl } from "../../packages/failover-plans/src/embedded-postgres/node-control.ts";
import type { Server } from "../../packages/failover-plans/src/embedded-postgres/server.ts";
import { nodes } from "./asked-control.ts";

describe("what cannot be looked at", () => {
  let directory = "";
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "belay-attacked-"));
  });
  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  const local = (at: string): LocalControl => {
    const [node] = nodes;
    if (node === undefined) throw new Error("no node");
    const server = { isRunning: () => false } as unknown as Server;
    return new LocalControl({ nodes: [{ node, server, directory: at }], user: null, passwordFile: "" });
  };

  test("is not empty: a node whose directory does not open is not taken for a new one", async () => {
    const file = join(directory, "file");
    await writeFile(file, "");
    await expect(local(join(file, "data")).hasData("pg1")).rejects.toMatchObject({ code: "ENOTDIR" });
    expect(await local(join(directory, "none")).hasData("pg1")).toBe(false);
  });

  test("is not written anew: settings that cannot be read are kept", async () => {
    const data = join(directory, "data");
    await mkdir(data);
    const settings = join(data, "postgresql.auto.conf");
    await symlink(settings, settings);
    await expect(markStandby(data, "", null)).rejects.toMatchObject({ code: "ELOOP" });
    expect(await readlink(settings)).toBe(settings);
  });

  test("R26: a copy that was told to end leaves the node as it was, however its source behaves", async () => {
    // A source that takes the connection and says nothing.
    const mute = createServer(() => undefined).listen(0, "127.0.0.1");
    try {
      await once(mute, "listening");
      const told = new AbortController();
      const data = join(directory, "copied");
      const source = { ...nodes[1], name: "pg2", host: "127.0.0.1", port: (mute.address() as AddressInfo).port };
      const copy = local(data).reclone("pg1", { ...source, user: "u", database: "d", priority: 1 }, told.signal);
      told.abort(new Error("canceled"));
      await expect(copy).rejects.toThrow("canceled");
      expect((await readdir(directory)).filter((name) => name.startsWith("copied"))).toEqual([]);
    } finally {
      mute.close();
    }
  });
});
