/** What a verb would do, for people. Pure. Owns: wording, and that what cannot be undone is said. */
import type { Preview } from "@belay/engine";
import type { Colors } from "../output.ts";
import { runPaint } from "./status.ts";

type Step = Preview["run"][number];

/** The lines, without line ends, of a verb that would be carried out. */
export function previewLines(preview: Preview, colors: Colors): string[] {
  const { status, finalStatus, crosses, undecided } = preview;
  const lines = [`the run would be ${runPaint(colors, status)(status)} at once`];
  const add = (what: string, names: readonly string[]): void => {
    if (names.length > 0) lines.push(`  ${what}: ${names.join(", ")}`);
  };
  add("aborted, and may or may not take effect", preview.abort);
  add("goes on to its end", preview.finish);
  steps("would run", preview.run, lines);
  steps("would be undone", preview.compensate, lines);
  add("would fail", preview.fail);
  const skipped = preview.skip.map(({ node, reason }) => `${node} (${reason})`);
  add("would be skipped", skipped);
  const left = preview.leave.map(({ node, reason }) => `${node} (${reason.replaceAll("-", " ")})`);
  add("would stay as it is", left);
  add("people would be waited for", preview.awaits);
  add("would go on with resume", preview.afterResume);
  if (crosses.length > 0)
    lines.push(`  ${colors.yellow("points of no return that would be crossed")}: ${crosses.join(", ")}`);
  add("locks released", preview.locksReleased);
  for (const { node, reason } of undecided) lines.push(`  not known: ${node}: ${reason}`);
  const end = finalStatus === null ? "where it would rest is not known" : finalLine(finalStatus, colors);
  return [...lines, `if everything succeeds, ${end}`];
}

function finalLine(status: NonNullable<Preview["finalStatus"]>, colors: Colors): string {
  return `it would rest ${colors.bold(runPaint(colors, status)(status))}`;
}

/** One line per wave: what runs at the same time stands together. */
function steps(what: string, calls: readonly Step[], lines: string[]): void {
  if (calls.length === 0) return;
  lines.push(`  ${what}, in this order:`);
  const waves = new Map<number, string[]>();
  for (const { node, attempt, wave } of calls) {
    const names = waves.get(wave) ?? [];
    names.push(attempt > 1 ? `${node} (attempt ${attempt})` : node);
    waves.set(wave, names);
  }
  for (const [, names] of [...waves].sort(([one], [other]) => one - other)) lines.push(`    ${names.join(", ")}`);
}
