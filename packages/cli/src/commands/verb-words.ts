/** The words after a verb: its run, then its node. Owns: which verb takes a node. */
import { VERBS } from "../database/ask-owner.ts";
import { UsageError } from "../usage-error.ts";

/** The node among the words after the run. Throws UsageError for one too many, or too few. */
export function nodeOf(verb: string, rest: readonly string[]): string | undefined {
  const [node, ...others] = rest;
  const takes = VERBS[verb]?.node ?? "none";
  if (takes === "none" && node !== undefined) throw new UsageError(`${verb} takes a run and no node`);
  if (takes === "first" && node === undefined) throw new UsageError(`${verb} takes a run and a node`);
  if (others.length > 0) throw new UsageError(`${verb} takes one node, not ${rest.join(" ")}`);
  return node;
}
