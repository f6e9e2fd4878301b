/**
 * The query of a task list: which tasks, in which order, which page. Owns: the parameters, OCP's misspelt one included, what each
 * may be. Parameters that are not in OCP's documents are ignored: its own client repeats those of the path there.
 */
import type { OcpTaskStatus } from "@belay/engine/views";
import { OcpFault } from "./errors.ts";

/** A query, checked. An empty set lets everything through. */
export interface TaskQuery {
  /** In the task's name or that of its cluster; lower case, "" = any. */
  readonly keyword: string;
  /** In the task's name; lower case, "" = any. */
  readonly name: string;
  readonly statuses: ReadonlySet<OcpTaskStatus>;
  readonly creators: ReadonlySet<string>;
  /** null = any. */
  readonly clusterId: number | null;
  /** In the name of its cluster; lower case, "" = any. */
  readonly clusterName: string;
  /** The query asks for tasks of a kind that there is none of here: of a tenant, of a host, started by a schedule. */
  readonly none: boolean;
  /** From 1. */
  readonly page: number;
  /** 1 to 2000. */
  readonly size: number;
  readonly sort: { readonly by: SortKey; readonly descending: boolean };
}

/** What a list may be sorted by. */
export type SortKey = "id" | "name" | "startTime" | "status";

const STATUSES: readonly OcpTaskStatus[] = ["RUNNING", "FAILED", "SUCCESSFUL"];
const SORT_KEYS: readonly SortKey[] = ["id", "name", "startTime", "status"];
/** SYS_ONECE is spelt as in OCP's documents. */
const TYPES = ["MANUAL", "SCHEDULED", "SYS_SCHEDULED", "SYS_ONECE"];
const MOST_SIZE = 2000;
/** OCP's documents name no default; their examples show this one. */
const DEFAULT_SIZE = 10;

/** Reads a query string's fields. Throws OcpFault, ILLEGAL_ARGUMENT. */
export function readTaskQuery(query: unknown): TaskQuery {
  const fields = Object(query) as Readonly<Record<string, unknown>>;
  const list = (name: string): string[] =>
    [fields[name] ?? []]
      .flat()
      .flatMap((value) => (typeof value === "string" ? value.split(",") : []))
      .filter(Boolean);
  const text = (name: string): string => (typeof fields[name] === "string" ? (fields[name] as string) : "");
  const types = list("type").map((type) => oneOf("type", TYPES, type));
  const ofNone = ["tenantName", "tenantId", "hostId"].some((name) => text(name) !== "");
  const clusterId = wholeIn(text("clusterId"), "clusterId", Number.MAX_SAFE_INTEGER);
  return {
    keyword: text("keyword").toLowerCase(),
    name: text("name").toLowerCase(),
    statuses: new Set(list("status").map((status) => oneOf("status", STATUSES, status))),
    creators: new Set(list("creator")),
    clusterId: clusterId ?? null,
    clusterName: (text("clusterName") || text("cluterName")).toLowerCase(),
    none: ofNone || (types.length > 0 && !types.includes("MANUAL")),
    page: wholeIn(text("page"), "page", Number.MAX_SAFE_INTEGER) ?? 1,
    size: wholeIn(text("size"), "size", MOST_SIZE) ?? DEFAULT_SIZE,
    sort: sortOf(text("sort")),
  };
}

function sortOf(sort: string): TaskQuery["sort"] {
  if (sort === "") return { by: "id", descending: true };
  const [key = "", direction = "asc"] = sort.split(",");
  return { by: oneOf("sort", SORT_KEYS, key), descending: oneOf("sort", ["asc", "desc"], direction) === "desc" };
}

function oneOf<T extends string>(name: string, known: readonly T[], value: string): T {
  const found = known.find((one) => one === value);
  if (found !== undefined) return found;
  throw new OcpFault("ILLEGAL_ARGUMENT", `${name}: "${value}" is none of ${known.join(", ")}`);
}

function wholeIn(value: string, name: string, most: number): number | undefined {
  if (value === "") return undefined;
  const number = /^[0-9]{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= 1 && number <= most) return number;
  throw new OcpFault("ILLEGAL_ARGUMENT", `${name}: "${value}" is no whole number from 1 to ${most}`);
}
