/**
 * What an attempt is dispatched with: the node's input, and what a waiting node waits for. Owns: that both are settled
 * in the step that dispatches, from what the run knew then. Live and on replay alike, so that a recovered run compensates
 * and waits with the very same values (R28, R31, R42).
 */
import { hasFlag, homeOf } from "../core/index.ts";
import { inputFaults, momentOf } from "../plan/built-in.ts";
import { NodeFlag as NodeFlagTable } from "../plan/compiled.ts";
import type { Json, NodeDocument } from "../plan/document.ts";
import { frozenCopy } from "../plan/json.ts";
import type { RunFacts } from "./facts.ts";
import { evaluateInput } from "./scope.ts";
import type { Wait } from "./values.ts";

// Constants of this module: what is imported is looked up and checked anew at every use.
const NodeFlag = NodeFlagTable;

/** An attempt of `node` is dispatched at `at`. The input is evaluated once, for the node's first attempt (R28). */
export function bindAttempt(facts: RunFacts, node: number, at: number): void {
  if (!hasFlag(facts.state, node, NodeFlag.INPUT | NodeFlag.WAITING)) return;
  const home = homeOf(facts.state, node);
  const template = facts.program.detailsOf(home).input;
  const { values } = facts;
  if (template !== undefined && !values.inputs.has(node)) {
    const input = evaluateInput(facts, node, template);
    if (input?.ok === true) values.inputs.set(node, frozenCopy(input.value));
    if (input?.ok === false) values.inputFaults.set(node, input.message);
    else values.inputFaults.delete(node);
  }
  const { document } = facts.program;
  if (!hasFlag(facts.state, home, NodeFlag.WAITING)) return;
  // Terms that are not known let nobody through: the attempt is about to fail.
  if (values.inputFaults.has(node)) return;
  const wait = waitOf((document.nodes[home] as NodeDocument).action, values.inputs.get(node), at);
  if (wait !== undefined) values.waits.set(node, wait);
}

const WAITS_FOR: Readonly<Record<string, Wait["for"]>> = {
  "belay.wait": "time",
  "belay.approval": "approval",
  "belay.signal": "signal",
};

type Fields = Readonly<Record<string, Json>>;

/** What an attempt that begins at `at` waits for; undefined when its input makes no sense. */
function waitOf(action: string, input: Json | undefined, at: number): Wait | undefined {
  if (inputFaults(action, input).length > 0) return undefined;
  const { approvers = null, required = 1 } = (input ?? {}) as { approvers?: readonly string[]; required?: number };
  const until = action === "belay.wait" ? untilOf(input as Fields, at) : null;
  return { for: WAITS_FOR[action] as Wait["for"], until, approvers, required };
}

function untilOf({ seconds, until }: Fields, now: number): number {
  return typeof seconds === "number" ? now + seconds * 1000 : (momentOf(until as Json) as number);
}
