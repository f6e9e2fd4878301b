/**
 * The election trail of a run: who could take over, who did, and why each of the others did not. Read from what the plan's own steps put
 * out, by its shape; no plan is known here by name. What a step says stands in its output, or, when it refused, in the details of its
 * failure. A candidate that was tried and failed is rejected with its failure.
 */
import type { Json, NodeSnapshot, RunSnapshot } from "@belay/engine";

/** Why somebody does not take over. */
export interface RejectedCandidate {
  readonly candidate: string;
  /** For programs; null when the step gives none. */
  readonly code: string | null;
  /** One sentence for people. */
  readonly reason: string;
  /** Id of the node that says so. */
  readonly node: string;
}

/** See the head of this file. */
export interface ElectionTrail {
  /** Ids of the nodes that chose. */
  readonly nodes: readonly string[];
  /** The first choice first. */
  readonly candidates: readonly string[];
  /** null = nobody yet. */
  readonly chosen: string | null;
  readonly rejected: readonly RejectedCandidate[];
}

type Fields = Readonly<Record<string, Json>>;

/** Fields of an output that list candidates, the more exact first. */
const LISTS = ["ranking", "candidates"] as const;
/** Fields that list who is left out. */
const LEFT_OUT = ["rejected", "unusable", "passed"] as const;
/** Fields that name somebody. */
const NAMES = ["nodeId", "name", "candidate", "id"] as const;

/** The trail of a run; undefined when none of its steps chooses anybody. */
export function electionOf({ nodes }: RunSnapshot): ElectionTrail | undefined {
  const found = nodes.map(said).filter((one) => one !== undefined);
  const candidates = found.findLast((one) => one.candidates.length > 0)?.candidates ?? [];
  const rejected = found.flatMap((one) => one.rejected);
  if (candidates.length === 0 && rejected.length === 0) return undefined;
  const tried = nodes.filter(({ group, item }) => group !== null && candidates.includes(String(item)));
  return {
    nodes: found.map(({ node }) => node),
    candidates,
    chosen: found.findLast((one) => one.chosen !== null)?.chosen ?? winnerOf(tried),
    rejected: [...rejected, ...tried.flatMap(failedTry)],
  };
}

interface Said extends Omit<ElectionTrail, "nodes"> {
  readonly node: string;
}

function said({ id, group, output, error }: NodeSnapshot): Said | undefined {
  if (group !== null) return undefined;
  const details = error?.details;
  const fields = fieldsOf(output) ?? fieldsOf(Array.isArray(details) ? { rejected: details } : details);
  if (fields === undefined) return undefined;
  const { candidate, others } = fields;
  const chosenFirst = typeof candidate === "string" && Array.isArray(others) ? [candidate, ...others] : [];
  const listed: readonly Json[] = LISTS.map((name) => fields[name]).find(Array.isArray) ?? chosenFirst;
  const candidates = listed.map(nameOf).filter((name) => name !== undefined);
  const rejected = LEFT_OUT.flatMap((name) => listOf(fields[name])).flatMap((one) => rejectionOf(one, id));
  if (candidates.length === 0 && rejected.length === 0) return undefined;
  return { node: id, candidates, chosen: typeof candidate === "string" ? candidate : null, rejected };
}

function rejectionOf(value: Json, node: string): RejectedCandidate[] {
  const fields = fieldsOf(value);
  const candidate = nameOf(value);
  const { reason, code } = fields ?? {};
  if (candidate === undefined || typeof reason !== "string") return [];
  return [{ candidate, code: typeof code === "string" ? code : null, reason, node }];
}

function failedTry({ id, item, error }: NodeSnapshot): RejectedCandidate[] {
  if (error === null) return [];
  return [{ candidate: String(item), code: error.code, reason: error.message, node: id }];
}

/** The one candidate that was tried with success. */
function winnerOf(tried: readonly NodeSnapshot[]): string | null {
  const winners = new Set(tried.flatMap(({ item, status }) => (status === "SUCCESSFUL" ? [String(item)] : [])));
  return winners.size === 1 ? ([...winners][0] ?? null) : null;
}

function nameOf(value: Json): string | undefined {
  if (typeof value === "string") return value;
  const fields = fieldsOf(value) ?? {};
  const named = NAMES.map((name) => fields[name]).find((one) => typeof one === "string");
  return named as string | undefined;
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function fieldsOf(value: Json | undefined): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}
