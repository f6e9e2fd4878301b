/**
 * Who a plan is (R5): its canonical JSON, the hash of it, and what differs between two plans.
 * Invariant: the same document gives the same hash whatever the order of its keys, on any machine.
 */
import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { BelayError } from "../errors.ts";
import type { PlanDocument } from "./document.ts";

/** RFC 8785 text of a JSON value. Throws INVALID_ARGUMENT for what is not JSON: undefined, NaN, half a surrogate pair. */
export function canonicalJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = canonicalize(value);
  } catch (error) {
    throw new BelayError("INVALID_ARGUMENT", "the value is not JSON", {}, error);
  }
  if (text === undefined) throw new BelayError("INVALID_ARGUMENT", "the value is not JSON");
  return text;
}

/** SHA-256, lower-case hex, of a canonical text. */
export function hashText(canonical: string): string {
  return createHash("sha256").update(canonical, "utf8").digest("hex");
}

/** The plan's identity: SHA-256, lower-case hex, of its canonical JSON. */
export function planHash(document: PlanDocument): string {
  return hashText(canonicalJson(document));
}

/**
 * Ids of the nodes that are in only one of two plans or differ, in the order of `a`, then those only in `b`. Empty when
 * the plans differ elsewhere only (their name, their params, ...) or not at all. The order of nodes does not count.
 */
export function changedNodes(a: PlanDocument, b: PlanDocument): string[] {
  const inB = new Map(b.nodes.map((node) => [node.id, node]));
  const changed: string[] = [];
  for (const node of a.nodes) {
    const other = inB.get(node.id);
    inB.delete(node.id);
    if (other === undefined || canonicalJson(node) !== canonicalJson(other)) changed.push(node.id);
  }
  return [...changed, ...inB.keys()];
}
