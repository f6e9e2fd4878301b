/** `belay demo NAME`: which show is given. The drivers of a system are loaded only for its own demos. */
import type { Context } from "../context.ts";
import type { DemoName, DemoOptions } from "../demo/demo-options.ts";
import type { ExitCode } from "../exit-code.ts";

export async function demoCommand(name: DemoName, options: DemoOptions, context: Context): Promise<ExitCode> {
  if (name === "oceanbase-failover") {
    const { oceanBaseDemo } = await import("../demo/oceanbase.ts");
    return oceanBaseDemo(options, context);
  }
  const { postgresDemo } = await import("../demo/postgres.ts");
  return postgresDemo(name, options, context);
}
