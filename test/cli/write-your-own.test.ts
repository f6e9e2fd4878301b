/** The files and commands of docs/write-your-own.md, as a reader types them, in a directory that knows no package. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "../house/tree.ts";

const page = readFileSync(join(ROOT, "docs/write-your-own.md"), "utf8");
const block = (pattern: RegExp): string => pattern.exec(page)?.[1] ?? "";
const belay = join(ROOT, "packages/cli/bin/belay.js");
let directory = "";

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "belay-own-"));
  writeFileSync(join(directory, "move-vip.yaml"), block(/parsePlan\(`\n([\s\S]*?)`\);/));
  writeFileSync(join(directory, "vip.mjs"), block(/```js\n([\s\S]*?)```/));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("the plan and the module of docs/write-your-own.md run from the command line, line by line", async () => {
  const lines = block(/```sh\n(echo a > hosts\.txt\n[\s\S]*?)```/).trim();
  expect(lines.split("\n")).toHaveLength(4);
  const script = `set -e\n${lines.replaceAll("npx belay", `"${process.execPath}" "${belay}"`)}`;
  const { stdout } = await promisify(execFile)("sh", ["-c", script], { cwd: directory });
  expect(stdout).toMatch(/move-vip\.yaml.*/);
  expect(stdout).toContain("SUCCESSFUL");
  expect(readFileSync(join(directory, "hosts.txt"), "utf8")).toBe("b");
});
