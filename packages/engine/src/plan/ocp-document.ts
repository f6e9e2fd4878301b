/**
 * Reading of OCP's task answers, as published: the envelope around a task, the task itself, a batch page with one task,
 * and the older form with `tasks`. Owns: which shapes are accepted and how both sides of an edge are reconciled.
 * Does not own: groups (`ocp-groups.ts`) or the plan (`import-ocp.ts`). Nothing here throws; what is wrong is a diagnostic.
 *
 * OCP's status, operation, runTime, executor and times belong to one execution, not to a plan, and are not read.
 */
import type { Diagnostic, DiagnosticCode } from "./diagnostic.ts";

/** One subtask with its edges reconciled; all ids are strings. */
export interface SourceSubtask {
  /** OCP `subtasks[].id`, decimal. */
  readonly id: string;
  readonly name: string;
  readonly description: string | undefined;
  /** OCP `subtasks[].nodeType`; absent in the older form. */
  readonly nodeType: string | undefined;
  /** A label, never an order (R13); absent in the older form. */
  readonly seriesId: number | undefined;
  /** -1 = not split, else the place in the split list (R20). */
  readonly parallelIdx: number;
  /** Seconds, 0 = none; absent in the older form. */
  readonly timeout: number | undefined;
  /** Missing = false. */
  readonly prohibitRollback: boolean;
  readonly upstreams: readonly string[];
  readonly downstreams: readonly string[];
  /** Place in the given document: `data.subtasks[3]`. */
  readonly path: string;
}

export interface OcpDocument {
  /** OCP task id, decimal; undefined when the document has none. */
  readonly id: string | undefined;
  readonly name: string;
  /** The whole task prohibits rollback by itself, not because of a subtask that has begun. */
  readonly prohibitRollback: boolean;
  readonly subtasks: readonly SourceSubtask[];
}

/** A subtask as it was read, before its edges are reconciled; a side that is missing is undefined. */
interface Draft extends Omit<SourceSubtask, "upstreams" | "downstreams"> {
  readonly upstreams: readonly string[] | undefined;
  readonly downstreams: readonly string[] | undefined;
  /** Its status says that it has begun. */
  readonly begun: boolean;
}

/** A JSON object of OCP's. */
export type OcpFields = Readonly<Record<string, unknown>>;

/** Collects diagnostics; every one of them is an error. */
export type Report = (code: DiagnosticCode, path: string, message: string, suggestion?: string) => void;

/** Reads a task out of any of the accepted shapes. Adds to `diagnostics`; undefined when there is no task to read. */
export function readOcpTask(value: unknown, diagnostics: Diagnostic[]): OcpDocument | undefined {
  const report: Report = (code, path, message, suggestion) => {
    diagnostics.push({ code, severity: "error", path, message, ...(suggestion === undefined ? {} : { suggestion }) });
  };
  const place = findOcpTask(value, report);
  if (place === undefined) return undefined;
  const { task, path } = place;
  const key = Array.isArray(task["subtasks"]) ? "subtasks" : "tasks";
  const list = task[key];
  if (!Array.isArray(list) || list.length === 0) {
    report("MISSING_FIELD", join(path, "subtasks"), "The task has no list of subtasks.");
    return undefined;
  }
  const drafts = list.map((item, index) => readSubtask(item, `${join(path, key)}[${index}]`, report));
  const whole = drafts.filter((draft) => draft !== undefined);
  const name = readText(task, "name", path, report);
  if (name === undefined) report("MISSING_FIELD", join(path, "name"), "The task has no name.");
  if (whole.length !== drafts.length || name === undefined) return undefined;
  return {
    id: task["id"] === undefined ? undefined : readId(task["id"], join(path, "id"), report),
    name,
    prohibitRollback: prohibitsByItself(task, whole, path, report),
    subtasks: reconcile(whole, report),
  };
}

/** The task in the document and where it is; undefined when the document is none, or a page of several. */
export function findOcpTask(
  value: unknown,
  report: Report = () => {},
): { readonly task: OcpFields; readonly path: string } | undefined {
  if (!isFields(value)) {
    report("WRONG_TYPE", "", "An OCP task is an object.");
    return undefined;
  }
  const inner = value["data"];
  const data = isFields(inner) ? inner : value;
  const path = data === value ? "" : "data";
  const contents = data["contents"];
  if (!Array.isArray(contents)) return { task: data, path };
  const [first] = contents as unknown[];
  if (contents.length !== 1 || !isFields(first)) {
    report(
      "INVALID_VALUE",
      join(path, "contents"),
      `A page of ${contents.length} tasks is not one plan.`,
      "import each element of contents by itself",
    );
    return undefined;
  }
  return { task: first, path: `${join(path, "contents")}[0]` };
}

