/**
 * What is said once a run rests: how it ended, what failed and why, and what an operator can do now. Pure.
 * Owns: wording. The choices follow the contract: nothing that started past a point of no return is offered for undoing
 * (R33, R34), what never started has nothing to undo (R30).
 */
import type { NodeSnapshot, RunSnapshot } from "@belay/engine";
import type { Colors } from "../output.ts";
import { failureText } from "./note.ts";
import { idsOf, keptIds, LISTED, startedBarriers, undoable, unknownEffects } from "./run-facts.ts";
import { runPaint } from "./status.ts";
import { type StoredRef, storedChoices } from "./stored-choices.ts";
import { duration, firstLine } from "./text.ts";

/** The commands that would start the same run again, shell-quoted: it ended with its process. */
export interface NextCommands {
  /** As it was started. */
  readonly again: string;
  /** With `--on-failure rollback`. */
  readonly rollback: string;
}

/** States of a node that may have failed; what failed and was undone since is still the cause. */
const ENDED_BADLY: ReadonlySet<string> = new Set(["FAILED", "COMPENSATED", "COMPENSATION_FAILED"]);

/** One line for a run that ended well, else its failures and the choices. Lines without line ends. */
export function outcomeLines(snapshot: RunSnapshot, commands: NextCommands, colors: Colors): string[] {
  const lines = howItWent(snapshot, colors);
  return snapshot.status === "SUCCESSFUL" ? lines : [...lines, ...choices(snapshot, commands, colors)];
}

/** The same for a run whose journal keeps it: it can go on in another process. */
export function storedOutcomeLines(snapshot: RunSnapshot, stored: StoredRef, colors: Colors): string[] {
  return [...howItWent(snapshot, colors), ...storedChoices(snapshot, stored, colors)];
}

/** How it ended, what failed and why, what stands. */
export function howItWent(snapshot: RunSnapshot, colors: Colors): string[] {
  const lines = [headline(snapshot, colors)];
  if (snapshot.status === "SUCCESSFUL") return lines;
  const failed = snapshot.nodes.filter(
    (node) => node.error !== null && !node.tolerated && ENDED_BADLY.has(node.status),
  );
  lines.push(...list(failed, (node) => `${node.id} failed: ${reason(node)}`, colors.red));
  const stuck = snapshot.nodes.filter((node) => node.status === "COMPENSATION_FAILED");
  lines.push(...list(stuck, (node) => `${node.id} could not be undone: ${undoReason(node)}`, colors.red));
  return [...lines, ...standing(snapshot, colors)];
}

function headline(snapshot: RunSnapshot, colors: Colors): string {
  if (snapshot.finishTime === null) return colors.bold(runPaint(colors, snapshot.status)(snapshot.status));
  const span = Date.parse(snapshot.finishTime ?? snapshot.startTime) - Date.parse(snapshot.startTime);
  const fault =
    snapshot.fault === null ? "" : `, stopped by a fault: ${snapshot.fault.code}: ${snapshot.fault.message}`;
  return `${colors.bold(runPaint(colors, snapshot.status)(snapshot.status))} after ${duration(span)}${fault}`;
}

function reason(node: NodeSnapshot): string {
  const tries = node.runTime > 1 ? ` (attempt ${node.runTime})` : "";
  return (node.error === null ? "no reason given" : failureText(node.error)) + tries;
}

function undoReason(node: NodeSnapshot): string {
  const error = node.compensation?.error;
  return error ? failureText(error) : "no reason given";
}

/** Past a point of no return, or partly undone: what still stands. */
function standing(snapshot: RunSnapshot, colors: Colors): string[] {
  if (snapshot.status === "ROLLED_BACK")
    return ["  everything that had started is undone, or has nothing that undoes it"];
  const barriers = startedBarriers(snapshot);
  if (barriers.length === 0) return [];
  const names = barriers.map((node) => node.id).join(", ");
  return [`  ${colors.yellow("point of no return")} reached: ${names}; undoing stops there`];
}

