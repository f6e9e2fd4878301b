/**
 * Imports a task of OCP (the failover answer of `POST /api/v2/ob/clusters/{id}/failover`, or any other) as a plan.
 * Owns: the mapping of OCP's fields. Does not own: the shapes of OCP's answers (`ocp-document.ts`), groups
 * (`ocp-groups.ts`), the checks every plan passes (`parse.ts`).
 *
 * Ids become strings and edges alone order (R10); seriesId is kept as a label (R13). A group of n siblings becomes one
 * node with `split` over 0..n-1, whose id and seriesId are those of member 0 and the lowest of the members.
 */
import { BelayError } from "../errors.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { CompensationDocument, NodeDocument, Plan, PlanDocument } from "./document.ts";
import type { Limits } from "./limits.ts";
import { type OcpDocument, readOcpTask, type SourceSubtask } from "./ocp-document.ts";
import { foldGroups, type OcpNode } from "./ocp-groups.ts";
import { definePlan, formatDiagnostic } from "./parse.ts";

export type { SourceSubtask };

/** What OCP's answers do not say, and how the plan is named. */
/** What OCP's answers do not say, and how the plan is to be named. */
export interface ImportOcpOptions {
  /** Name of the plan; default: a slug of the task's name ("Failover OB cluster" -> "failover-ob-cluster"). */
  readonly name?: string;
  /** Name of the action that carries a subtask out; default `ocp.` and a slug of its name. For a group: member 0. */
  readonly action?: (subtask: SourceSubtask) => string;
  /** What undoes a subtask; default: nothing does. OCP's answers do not say. */
  readonly compensation?: (subtask: SourceSubtask) => CompensationDocument | undefined;
  /** `compensate-first` is OCP's meaning of retry; set on the nodes that have a compensation. Default `rerun`. */
  readonly retryMode?: "rerun" | "compensate-first";
  /** Limits of the plan to raise or lower (R4). */
  readonly limits?: Partial<Limits>;
}

const SHOWN_DIAGNOSTICS = 10;

/**
 * A checked plan from an OCP task: an envelope, a task, a batch page with one task, or the older form with `tasks`.
 * Throws BelayError PLAN_INVALID; `details.diagnostics` lists everything that is wrong, with its place in the document.
 */
export function importOcpTask(task: unknown, options: ImportOcpOptions = {}): Plan {
  const diagnostics: Diagnostic[] = [];
  const document = readOcpTask(task, diagnostics);
  const nodes = document === undefined ? [] : foldGroups(document.subtasks, diagnostics);
  if (document === undefined || diagnostics.length > 0) {
    const lines = diagnostics.slice(0, SHOWN_DIAGNOSTICS).map((diagnostic) => formatDiagnostic(diagnostic));
    throw new BelayError("PLAN_INVALID", `the OCP task is no plan:\n${lines.join("\n")}`, { diagnostics });
  }
  return definePlan(
    toPlanDocument(document, nodes, options),
    options.limits === undefined ? {} : { limits: options.limits },
  );
}

function toPlanDocument(document: OcpDocument, nodes: readonly OcpNode[], options: ImportOcpOptions): PlanDocument {
  return {
    belay: 1,
    name: options.name ?? slug(document.name) ?? `ocp-task-${document.id ?? "unnamed"}`,
    title: document.name,
    ...(document.prohibitRollback ? { prohibitRollback: true } : {}),
    nodes: nodes.map((node) => toNodeDocument(node, options)),
  };
}

function toNodeDocument(node: OcpNode, options: ImportOcpOptions): NodeDocument {
  const { members, method } = node;
  const first = members[0] as SourceSubtask;
  const labels = members.map((member) => member.seriesId).filter((label) => label !== undefined);
  const compensation = options.compensation?.(first);
  return {
    id: node.id,
    name: first.name,
    ...(first.description === undefined ? {} : { description: first.description }),
    ...(first.nodeType === undefined ? {} : { nodeType: first.nodeType }),
    action: options.action?.(first) ?? `ocp.${slug(first.name) ?? `subtask-${first.id}`}`,
    upstreams: node.upstreams,
    ...(first.timeout === undefined ? {} : { timeout: first.timeout }),
    ...(compensation === undefined ? {} : { compensation }),
    ...(compensation !== undefined && options.retryMode === "compensate-first"
      ? { retry: { mode: "compensate-first" } as const }
      : {}),
    ...(first.prohibitRollback ? { prohibitRollback: true } : {}),
    ...(labels.length === 0 ? {} : { seriesId: labels.reduce((a, b) => Math.min(a, b)) }),
    ...(method === undefined
      ? { parallelIdx: first.parallelIdx }
      : { split: { over: `[${members.map((_, index) => index).join(", ")}]`, method } }),
  };
}

/** Lower-case words joined by hyphens; undefined when nothing of the name is left (a name in another script). */
function slug(name: string): string | undefined {
  const words = name.toLowerCase().match(/[a-z0-9]+/g);
  return words?.join("-").slice(0, 60).replace(/-$/, "");
}
