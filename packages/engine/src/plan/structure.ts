/**
 * A JSON value -> diagnostics of its structure (R1, R3): the schema's issues in words, with what was probably meant; and
 * what is left of the document when only its optional fields are wrong, so that the graph is checked in the same go.
 */
import type { Diagnostic } from "./diagnostic.ts";
import type { Json, PlanDocument } from "./document.ts";
import { formatPath } from "./path.ts";
import { type StructureIssue, structureIssues } from "./schema.ts";
import { didYouMean, suggester } from "./suggestion.ts";

export interface CheckedStructure {
  readonly diagnostics: Diagnostic[];
  /** The document without the fields that are wrong; undefined when what is wrong holds the graph together. */
  readonly sound: PlanDocument | undefined;
}

/** Fields that a later version will know: refused, never ignored. */
const RESERVED: ReadonlySet<string> = new Set(["always", "weight"]);
/** Node fields without which edges and expressions cannot be judged. */
const LOAD_BEARING: ReadonlySet<string> = new Set(["id", "upstreams", "downstreams", "split"]);

/** Checks a value against the schema of plans; all deviations at once. */
export function checkStructure(value: Json): CheckedStructure {
  const issues = structureIssues(value);
  const suggesters = new Map<string, (word: string) => string | undefined>();
  const suggestAmong = (word: string, known: readonly string[]): string | undefined => {
    const key = known.join(" ");
    const found = suggesters.get(key) ?? suggester(known);
    suggesters.set(key, found);
    return found(word);
  };
  const diagnostics = issues.map((issue) => toDiagnostic(issue, valueAt(value, issue.path), suggestAmong));
  const sound = issues.length === 0 ? (value as unknown as PlanDocument) : withoutFaults(value, issues);
  return { diagnostics, sound };
}

function toDiagnostic(
  issue: StructureIssue,
  value: unknown,
  suggestAmong: (word: string, known: readonly string[]) => string | undefined,
): Diagnostic {
  const path = formatPath(issue.path);
  const field = String(issue.path.at(-1) ?? "");
  const base = { severity: "error", path } as const;
  switch (issue.kind) {
    case "unknown":
      if (RESERVED.has(field) && issue.path[0] === "nodes" && issue.path.length === 3) {
        return { ...base, code: "UNSUPPORTED", message: `"${field}" is not supported yet` };
      }
      return {
        ...base,
        code: "UNKNOWN_FIELD",
        message: `unknown field ${JSON.stringify(field)}`,
        ...didYouMean(suggestAmong(field, issue.known)),
      };
    case "missing":
      return { ...base, code: "MISSING_FIELD", message: `the field "${field}" is missing` };
    case "choice":
      if (typeof value !== "string" || issue.known.length === 0) break;
      return {
        ...base,
        code: "INVALID_VALUE",
        message: issue.message,
        ...didYouMean(suggestAmong(value, issue.known)),
      };
    case "value":
      return { ...base, code: "INVALID_VALUE", message: issue.message };
    case "type":
      return { ...base, code: "WRONG_TYPE", message: `${issue.message}, not ${describe(value)}` };
  }
  const code = typeof value === "number" && issue.known.length === 0 ? "INVALID_VALUE" : "WRONG_TYPE";
  return { ...base, code, message: issue.message };
}

function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "a mapping" : `a ${typeof value}`;
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  let found = value;
  for (const segment of path) found = (found as Record<string | number, unknown> | null | undefined)?.[segment];
  return found;
}

/** A copy without the faulty optional fields; `action` and the header are replaced by harmless values. */
function withoutFaults(value: Json, issues: readonly StructureIssue[]): PlanDocument | undefined {
  const document: Record<string, unknown> = { ...(value as object), belay: 1 };
  if (!Array.isArray(document["nodes"])) return undefined;
  const nodes: unknown[] = [...document["nodes"]];
  const copied = new Set<number>();
  for (const { path } of issues) {
    const [field, index, nodeField] = path;
    if (field !== "nodes") {
      if (field === "name") document["name"] = "unnamed";
      else if (field !== undefined && field !== "belay") delete document[field];
      continue;
    }
    if (typeof index !== "number" || nodeField === undefined || LOAD_BEARING.has(String(nodeField))) return undefined;
    if (!copied.has(index)) nodes[index] = { ...(nodes[index] as object) };
    copied.add(index);
    const node = nodes[index] as Record<string, unknown>;
    if (nodeField === "action") node["action"] = "belay.noop";
    else delete node[nodeField];
  }
  document["nodes"] = nodes;
  return document as unknown as PlanDocument;
}
