/**
 * Checks of how attempts end: with the outcome that is true (R26, R27), within their deadlines (R2), and, of nodes that
 * wait, for the reason they waited for (R37). Times are those of the entries, epoch milliseconds.
 */
import type { Report } from "./plan-model.ts";
import type { RunStory } from "./run-story.ts";
import { type UnitStory, unitId } from "./unit-story.ts";

/** An attempt succeeded: in time, and for the reason it waited for. */
export function checkSuccess(story: RunStory, unit: UnitStory, report: Report): void {
  if (isSeen(unit) && unit.okAttempt !== unit.announced)
    report("R25", `${unitId(unit)} succeeded, but its attempt ${unit.announced} had not answered with success`);
  checkInTime(story, unit, report);
  checkAwaited(story, unit, report);
}

/** A compensation succeeded. */
export function checkUndone(unit: UnitStory, report: Report): void {
  if (unit.okUndo !== unit.lastUndo)
    report(
      "R25",
      `${unitId(unit)} was undone, but attempt ${unit.lastUndo} of its compensation had not answered with success`,
    );
}

/** An attempt failed, for good or with another to follow. */
export function checkFailure(unit: UnitStory, type: string, outcome: string | undefined, report: Report): void {
  checkOutcome(unit, outcome, report);
  if (isSeen(unit) && unit.status === "running" && !unit.aborted && unit.open.includes(unit.announced))
    report("R25", `attempt ${unit.announced} of ${unitId(unit)} failed, but had not answered`);
  if (type === "node:retrying" && unit.lost && !unit.aborted)
    report("R42", `nobody knows what came of attempt ${unit.announced} of ${unitId(unit)}, and it tries again`);
  if (type === "node:retrying" && unit.rejected && !unit.aborted)
    report("R37", `${unitId(unit)} was rejected, and tries again`);
}

/** What is built in ends in other ways, or is not seen. */
function isSeen({ home }: UnitStory): boolean {
  return !home.model.document.action.startsWith("belay.");
}

/** R26: stopped or out of time is never "failed": it may have taken effect. */
function checkOutcome(unit: UnitStory, outcome: string | undefined, report: Report): void {
  if (unit.status !== "running" || outcome === undefined) return;
  const right = unit.aborted || unit.lost ? "unknown" : "failed";
  if (outcome !== right)
    report(
      unit.aborted ? "R26" : "R27",
      `attempt ${unit.lastAttempt} of ${unitId(unit)} ended ${outcome}, not ${right}`,
    );
}

/** An attempt is stopped: no deadline passes before its time. */
export function checkStopped({ now }: RunStory, unit: UnitStory, reason: string | undefined, report: Report): void {
  const { timeoutMs, totalTimeoutMs, heartbeatMs } = unit.home.model;
  const stopped = (after: number): string => `${unitId(unit)} was stopped with ${reason} after ${after} ms`;
  const ran = now - unit.startedAt;
  if (reason === "TIMEOUT" && (timeoutMs === 0 || ran < timeoutMs)) report("R26", stopped(ran));
  if (reason === "HEARTBEAT_TIMEOUT" && (heartbeatMs === 0 || ran < heartbeatMs)) report("R2", stopped(ran));
  const total = now - unit.roundStartedAt;
  if (reason === "TOTAL_TIMEOUT" && (totalTimeoutMs === 0 || total < totalTimeoutMs)) report("R2", stopped(total));
}

/** No attempt succeeds once its time is over. */
function checkInTime({ now }: RunStory, unit: UnitStory, report: Report): void {
  const { timeoutMs, totalTimeoutMs } = unit.home.model;
  const late = (after: number, limit: number): string =>
    `${unitId(unit)} succeeded after ${after} ms, and had ${limit} ms`;
  const ran = now - unit.startedAt;
  if (timeoutMs > 0 && ran > timeoutMs) report("R26", late(ran, timeoutMs));
  const total = now - unit.roundStartedAt;
  if (totalTimeoutMs > 0 && total > totalTimeoutMs) report("R2", late(total, totalTimeoutMs));
  if (unit.aborted) report("R26", `${unitId(unit)} was stopped, and succeeded all the same`);
}

/** What the node waited for has come. */
function checkAwaited(story: RunStory, unit: UnitStory, report: Report): void {
  const { model } = unit.home;
  const ran = story.now - unit.startedAt;
  if (ran < model.waitMs) report("R2", `${unitId(unit)} was to wait ${model.waitMs} ms and waited ${ran} ms`);
  if (unit.approvals < model.approvals)
    report("R37", `${unitId(unit)} went on with ${unit.approvals} approvals of ${model.approvals}`);
  if (story.verbsTold && model.document.action === "belay.signal" && !unit.signaled)
    report("R37", `${unitId(unit)} went on without a signal`);
}
