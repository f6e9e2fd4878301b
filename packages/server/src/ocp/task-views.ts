/**
 * A task in the shapes that OCP's API has: `TaskInstance` where one is started, `WrappedTaskInstance` where one is asked for, and
 * the short one of lists. Owns: which fields each has. Does not own: what the fields say (`toOcpTask` of the engine).
 */
import type { NodeSnapshot } from "@belay/engine";
import { type OcpSubtask, type OcpTask, toOcpTask } from "@belay/engine/views";
import type { OcpCluster } from "../site.ts";
import type { Envelopes } from "./envelope.ts";
import { OcpFault } from "./errors.ts";
import { publishedOrder } from "./published-order.ts";
import { runIdOf } from "./task-ids.ts";
import type { Task } from "./tasks.ts";

/** A subtask of an answer to GET. */
export type WrappedSubtask = OcpSubtask & {
  /** That of its task. */
  readonly createTime: string;
};

/** `WrappedTaskInstance`. */
export type WrappedTask = Omit<OcpTask, "clusterId" | "creator" | "subtasks"> & {
  /** As it is now; only the id of one that the server does not know any more; absent when the task is not about a cluster. */
  readonly cluster?: OcpCluster | Pick<OcpCluster, "id">;
  readonly createTime: string;
  readonly creator: { readonly name: string };
  readonly subtasks: readonly WrappedSubtask[];
};

/** An element of a list. */
export type BasicTask = Pick<
  WrappedTask,
  "cluster" | "creator" | "finishTime" | "id" | "name" | "startTime" | "status"
> & {
  readonly subtasks: readonly Pick<OcpSubtask, "description" | "id" | "name" | "operation" | "status">[];
};

/** A subtask and what it is natively. */
export interface ShownSubtask {
  readonly id: number;
  readonly node: NodeSnapshot;
  readonly view: OcpSubtask;
}

/** `TaskInstance`. */
export function taskInstance(task: Task, envelopes: Envelopes): OcpTask {
  const view = viewOf(task, envelopes);
  const places = new Map(task.run.nodes.map(({ id }, place) => [id, place]));
  const order = publishedOrder(task.run.planName, [...places.keys()]);
  return { ...view, subtasks: order.map((id) => view.subtasks[places.get(id) as number] as OcpSubtask) };
}

/** The subtasks, in the order of the plan. */
export function shownSubtasks(task: Task, envelopes: Envelopes): readonly ShownSubtask[] {
  const { subtasks } = viewOf(task, envelopes);
  return task.run.nodes.map((node, place) => {
    const view = subtasks[place] as OcpSubtask;
    return { id: view.id, node, view };
  });
}

/** The subtask of a number in a path. Throws OcpFault, NOT_FOUND, also for a subtask of another task. */
export function subtaskOf(task: Task, digits: string, envelopes: Envelopes): ShownSubtask {
  const found = shownSubtasks(task, envelopes).find(({ id }) => String(id) === runIdOf(digits));
  if (found === undefined) throw new OcpFault("NOT_FOUND", `Task ${task.number} has no subtask ${digits}.`);
  return found;
}

/** `WrappedTaskInstance`, with its keys in OCP's alphabetical order. */
export function wrappedTask(task: Task, envelopes: Envelopes, clusters: ReadonlyMap<number, OcpCluster>): WrappedTask {
  const { clusterId, creator, executor, finishTime, subtasks, ...rest } = taskInstance(task, envelopes);
  const createTime = rest.startTime;
  return {
    ...(clusterId === undefined ? {} : { cluster: clusters.get(clusterId) ?? { id: clusterId } }),
    createTime,
    creator: { name: creator },
    executor,
    ...(finishTime === undefined ? {} : { finishTime }),
    ...rest,
    subtasks: subtasks.map((subtask) => ({ createTime, ...subtask })),
  };
}

/** An element of a list. */
export function basicTask(task: Task, envelopes: Envelopes, clusters: ReadonlyMap<number, OcpCluster>): BasicTask {
  const { cluster, creator, finishTime, id, name, startTime, status, subtasks } = wrappedTask(
    task,
    envelopes,
    clusters,
  );
  return {
    ...(cluster === undefined ? {} : { cluster }),
    creator,
    ...(finishTime === undefined ? {} : { finishTime }),
    ...{ id, name, startTime, status },
    subtasks: subtasks.map(({ description, id, name, operation, status }) => ({
      ...{ description, id, name, operation, status },
    })),
  };
}

function viewOf({ number, run, facts, subtaskIds }: Task, envelopes: Envelopes): OcpTask {
  return toOcpTask(run, {
    id: number,
    subtaskIds,
    executor: envelopes.address,
    utcOffsetMinutes: envelopes.offsetAt(Date.parse(run.startTime)),
    ...(facts.clusterId === null ? {} : { clusterId: facts.clusterId }),
  });
}
