/** `belay demo NAME`: which show is given. The drivers of a system are loaded only for its own demos. */
import type { Context } from "../context.ts";
import { type DemoName, type DemoWords, isMariadbDemo, isOceanBaseDemo } from "../demo/demo-options.ts";
import type { ExitCode } from "../exit-code.ts";
import { UsageError } from "../usage-error.ts";

const WRITERS = 8;
const NODES = 3;

/** Throws UsageError for options that mean nothing to the demo. */
export async function demoCommand(name: DemoName, words: DemoWords, context: Context): Promise<ExitCode> {
  const options = { ...words, writers: words.writers ?? WRITERS, nodes: words.nodes ?? NODES };
  if (isOceanBaseDemo(name)) {
    const [first, ...more] = (["writers", "nodes", "keep"] as const)
      .filter((option) => words[option] !== undefined)
      .map((option) => `--${option} means nothing to ${name}: it has no servers`);
    if (first !== undefined) throw new UsageError(first, ...more);
    const { oceanBaseDemo } = await import("../demo/oceanbase.ts");
    return oceanBaseDemo(name, options, context);
  }
  if (isMariadbDemo(name)) {
    const [first, ...more] = (["db", "keep"] as const)
      .filter((option) => words[option] !== undefined)
      .map((option) => `--${option} means nothing to ${name}: its servers end with it`);
    if (first !== undefined) throw new UsageError(first, ...more);
    const { mariadbDemo } = await import("../demo/mariadb.ts");
    return mariadbDemo(name, options, context);
  }
  const { postgresDemo } = await import("../demo/postgres.ts");
  return postgresDemo(name, options, context);
}
