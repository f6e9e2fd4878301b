/**
 * The platform's metadata, in memory and in a directory that several processes share: locks, rows that are put back, notes. Of two that
 * change at once one wins, and the other decides anew.
 */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPlatformMetadata, openFileMetadata, type PlatformMetadata } from "@belay/failover-plans/oceanbase";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { codeOf } from "./cluster-cases.ts";

const ROWS = [
  { clusterId: 1, role: "PRIMARY", primaryClusterId: null },
  { clusterId: 2, role: "PHYSICAL STANDBY", primaryClusterId: 1 },
] as const;
const PROMOTED = { clusterId: 2, role: "PRIMARY", primaryClusterId: null } as const;

let root: string;
let made = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "belay-metadata-"));
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

const fresh = (): string => join(root, String(made++));

const MAKERS: readonly (readonly [string, () => Promise<PlatformMetadata>])[] = [
  ["in memory", async () => createPlatformMetadata(ROWS)],
  ["in a directory", () => openFileMetadata(fresh(), ROWS)],
];

describe.for(MAKERS)("metadata %s", ([, make]) => {
  test("R40: locks are taken all or none, by one owner, and tokens only grow", async () => {
    const metadata = await make();
    const first = await metadata.lock([1, 2], "a");
    expect(await metadata.lock([1, 2], "a")).toBe(first);
    expect(await codeOf(metadata.lock([2, 3], "b"))).toBe("LOCKED");
    expect(await metadata.unlock("a")).toEqual([1, 2]);
    expect(await metadata.lock([2, 3], "b")).toBeGreaterThan(first);
  });

  test("R31: rows are written under the lock, and put back as they were", async () => {
    const metadata = await make();
    expect(await codeOf(metadata.writeRow("cluster", PROMOTED, "a"))).toBe("LOCK_LOST");
    await metadata.lock([2], "a");
    await metadata.writeRow("cluster", PROMOTED, "a");
    expect(await metadata.readRow("cluster", 2)).toEqual(PROMOTED);
    expect(await metadata.readRow("multi-cluster", 2)).toEqual(ROWS[1]);
    await metadata.restoreRows("cluster", "a");
    expect(await metadata.readRow("cluster", 2)).toEqual(ROWS[1]);
    expect(await metadata.readRow("cluster", 9)).toBeUndefined();
  });

  test("notes stay until they are taken back", async () => {
    const metadata = await make();
    await metadata.writeNote("promotion/run", 2);
    expect(await metadata.readNote("promotion/run")).toBe(2);
    await metadata.writeNote("promotion/run", null);
    expect(await metadata.readNote("promotion/run")).toBeUndefined();
  });
});

describe("metadata in a directory", () => {
  test("R40: of many that want one lock at once, exactly one gets it, and nobody's change is lost", async () => {
    const directory = fresh();
    const openers = Array.from({ length: 8 }, (_, index) => `owner-${index}`);
    const codes = await Promise.all(
      openers.map(async (owner) => {
        const metadata = await openFileMetadata(directory, ROWS);
        await metadata.writeNote(owner, true);
        return await codeOf(metadata.lock([1, 2], owner));
      }),
    );
    expect(codes.filter((code) => code === "accepted")).toHaveLength(1);
    expect(codes.filter((code) => code === "LOCKED")).toHaveLength(7);
    const later = await openFileMetadata(directory, []);
    for (const owner of openers) expect(await later.readNote(owner)).toBe(true);
    expect((await readdir(directory)).filter((name) => name.startsWith("."))).toEqual([]);
  });
});
