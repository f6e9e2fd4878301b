/** Modules with actions: three ways to export them, and one clear line for everything else. */
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { loadActions } from "../../packages/cli/src/actions-module.ts";

function fixture(name: string): string {
  return fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
}

describe("actions come from a module", () => {
  test.each([
    ["actions.ts", ["again", "hang", "prepare", "stuck", "undo", "work"]],
    ["default-actions.js", ["prepare", "undo", "work"]],
    ["named-actions.js", ["prepare", "undo", "work"]],
  ])("%s gives its actions", async (name, expected) => {
    expect(Object.keys(await loadActions(fixture(name))).sort()).toEqual(expected);
  });

  test("a module without actions is refused", async () => {
    await expect(loadActions(fixture("no-actions.js"))).rejects.toThrow(/exports no actions/);
  });

  test("a list is no object of functions by name", async () => {
    await expect(loadActions(fixture("list-actions.js"))).rejects.toThrow(/must be an object .*, not a list$/);
  });

  test("whatever a module throws, it is one sentence", async () => {
    await expect(loadActions(fixture("throwing-actions.js"))).rejects.toThrow(
      /^cannot load actions from .*: undefined$/,
    );
  });

  test("a module that is not there is refused", async () => {
    await expect(loadActions(fixture("absent.js"))).rejects.toThrow(/^cannot load actions from .*absent\.js: /);
  });
});
