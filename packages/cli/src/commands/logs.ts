/**
 * `belay logs RUN`: what its actions logged, its audit trail, and what was asked of it and not done, in the order of time. Owns
 * nothing of the run.
 */
import { type AuditEntry, auditTrail } from "@belay/engine";
import type { LogLine } from "@belay/engine/journal";
import type { Context } from "../context.ts";
import { type AskedRequest, readDatabase } from "../database/database-file.ts";
import { whichRun } from "../database/run-ref.ts";
import { ExitCode } from "../exit-code.ts";
import type { Colors } from "../output.ts";
import { auditText } from "../render/audit-text.ts";
import { requestText, type UndoneRequest, undoneRequest } from "../render/request-text.ts";
import { oneLine } from "../render/text.ts";
import type { ShowOptions } from "./show.ts";

/** FAILED when they could not be written. */
export async function logsCommand(
  word: string | undefined,
  options: ShowOptions,
  { terminal: { out } }: Context,
): Promise<ExitCode> {
  const reader = await readDatabase(options.db);
  try {
    const all = await reader.list();
    const { run } = whichRun(all, { ...options, words: word === undefined ? [] : [word] });
    const entries: readonly Entry[] = [
      ...(await reader.logs(run.runId)).map(({ at, ...line }): Entry => ({ type: "log", at: iso(at), ...line })),
      ...(await auditTrail(reader, run.runId)).map((one): Entry => ({ type: "audit", runId: run.runId, ...one })),
      ...reader.requests(run.runId).flatMap(requestEntry),
    ];
    for (const entry of entries.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))) {
      out.line(options.json ? JSON.stringify(entry) : asText(entry, out.colors));
    }
    await out.flush();
    return out.fault === undefined ? ExitCode.OK : ExitCode.FAILED;
  } finally {
    reader.close();
  }
}

type Entry =
  | ({ readonly type: "log"; readonly at: string } & Omit<LogLine, "at">)
  | ({ readonly type: "audit"; readonly runId: string } & AuditEntry)
  | ({ readonly type: "request"; readonly runId: string; readonly at: string } & UndoneRequest);

function requestEntry(asked: AskedRequest): readonly Entry[] {
  const undone = undoneRequest(asked);
  const { runId, at } = asked.request;
  return undone === undefined ? [] : [{ type: "request", runId, at: iso(at), ...undone }];
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

function asText(entry: Entry, colors: Colors): string {
  const at = colors.dim(entry.at);
  if (entry.type === "audit") return `${at} ${colors.yellow(`> ${auditText(entry)}`)}`;
  if (entry.type === "request") return `${at} ${colors.yellow(`> ${requestText(entry)}`)}`;
  const attempt = entry.attempt > 1 ? ` (attempt ${entry.attempt})` : "";
  const details = entry.details === undefined ? "" : ` ${JSON.stringify(entry.details)}`;
  return `${at} ${entry.nodeId}${attempt} | ${oneLine(`${entry.message}${details}`)}`;
}
