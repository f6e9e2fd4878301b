/**
 * `npm run generate`: writes the generated files. `--check` writes nothing and ends with 1 when one is stale.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { generatedFiles } from "./generated-files.ts";

const root = new URL("../", import.meta.url);
const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });

for (const [path, text] of generatedFiles()) {
  if (contentOf(path) === text) continue;
  if (values.check) {
    console.error(`stale: ${path} (npm run generate)`);
    process.exitCode = 1;
  } else {
    writeFileSync(new URL(path, root), text);
    console.log(`wrote ${path}`);
  }
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(new URL(path, root), "utf8");
  } catch {
    return undefined;
  }
}
