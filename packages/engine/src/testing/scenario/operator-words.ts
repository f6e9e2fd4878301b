/** Operators' verbs in words: what an input that an operator's verb became says to the judge (R37). */
import type { Input } from "../../core/index.ts";
import type { RunFacts } from "../../runtime/facts.ts";
import { nodeId } from "../../runtime/node-id.ts";
import type { OperatorVerb } from "../judge/run-story.ts";

/** The verb; undefined for an input that no operator gave. */
export function verbOf(facts: RunFacts, input: Input): OperatorVerb | undefined {
  const verb = wordOf(facts, input);
  return verb === undefined ? undefined : { ...verb, at: input.at };
}

function wordOf(facts: RunFacts, input: Input): OperatorVerb | undefined {
  switch (input.kind) {
    case "pause":
    case "resume":
    case "abandon":
      return { verb: input.kind };
    case "retry":
    case "skip":
    case "cancel":
    case "skip-rollback":
    case "approve":
    case "reject":
    case "signal":
      return input.node < 0 ? { verb: input.kind } : { verb: input.kind, node: nodeId(facts, input.node) };
    case "rollback":
      return { verb: input.kind, scope: input.scope === "node" ? { node: nodeId(facts, input.node) } : input.scope };
    default:
      return undefined;
  }
}
