/**
 * What OCP lets a client ask of a task and of its subtasks, and when. Owns: in which states OCP allows each, and the words of a
 * refusal: OCP's states, names of subtasks. The run itself judges last; what it refuses is told in the same words.
 */
import { BelayError, type NodeSnapshot, type RunSnapshot, type VerbRequest } from "@belay/engine";
import type { OcpSubtask } from "@belay/engine/views";
import type { Asker, Host } from "../host/host.ts";
import type { Envelopes } from "./envelope.ts";
import { OcpFault } from "./errors.ts";
import { checkManager, writeRefusal } from "./refused.ts";
import { type ShownSubtask, taskInstance } from "./task-views.ts";
import type { Task } from "./tasks.ts";

/** A verb of a task. */
export type TaskVerb = "retry" | "rollback";
/** A verb of a subtask. */
export type SubtaskVerb = "retry" | "skip" | "cancel";

/** When OCP allows a verb of a subtask: its state, and whether its operation may be ROLLBACK. */
const ALLOWED: Readonly<Record<SubtaskVerb, { readonly status: OcpSubtask["status"]; readonly inRollback: boolean }>> =
  {
    retry: { status: "FAILED", inRollback: false },
    skip: { status: "FAILED", inRollback: true },
    cancel: { status: "RUNNING", inRollback: false },
  };

/** What verbs are carried out with. */
export interface VerbTools {
  readonly host: Host;
  readonly envelopes: Envelopes;
  readonly asker: Asker;
}

/**
 * Asks a verb of the whole task. Throws OcpFault: TASK_STATE_INVALID, TASK_PROHIBIT_ROLLBACK; BelayError, FORBIDDEN and as the
 * host does.
 */
export async function askTask(task: Task, verb: TaskVerb, tools: VerbTools): Promise<RunSnapshot> {
  return await asked({ verb }, task, tools);
}

/** Asks a verb of one subtask; refusals as of `askTask`. */
export async function askSubtask(
  task: Task,
  verb: SubtaskVerb,
  { node, view }: ShownSubtask,
  tools: VerbTools,
): Promise<RunSnapshot> {
  const { status, inRollback } = ALLOWED[verb];
  const about = { action: verb, plan: task.run.planName, runId: task.run.id, node: node.id };
  checkManager(tools.host, tools.asker, about);
  if (view.status !== status || (!inRollback && view.operation === "ROLLBACK")) {
    writeRefusal(tools.host, tools.asker, about, "STATE_INVALID");
    const only = `only while it is ${status}${inRollback ? "" : ", and not in a rollback"}`;
    throw new OcpFault(
      "TASK_STATE_INVALID",
      `Subtask ${view.id} (${view.name}) is ${view.status}/${view.operation}: ${verb} is possible ${only}.`,
    );
  }
  return await asked(requestOf(verb, node, task.run), task, tools);
}

function requestOf(verb: SubtaskVerb, { id, status }: NodeSnapshot, run: RunSnapshot): VerbRequest {
  // In a rollback that has failed, to pass the subtask is to pass its undoing.
  if (verb === "skip" && status === "COMPENSATION_FAILED" && run.status === "ROLLBACK_FAILED") {
    return { verb: "skipRollback", node: id };
  }
  return { verb, node: id };
}

async function asked(request: VerbRequest, task: Task, { host, envelopes, asker }: VerbTools): Promise<RunSnapshot> {
  try {
    return await host.verb(task.run.id, request, asker);
  } catch (error) {
    if (!(error instanceof BelayError)) throw error;
    if (error.code === "ROLLBACK_PROHIBITED") throw prohibited(task, error);
    if (error.code !== "STATE_INVALID") throw error;
    const { status, operation } = taskInstance(task, envelopes);
    const verb = request.verb === "skipRollback" ? "skip" : request.verb;
    throw new OcpFault("TASK_STATE_INVALID", `Task ${task.number} is ${status}/${operation}: ${verb} is not possible.`);
  }
}

/** With what prohibits it filled in, which OCP's own message leaves out. */
function prohibited({ number, run }: Task, { details }: BelayError): OcpFault {
  const ids = Array.isArray(details["nodes"]) ? (details["nodes"] as readonly unknown[]) : [];
  const names = run.nodes.filter(({ id }) => ids.includes(id)).map(({ name }) => `"${name}"`);
  const why =
    names.length === 0
      ? "its plan prohibits it"
      : `${names.join(", ")} ${names.length === 1 ? "prohibits" : "prohibit"} it once started`;
  return new OcpFault("TASK_PROHIBIT_ROLLBACK", `Task ${number} cannot be rolled back: ${why}.`);
}
