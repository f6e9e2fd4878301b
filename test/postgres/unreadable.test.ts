/** Files of a node that cannot be looked at: they count neither as absent nor as empty. */
import { mkdir, mkdtemp, readlink, rm, symlink, writeFile } from "node:fs/promises";
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

  test("is not empty: a node whose directory does not open is not taken for a new one", async () => {
    const file = join(directory, "file");
    await writeFile(file, "");
    const local = (at: string): LocalControl => {
      const [node] = nodes;
      if (node === undefined) throw new Error("no node");
      return new LocalControl({
        nodes: [{ node, server: {} as Server, directory: at }],
        user: null,
        passwordFile: "",
      });
    };
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
});