function readSubtask(value: unknown, path: string, report: Report): Draft | undefined {
  if (!isFields(value)) {
    report("WRONG_TYPE", path, "A subtask is an object.");
    return undefined;
  }
  const id = readId(value["id"], `${path}.id`, report);
  const name = readText(value, "name", path, report);
  if (name === undefined && value["name"] === undefined) {
    report("MISSING_FIELD", `${path}.name`, "The subtask has no name.");
  }
  const draft = {
    description: readText(value, "description", path, report),
    nodeType: readText(value, "nodeType", path, report),
    seriesId: readInteger(value, "seriesId", path, report),
    parallelIdx: readInteger(value, "parallelIdx", path, report) ?? -1,
    timeout: readInteger(value, "timeout", path, report),
    prohibitRollback: readFlag(value, "prohibitRollback", path, report),
    upstreams: readIds(value, "upstreams", path, report),
    downstreams: readIds(value, "downstreams", path, report),
    begun: value["status"] !== undefined && value["status"] !== "PENDING" && value["status"] !== "READY",
    path,
  };
  return id === undefined || name === undefined ? undefined : { id, name, ...draft };
}

/**
 * OCP computes the task's flag when it is read: true when the template says so, or once a prohibiting subtask has begun.
 * Only the first belongs to the plan.
 */
function prohibitsByItself(task: OcpFields, drafts: readonly Draft[], path: string, report: Report): boolean {
  const flag = readFlag(task, "prohibitRollback", path, report);
  return flag && !drafts.some((draft) => draft.prohibitRollback && draft.begun);
}

/** Both sides of every edge: they must agree where both are given; one side alone is enough. */
function reconcile(drafts: readonly Draft[], report: Report): SourceSubtask[] {
  const byId = new Map<string, Draft>();
  for (const draft of drafts) {
    if (byId.has(draft.id)) report("DUPLICATE_ID", `${draft.path}.id`, `Two subtasks have the id ${draft.id}.`);
    else byId.set(draft.id, draft);
  }
  if (drafts.length > 1 && drafts.every((draft) => draft.upstreams === undefined && draft.downstreams === undefined)) {
    report(
      "MISSING_FIELD",
      drafts[0]?.path ?? "",
      "No subtask lists its upstreams or downstreams, so their order is unknown.",
      "import the answer of GET /tasks/instances/{id}: the list answer carries no edges",
    );
  }
  const upstreams = complete(byId, "upstreams", "downstreams", report);
  const downstreams = complete(byId, "downstreams", "upstreams", report);
  return drafts.map(({ begun: _, ...draft }) => ({
    ...draft,
    upstreams: [...(upstreams.get(draft.id) ?? [])],
    downstreams: [...(downstreams.get(draft.id) ?? [])],
  }));
}

type Side = "upstreams" | "downstreams";

/** `side` of every subtask: as it says itself, else as its neighbours say. */
function complete(byId: ReadonlyMap<string, Draft>, side: Side, other: Side, report: Report): Map<string, Set<string>> {
  const result = new Map<string, Set<string>>();
  for (const draft of byId.values()) result.set(draft.id, new Set(draft[side] ?? []));
  for (const draft of byId.values()) {
    for (const [index, target] of (draft[other] ?? []).entries()) {
      const path = `${draft.path}.${other}[${index}]`;
      const neighbour = byId.get(target);
      if (neighbour === undefined) {
        report("UNKNOWN_NODE", path, `No subtask has the id ${target}.`);
      } else if (neighbour[side] === undefined) {
        result.get(target)?.add(draft.id);
      } else if (!result.get(target)?.has(draft.id)) {
        report(
          "EDGE_MISMATCH",
          path,
          `${draft.id} lists ${target} in ${other}, but ${target} does not list ${draft.id}.`,
        );
      }
    }
  }
  return result;
}

function readId(value: unknown, path: string, report: Report): string | undefined {
  if (typeof value === "string" && value !== "") return value;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return String(value);
  if (value === undefined) report("MISSING_FIELD", path, "The id is missing.");
  else if (typeof value === "number" && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    report("UNSAFE_INTEGER", path, "The id is beyond 2^53 and would be rounded.", "give it as a string");
  } else report("WRONG_TYPE", path, "An id is a whole number, or a string.");
  return undefined;
}

function readIds(fields: OcpFields, key: Side, path: string, report: Report): string[] | undefined {
  const value = fields[key];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) {
    report("WRONG_TYPE", `${path}.${key}`, `${key} is a list of ids.`);
    return undefined;
  }
  const ids = value.map((id: unknown, index) => readId(id, `${path}.${key}[${index}]`, report));
  const known = ids.filter((id) => id !== undefined);
  if (new Set(known).size !== known.length) {
    report("DUPLICATE_EDGE", `${path}.${key}`, `${key} lists an id twice.`);
  }
  return known;
}

function readText(fields: OcpFields, key: string, path: string, report: Report): string | undefined {
  const value = fields[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string" && value.trim() !== "") return value;
  report("WRONG_TYPE", join(path, key), `${key} is a text that is not empty.`);
  return undefined;
}

function readInteger(fields: OcpFields, key: string, path: string, report: Report): number | undefined {
  const value = fields[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  report("WRONG_TYPE", join(path, key), `${key} is a whole number.`);
  return undefined;
}

function readFlag(fields: OcpFields, key: string, path: string, report: Report): boolean {
  const value = fields[key];
  if (value === undefined || value === null) return false;
  if (typeof value === "boolean") return value;
  report("WRONG_TYPE", join(path, key), `${key} is true or false.`);
  return false;
}

function isFields(value: unknown): value is OcpFields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}
