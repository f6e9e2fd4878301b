/**
 * The log of a subtask as OCP shows it: for each attempt a line `############{OPERATION}{TIME}############`, then what was said,
 * by time. Owns: which lines belong to which attempt, what the log says beside what actions say. Text is put together as text: no
 * letter is ever torn.
 */
import { attemptHistory } from "@belay/engine";
import type { LogLine } from "@belay/engine/journal";
import type { Host } from "../host/host.ts";
import type { Envelopes } from "./envelope.ts";
import type { ShownSubtask } from "./task-views.ts";
import type { Task } from "./tasks.ts";

/** The part of a log that one attempt of the subtask made, or its undoing after that attempt. */
export interface LogSection {
  /** Number of the attempt, from 1. */
  readonly runTime: number;
  readonly text: string;
}

type Attempt = Awaited<ReturnType<typeof attemptHistory>>[number];

const FENCE = "############";

/** Everything of a log that is asked for once, however many subtasks follow. */
export interface TaskLog {
  readonly attempts: readonly Attempt[];
  readonly lines: readonly LogLine[];
}

/** Reads the logs of all subtasks of a task. */
export async function readTaskLog(host: Host, { run }: Task): Promise<TaskLog> {
  return { attempts: await attemptHistory(host.journal, run.id), lines: await host.journal.logs(run.id) };
}

/** The sections of one subtask, the oldest first; empty while it has not started. */
export function logSections(log: TaskLog, { node }: ShownSubtask, envelopes: Envelopes): readonly LogSection[] {
  const attempts = log.attempts.filter(({ nodeId }) => nodeId === node.id);
  const lines = log.lines.filter(({ nodeId }) => nodeId === node.id);
  const sections: LogSection[] = [];
  let runTime = 1;
  for (const attempt of attempts) {
    if (!attempt.compensation) runTime = attempt.attempt;
    const said = lines.filter((line) => isOf(line, attempt, attempts));
    sections.push({ runTime, text: sectionOf(attempt, said, envelopes) });
  }
  if (node.operation === "SKIP" && node.finishTime !== null) {
    sections.push({ runTime, text: separator("SKIP", Date.parse(node.finishTime), envelopes) });
  }
  return sections;
}

/** The whole log of one subtask. */
export function logText(sections: readonly LogSection[]): string {
  return sections.map(({ text }) => text).join("");
}

/**
 * What follows the first `offset` bytes of the text in UTF-8, from the next whole character on, and the offset from which to go
 * on.
 */
export function logFrom(text: string, offset: number): { readonly log: string; readonly nextOffset: number } {
  const bytes = Buffer.from(text, "utf8");
  let from = Math.min(offset, bytes.length);
  while (from < bytes.length && ((bytes[from] as number) & 0xc0) === 0x80) from += 1;
  return { log: bytes.subarray(from).toString("utf8"), nextOffset: bytes.length };
}

/** Undone twice, its compensation may have counted from 1 twice: then the line is of the last one that had begun. */
function isOf(line: LogLine, attempt: Attempt, all: readonly Attempt[]): boolean {
  const same = all.filter((one) => one.attempt === line.attempt && one.compensation === (line.compensation === true));
  return (same.findLast(({ startedAt }) => startedAt <= line.at) ?? same[0]) === attempt;
}

function sectionOf(attempt: Attempt, lines: readonly LogLine[], envelopes: Envelopes): string {
  const { startedAt, endedAt, failure } = attempt;
  const operation = attempt.compensation ? "ROLLBACK" : attempt.attempt === 1 ? "EXECUTE" : "RETRY";
  const said = lines.map(({ at, message, details }) => {
    const more = details === undefined ? "" : ` ${JSON.stringify(details)}`;
    return `${envelopes.time(at)}  INFO ${message}${more}\n`;
  });
  const end = endedAt === null ? [] : [endLine(endedAt, failure, envelopes)];
  return [separator(operation, startedAt, envelopes), ...said, ...end].join("");
}

function endLine(at: number, failure: Attempt["failure"], envelopes: Envelopes): string {
  if (failure === null) return `${envelopes.time(at)}  INFO done\n`;
  return `${envelopes.time(at)} ERROR ${failure.code}: ${failure.message}\n`;
}

function separator(operation: string, at: number, envelopes: Envelopes): string {
  return `${FENCE}{${operation}}{${envelopes.time(at)}}${FENCE}\n`;
}
