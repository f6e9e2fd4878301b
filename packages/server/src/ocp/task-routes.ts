/** The task API: the list, one task, its subtasks, and what may be asked of both. */
import { diagnosisOf } from "./diagnosis.ts";
import type { Envelopes } from "./envelope.ts";
import { OcpFault } from "./errors.ts";
import { checkManager } from "./refused.ts";
import { Attachment, type Call, type Route } from "./routes.ts";
import { logFrom, logSections, logText, readTaskLog } from "./subtask-log.ts";
import { listTasks } from "./task-list.ts";
import { readTaskQuery } from "./task-query.ts";
import { askSubtask, askTask, type SubtaskVerb, type TaskVerb } from "./task-verbs.ts";
import { subtaskOf, type WrappedSubtask, type WrappedTask, wrappedTask } from "./task-views.ts";
import type { Task, Tasks } from "./tasks.ts";

const VERSIONS = ["v1", "v2"] as const;
const LIST = "/tasks/instances";
const TASK = `${LIST}/:id`;
const SUBTASK = `${TASK}/subtasks/:sid`;

/** All of them, for both versions of the API. */
export function taskRoutes(tasks: Tasks, envelopes: Envelopes): readonly Route[] {
  const wrapped = async (task: Task): Promise<WrappedTask> => wrappedTask(task, envelopes, await tasks.clusters());
  const after = async (call: Call, verb: TaskVerb): Promise<Task> => {
    const task = await tasks.find(call.param("id"));
    return await tasks.taskOf(await askTask(task, verb, { host: tasks.host, envelopes, asker: call.asker }));
  };
  const afterSubtask = async (call: Call, verb: SubtaskVerb): Promise<WrappedSubtask | undefined> => {
    const task = await tasks.find(call.param("id"));
    const subtask = subtaskOf(task, call.param("sid"), envelopes);
    const run = await askSubtask(task, verb, subtask, { host: tasks.host, envelopes, asker: call.asker });
    return (await wrapped(await tasks.taskOf(run))).subtasks.find(({ id }) => id === subtask.id);
  };
  const get = (path: string, answer: Route["answer"]): Route => ({ method: "GET", path, versions: VERSIONS, answer });
  const post = (path: string, answer: Route["answer"]): Route => ({ method: "POST", path, versions: VERSIONS, answer });
  return [
    get(LIST, async ({ query }) => await listTasks(tasks, readTaskQuery(query), envelopes)),
    get(TASK, async (call) => await wrapped(await tasks.find(call.param("id")))),
    post(`${TASK}/retry`, async (call) => await wrapped(await after(call, "retry"))),
    post(`${TASK}/rollback`, async (call) => void (await after(call, "rollback"))),
    { ...post(`${TASK}/downloadDiagnosis`, (call) => download(call, tasks, envelopes)), reads: true },
    get(`${SUBTASK}/log`, (call) => logOf(call, tasks, envelopes)),
    post(`${SUBTASK}/retry`, (call) => afterSubtask(call, "retry")),
    post(`${SUBTASK}/skip`, async (call) => void (await afterSubtask(call, "skip"))),
    post(`${SUBTASK}/cancel`, async (call) => void (await afterSubtask(call, "cancel"))),
  ];
}

async function download(call: Call, tasks: Tasks, envelopes: Envelopes): Promise<Attachment> {
  const task = await tasks.find(call.param("id"));
  checkManager(tasks.host, call.asker, { action: "downloadDiagnosis", plan: task.run.planName, runId: task.run.id });
  const content = await diagnosisOf(task, tasks, envelopes);
  return new Attachment(`task_${task.number}.zip`, "application/zip", content);
}

async function logOf(call: Call, tasks: Tasks, envelopes: Envelopes): Promise<object> {
  const task = await tasks.find(call.param("id"));
  const subtask = subtaskOf(task, call.param("sid"), envelopes);
  const text = logText(logSections(await readTaskLog(tasks.host, task), subtask, envelopes));
  const { offset } = Object(call.query) as { readonly offset?: unknown };
  if (offset === undefined) return { log: text };
  if (typeof offset !== "string" || !/^\d{1,15}$/.test(offset)) {
    throw new OcpFault("ILLEGAL_ARGUMENT", "offset is a whole number of bytes, 0 at the beginning of the log");
  }
  return logFrom(text, Number(offset));
}