function choices(snapshot: RunSnapshot, commands: NextCommands, colors: Colors): string[] {
  const lines: string[] = ["", colors.bold("What you can do now:")];
  if (snapshot.status === "ROLLBACK_FAILED") {
    lines.push("  undo by hand what could not be undone, and the nodes it stands on:", `    ${leftToUndo(snapshot)}`);
  }
  const pastReturn = startedBarriers(snapshot).length > 0;
  lines.push(...(pastReturn ? wayForward(snapshot) : wayBack(snapshot, commands)));
  const calls = verbs(snapshot);
  if (calls.length > 0) {
    lines.push("  this run ended with this process; a program that keeps the engine could go on with:");
    lines.push(...calls.map((call) => `    ${call}`));
  }
  return lines;
}

/** Nothing stands that may not be repeated: the whole run once more. */
function wayBack(snapshot: RunSnapshot, commands: NextCommands): string[] {
  if (snapshot.status === "ROLLBACK_FAILED") return ["  then run it again from the start:", `    ${commands.again}`];
  const lines = ["  remove the cause, then run it again from the start:", `    ${commands.again}`];
  const undo = undoable(snapshot);
  if (undo.length === 0) return lines;
  return [...lines, `  run it so that a failure is undone (this time: ${idsOf(undo)}):`, `    ${commands.rollback}`];
}

/** Past a point of no return (R33): what stands, and what is left; a run from the start would do again what must not be done twice. */
function wayForward(snapshot: RunSnapshot): string[] {
  const kept = keptIds(snapshot);
  const stands = snapshot.nodes.filter((node) => node.started && kept.has(node.id));
  const left = snapshot.nodes.filter((node) => !ENDED_WELL.has(node.status));
  const lines = [`  do not run it again from the start: it would repeat what stands (${idsOf(stands)})`];
  const unknown = unknownEffects(stands.filter((node) => !ENDED_WELL.has(node.status)));
  if (unknown.length > 0) lines.push(`  whether this took effect is not known, look first: ${idsOf(unknown)}`);
  if (left.length > 0)
    lines.push(`  what is left: ${idsOf(left)}; do it by hand, or with a plan that holds only these steps`);
  return lines;
}

/** Statuses of nodes that need nothing more. */
const ENDED_WELL: ReadonlySet<string> = new Set(["SUCCESSFUL", "SKIPPED"]);

/** The calls that the run's status allows (R37). */
function verbs(snapshot: RunSnapshot): string[] {
  const failed = snapshot.nodes.find((node) => node.status === "FAILED" && !node.tolerated);
  const quoted = failed ? JSON.stringify(failed.id) : undefined;
  const back = startedBarriers(snapshot).length > 0 ? `run.rollback({ to: "barrier" })` : "run.rollback()";
  switch (snapshot.status) {
    case "FAILED":
      return [...(quoted ? [`run.retry({ node: ${quoted} })`, `run.skip(${quoted})`] : []), back, "run.abandon()"];
    case "CANCELED":
      return ["run.retry()", back, "run.abandon()"];
    case "PAUSED":
      return ["run.resume()", "run.abandon()"];
    case "PARTIALLY_ROLLED_BACK":
      return ["run.retry()", "run.abandon()"];
    case "ROLLBACK_FAILED": {
      const stuck = snapshot.nodes.find((node) => node.status === "COMPENSATION_FAILED");
      return ["run.rollback()", ...(stuck ? [`run.skipRollback(${JSON.stringify(stuck.id)})`] : []), "run.abandon()"];
    }
    default:
      return [];
  }
}

function leftToUndo(snapshot: RunSnapshot): string {
  return undoable(snapshot)
    .map((node) => `${node.id} (${firstLine(node.compensation?.action ?? "")})`)
    .join(", ");
}

function list(nodes: readonly NodeSnapshot[], text: (node: NodeSnapshot) => string, paint: (text: string) => string) {
  const lines = nodes.slice(0, LISTED).map((node) => `  ${paint("✗")} ${text(node)}`);
  if (nodes.length > LISTED) lines.push(`  … and ${nodes.length - LISTED} more`);
  return lines;
}
