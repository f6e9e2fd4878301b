/**
 * Examples in READMEs and in the documents are run as they stand: an example that does not work is worse than none.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { ROOT, SourceTree } from "./house/tree.ts";

const tree = SourceTree.ofProject();
const examples = tree.paths(/(^|\/)README\.md$|^docs\/.*\.md$/).flatMap((path) =>
  [...tree.text(path).matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = ""], index) => ({
    name: `${path}, number ${index + 1}`,
    code,
  })),
);

describe("TypeScript examples in READMEs and documents", () => {
  test("there is one in the engine's README, and one that proves a plan", () => {
    const names = examples.map(({ name }) => name);
    expect(names).toContain("packages/engine/README.md, number 1");
    expect(names).toContain("docs/proving-plans.md, number 1");
  });

  test("without its guard the plan of docs/proving-plans.md is not proved: its page says what is found", async () => {
    const code = examples.find(({ name }) => name === "docs/proving-plans.md, number 1")?.code ?? "";
    const found = run(code.replace("&& !thawed", ""));
    await expect(found).rejects.toThrow("I12: rolled back, and nobody takes writes");
    await expect(found).rejects.toThrow(/seed: 204,[\s\S]*run:rolled-back\s+effect of start freeze#1/);
  });

  test("with operators docs/proving-plans.md finds what it says, and is proved with the remedies it names", async () => {
    const code = examples.find(({ name }) => name === "docs/proving-plans.md, number 1")?.code ?? "";
    const operated = code.replace("operators: 0 ", "operators: 0.1 ");
    await expect(run(operated)).rejects.toThrow(/two servers take writes[\s\S]*operator: skip freeze/);
    const guarded = operated.replace(
      "prohibitRollback: true",
      `prohibitRollback: true, when: 'nodes.freeze.status == "SUCCESSFUL"'`,
    );
    await expect(run(guarded)).rejects.toThrow(/nobody takes writes[\s\S]*operator: skip-rollback freeze/);
    await run(
      guarded
        .replace("check: ({ status }: { status: string })", "check: ({ status, asked }: SimulatedMoment)")
        .replace(`!writers.has("a")`, `!writers.has("a") && !asked.some(({ verb }) => verb === "skip-rollback")`)
        .replace("import {", "import type { SimulatedMoment } from '@belay/engine/testing'; import {"),
    );
  });

  test("R31: a step of docs/write-your-own.md that fails after its effect leaves the address on one host", async () => {
    const code = examples.find(({ name }) => name === "docs/write-your-own.md, number 1")?.code ?? "";
    const failing = code
      .replace("retry: { maxAttempts: 3 }", "retry: { maxAttempts: 1 }")
      .replace("hosts.add(host))", `{ hosts.add(host); if (host === "b") throw new Error("no answer"); })`);
    await expect(run(failing)).rejects.toThrow(/Error: ROLLED_BACK: a\n/);
  });

  for (const { name, code } of examples) {
    test(`the example runs to its end: ${name}`, async () => {
      await run(code);
    });
  }

  test("an example that throws, or imports what is not exported, is found", async () => {
    await expect(run(`const wrong: number = 1; throw new Error(String(wrong));`)).rejects.toThrow("Error: 1");
    await expect(run(`import { noSuchName } from "@belay/engine"; noSuchName();`)).rejects.toThrow("noSuchName");
  });
});

/** Runs TypeScript as a module in the root, where `@belay/*` are the sources. Rejects with its standard error. */
async function run(code: string): Promise<void> {
  const flags = ["--conditions=source", "--input-type=module-typescript", "--eval", code];
  await promisify(execFile)(process.execPath, flags, { cwd: ROOT, timeout: 15_000 });
}
