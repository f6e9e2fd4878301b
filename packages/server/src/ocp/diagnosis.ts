/**
 * What somebody who looks into a failed task wants to have: an archive of what it is, what was asked of it, and the log of each
 * attempt.
 */
import { auditTrail } from "@belay/engine";
import type { Host } from "../host/host.ts";
import type { Envelopes } from "./envelope.ts";
import { logSections, logText, readTaskLog } from "./subtask-log.ts";
import { shownSubtasks, wrappedTask } from "./task-views.ts";
import type { Task, Tasks } from "./tasks.ts";
import { type ZipEntry, zipOf } from "./zip.ts";

/** `task_info.txt`, and `subtask_{id}_{runTime}.log` for each attempt of each subtask that has started. */
export async function diagnosisOf(task: Task, tasks: Tasks, envelopes: Envelopes): Promise<Buffer> {
  const { host } = tasks;
  const log = await readTaskLog(host, task);
  const entries: ZipEntry[] = [{ name: "task_info.txt", content: await infoOf(task, tasks, envelopes) }];
  for (const shown of shownSubtasks(task, envelopes)) {
    const sections = logSections(log, shown, envelopes);
    for (const runTime of new Set(sections.map((section) => section.runTime))) {
      const content = logText(sections.filter((section) => section.runTime === runTime));
      entries.push({ name: `subtask_${shown.id}_${runTime}.log`, content });
    }
  }
  return zipOf(entries, host.clock.now());
}

async function infoOf(task: Task, tasks: Tasks, envelopes: Envelopes): Promise<string> {
  const { run } = task;
  const failures = run.nodes.flatMap(({ id, error }) => (error === null ? [] : [{ node: id, ...error }]));
  const info = {
    task: wrappedTask(task, envelopes, await tasks.clusters()),
    plan: { name: run.planName, hash: run.planHash, status: run.status },
    failures,
    asked: await auditOf(tasks.host, run.id),
  };
  return `${JSON.stringify(info, null, 2)}\n`;
}

async function auditOf(host: Host, runId: string): Promise<readonly object[]> {
  return await auditTrail(host.journal, runId);
}
