/** Parameter files: read like plans, refused with their place. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readParamsFile } from "../../packages/cli/src/params-file.ts";
import type { UsageError } from "../../packages/cli/src/usage-error.ts";

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-params-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function written(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function read(name: string, text: string): Promise<unknown> {
  const path = await written(name, text);
  try {
    return await readParamsFile(path);
  } catch (error) {
    throw new Error((error as Error).message.replace(path, name));
  }
}

describe("a mapping is read", () => {
  test.each<[string, string, unknown]>([
    ["a.json", '{"who":"me",\n\t"list":[1,2]}', { who: "me", list: [1, 2] }],
    ["a.yaml", "# who\nwho: me\n\nlist:\n  - 1\n  - 2\n", { who: "me", list: [1, 2] }],
    ["b.yml", "text: |\n  two\n  lines\n", { text: "two\nlines\n" }],
    ["c.yaml", '{"who": "me"}', { who: "me" }],
    ["e.yaml", "---\nwho: me\n", { who: "me" }],
    ["f.yaml", "who: { $cel: 1 + }\n", { who: { $cel: "1 +" } }],
    ["d.yaml", "\ufeffwho: me\r\ncount: 2\r\n", { who: "me", count: 2 }],
  ])("%s: %j", async (name, text, expected) => {
    expect(await read(name, text)).toEqual(expected);
  });
});

describe("R4: what a plan refuses is refused here too, with its place", () => {
  test.each([
    ["a.json", '{"a":1,\n"a":2}', /^a\.json:2:1: the key "a" is given twice/],
    ["a.json", '{"a":', /^a\.json:\d+:\d+: /],
    ["a.yaml", "a: 1\na: 2\n", /^a\.yaml:2:1: the key "a" is given twice/],
    ["a.yaml", "a: &x 1\nb: *x\n", /^a\.yaml:1:4: /],
    ["a.yaml", "a: 9007199254740993\n", /^a\.yaml:1:4: /],
    ["a.yaml", "- 1\n", "a.yaml must hold a mapping of parameters"],
    ["a.yaml", "", "a.yaml:1:1: the text is empty"],
    ["a.yaml", "# none\n", "a.yaml must hold a mapping of parameters"],
    ["a.yaml", "a: 1\n---\nb: 1\n", /^a\.yaml:2:1: the text has more than one document/],
    ["a.json", "3", "a.json must hold a mapping of parameters"],
  ])("%s: %j", async (name, text, message) => {
    await expect(read(name, text)).rejects.toThrow(message);
  });

  test("R4: everything that is wrong is told at once", async () => {
    const { faults } = (await readParamsFile(await written("b.yaml", "a: &x 1\nb: *x\n")).catch(
      (error) => error,
    )) as UsageError;
    expect(faults.map((fault) => fault.replace(/^.*b\.yaml/, ""))).toEqual([
      ":1:4: an anchor is not allowed",
      ":2:4: an alias is not allowed",
    ]);
  });

  test("R1: a file that is no UTF-8 is refused, not read in part", async () => {
    const path = await written("c.yaml", Buffer.from([0x61, 0x3a, 0x20, 0xff]));
    await expect(readParamsFile(path)).rejects.toThrow(/^cannot read .*c\.yaml: it is no UTF-8 text$/);
  });
});
