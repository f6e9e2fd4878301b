/**
 * What a published OCP task says of itself beyond its plan: numbers, creator, times' offset. Owns: reading them, so
 * that the view of a run of the imported plan carries them again. Lenient: what cannot be read is left out.
 */
import type { Diagnostic } from "../plan/diagnostic.ts";
import { findOcpTask, type OcpFields, readOcpTask } from "../plan/ocp-document.ts";
import { foldGroups } from "../plan/ocp-groups.ts";
import type { OcpTaskOptions } from "./ocp-task.ts";

/** Options for `toOcpTask` that give the view of a run the identity of the task its plan was imported from. */
export function ocpIdentity(task: unknown): OcpTaskOptions {
  const fields = findOcpTask(task)?.task ?? {};
  const creator = fields["creator"];
  const name = typeof creator === "object" && creator !== null ? (creator as OcpFields)["name"] : creator;
  const type = fields["type"];
  return {
    ...numeric("id", fields["id"]),
    ...numeric("clusterId", fields["clusterId"]),
    ...numeric("taskDefinitionId", fields["taskDefinitionId"]),
    ...(typeof name === "string" ? { creator: name } : {}),
    ...(typeof fields["executor"] === "string" ? { executor: fields["executor"] } : {}),
    ...(type === "MANUAL" || type === "SCHEDULED" || type === "SYS_SCHEDULED" ? { type } : {}),
    ...offsetOf(fields["startTime"]),
    subtaskIds: subtaskIdsOf(task),
  };
}

/** By the ids that the imported plan's nodes and members have. */
function subtaskIdsOf(task: unknown): Record<string, number> {
  const diagnostics: Diagnostic[] = [];
  const nodes = foldGroups(readOcpTask(task, diagnostics)?.subtasks ?? [], diagnostics);
  const ids = nodes.flatMap((node) =>
    node.members.map((member, index): [string, number] => [
      node.method === undefined ? node.id : `${node.id}[${index}]`,
      Number(member.id),
    ]),
  );
  return Object.fromEntries(ids.filter(([, id]) => Number.isSafeInteger(id)));
}

function numeric<K extends string>(key: K, value: unknown): { readonly [P in K]?: number } {
  return typeof value === "number" && Number.isSafeInteger(value) ? ({ [key]: value } as { [P in K]: number }) : {};
}

/** "...+08:00" -> 480 */
function offsetOf(time: unknown): { utcOffsetMinutes?: number } {
  const match = typeof time === "string" ? /([+-])(\d{2}):(\d{2})$/.exec(time) : null;
  if (match === null) return {};
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return { utcOffsetMinutes: match[1] === "-" ? -minutes : minutes };
}
