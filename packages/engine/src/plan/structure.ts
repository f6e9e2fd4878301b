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
  /** The document without the fields that are wrong; undefined when there are no nodes to speak of. */
  readonly sound: PlanDocument | undefined;
  /** What `sound` had to leave out, so that other findings may only follow from it. */
  readonly doubt: Doubt;
}

/** Ids that nobody can name, edges that may be missing. */
export interface Doubt {
  readonly ids: boolean;
  readonly edges: boolean;
}

/** Fields that a later version will know: refused, never ignored. */
const RESERVED: ReadonlySet<string> = new Set(["weight"]);
/** What other tools call a field or a word of ours. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ...["depends_on", "dependsOn", "depends", "dependencies", "needs", "requires", "after"].map(
    (word) => [word, "upstreams"] as const,
  ),
  ["before", "downstreams"],
  ["retries", "retry"],
  ["all_success", "all_succeeded"],
  ["one_success", "any_succeeded"],
  ["one_failed", "any_failed"],
  ["all_done", "all_finished"],
  ["input", "with"],
  ["rollback", "compensation"],
]);

/** Checks a value against the schema of plans; all deviations at once. */
export function checkStructure(value: Json): CheckedStructure {
  const issues = structureIssues(value);
  const suggesters = new Map<string, (word: string) => string | undefined>();
  const suggestAmong = (word: string, known: readonly string[]): string | undefined => {
    const key = known.join(" ");
    const found = suggesters.get(key) ?? suggester(known);
    suggesters.set(key, found);
    const alias = ALIASES.get(word);
    return alias !== undefined && known.includes(alias) ? alias : found(word);
  };
  const diagnostics = issues.map((issue) => toDiagnostic(issue, valueAt(value, issue.path), suggestAmong));
  const doubt = { ids: false, edges: false };
  const sound = issues.length === 0 ? (value as unknown as PlanDocument) : withoutFaults(value, issues, doubt);
  return { diagnostics, sound, doubt };
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
        ...(field === "<<" ? MERGE_KEY : didYouMean(suggestAmong(field, issue.known))),
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

const MERGE_KEY = { suggestion: "merge keys are not supported: write the fields out" };

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

type Draft = Record<string, unknown>;

/**
 * A copy without what is faulty: optional fields are left out, `action` and the header get harmless values, and what the
 * graph hangs on is replaced by what of it can be read.
 */
function withoutFaults(
  value: Json,
  issues: readonly StructureIssue[],
  doubt: { ids: boolean; edges: boolean },
): PlanDocument | undefined {
  const document: Draft = { ...(value as object), belay: 1 };
  if (!Array.isArray(document["nodes"])) return undefined;
  const nodes: unknown[] = [...document["nodes"]];
  const copied = new Set<number>();
  for (const { path } of issues) {
    const [field, index, nodeField] = path;
    if (field !== "nodes") mendHeader(document, field);
    else if (typeof index !== "number") return undefined;
    else {
      if (!copied.has(index)) nodes[index] = { ...(nodes[index] as object | null) };
      copied.add(index);
      mendNode(nodes[index] as Draft, nodeField, `nodes[${index}]`, doubt);
    }
  }
  document["nodes"] = nodes;
  return document as unknown as PlanDocument;
}

function mendHeader(document: Draft, field: string | number | undefined): void {
  if (field === "name") document["name"] = "unnamed";
  // Any name: expressions must not be blamed for a schema that cannot be read.
  else if (field === "params") document["params"] = { additionalProperties: true };
  else if (field !== undefined && field !== "belay") delete document[field];
}

function mendNode(
  node: Draft,
  field: string | number | undefined,
  place: string,
  doubt: { ids: boolean; edges: boolean },
): void {
  switch (field) {
    case "id":
      // An id of the wrong form still names its node; a place can be nobody's id.
      if (typeof node["id"] === "string") return;
      node["id"] = place;
      doubt.ids = true;
      return;
    case "upstreams":
    case "downstreams": {
      const given: unknown = node[field];
      const ids = (Array.isArray(given) ? given : [given]).filter((id) => typeof id === "string" && id !== "");
      if (ids.length > 0) node[field] = ids;
      else delete node[field];
      doubt.edges = true;
      return;
    }
    case "split":
      node["split"] = mendedSplit(node["split"]);
      return;
    case "action":
      node["action"] = "belay.noop";
      return;
    case undefined:
      Object.assign(node, { id: place, action: "belay.noop" });
      doubt.ids = true;
      return;
    default:
      delete node[field];
  }
}

/** Still a group: its expressions read `item`. */
function mendedSplit(split: unknown): Draft {
  const { over, as } = (split ?? {}) as Draft;
  return {
    over: typeof over === "string" && over !== "" ? over : "[null]",
    ...(typeof as === "string" && /^[A-Za-z_]\w{0,63}$/.test(as) && { as }),
  };
}
