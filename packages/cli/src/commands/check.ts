/** `belay check FILE...`: says everything that is wrong with the plans, and nothing else. Runs nothing. */
import type { Context } from "../context.ts";
import { ExitCode } from "../exit-code.ts";
import { checkFile, printDiagnostics } from "../plan-file.ts";
import { oneLine } from "../render/text.ts";
import { UsageError } from "../usage-error.ts";

export interface CheckOptions {
  /** One JSON object per file instead of lines. */
  readonly json?: boolean;
}

/**
 * REFUSED when a file cannot be read or a plan has an error; warnings alone are fine. Every file is checked. FAILED when the
 * answer could not be written.
 */
export async function checkCommand(
  files: readonly string[],
  options: CheckOptions,
  { terminal }: Context,
): Promise<ExitCode> {
  const { out, err } = terminal;
  let code: ExitCode = ExitCode.OK;
  for (const file of files) {
    try {
      const { plan, diagnostics } = await checkFile(file);
      if (plan === undefined) code = ExitCode.REFUSED;
      if (options.json) {
        const identity = plan && { name: plan.document.name, hash: plan.hash };
        out.line(JSON.stringify({ file, valid: plan !== undefined, ...identity, diagnostics }));
        continue;
      }
      printDiagnostics(file, diagnostics, out);
      if (plan !== undefined) out.line(`${file}: ok, ${count(plan.document.nodes.length, "node")}`);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      code = ExitCode.REFUSED;
      if (options.json) out.line(JSON.stringify({ file, valid: false, error: error.message, diagnostics: [] }));
      else err.line(`belay: ${oneLine(error.message)}`);
    }
  }
  await out.flush();
  return code === ExitCode.OK && out.fault !== undefined ? ExitCode.FAILED : code;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
