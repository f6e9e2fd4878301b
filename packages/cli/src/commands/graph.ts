/** `belay graph FILE --format mermaid|dot|json`: draws a plan. */
import { toDot, toGraphJson, toMermaid } from "@belay/engine/views";
import type { Context } from "../context.ts";
import { ExitCode } from "../exit-code.ts";
import { loadPlanFile } from "../plan-file.ts";

export const GRAPH_FORMATS = ["mermaid", "dot", "json"] as const;

export interface GraphOptions {
  readonly format: (typeof GRAPH_FORMATS)[number];
}

/** The drawing on stdout, diagnostics on stderr. FAILED when the drawing could not be written. */
export async function graphCommand(file: string, { format }: GraphOptions, { terminal }: Context): Promise<ExitCode> {
  const plan = await loadPlanFile(file, terminal.err);
  if (format === "mermaid") terminal.out.write(toMermaid(plan));
  else if (format === "dot") terminal.out.write(toDot(plan));
  else terminal.out.line(JSON.stringify(toGraphJson(plan), null, 2));
  await terminal.out.flush();
  return terminal.out.fault === undefined ? ExitCode.OK : ExitCode.FAILED;
}
