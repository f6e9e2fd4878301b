/**
 * Nodes of a simulated run that wait for time, people or a message. Owns: what an attempt waits for, and the word that
 * ends the wait. They call nothing: no fault can happen to them but what happens to the run.
 */
import type { VerbInput } from "../../core/index.ts";
import { homeOf } from "../../core/index.ts";
import { isWaiting, momentOf } from "../../plan/built-in.ts";
import type { Json, NodeDocument } from "../../plan/document.ts";
import type { RunFacts } from "../../runtime/facts.ts";
import { evaluateInput } from "../../runtime/scope.ts";
import type { Wait } from "../../runtime/values.ts";
import type { SimulatedCall } from "./simulated-call.ts";

const WAITS_FOR: Readonly<Record<string, Wait["for"]>> = {
  "belay.wait": "time",
  "belay.approval": "approval",
  "belay.signal": "signal",
};

/** What an attempt of the node that began at `at` waits for; undefined for one that calls an action. */
export function waitOf(facts: RunFacts, node: number, at: number): Wait | undefined {
  const home = homeOf(facts.state, node);
  const { action } = facts.program.document.nodes[home] as NodeDocument;
  if (!isWaiting(action)) return undefined;
  const given = evaluateInput(facts, node, facts.program.detailsOf(home).input);
  const input = given?.ok === true ? (given.value as Fields) : {};
  const { approvers, required } = input as { approvers?: readonly string[]; required?: number };
  const until = action === "belay.wait" ? untilOf(input, at) : null;
  return { for: WAITS_FOR[action] as Wait["for"], until, approvers: approvers ?? null, required: required ?? 1 };
}

type Fields = Readonly<Record<string, Json>>;

/** An input that is no input waits for no time: what the engine says to it is not the simulation's business. */
function untilOf({ seconds, until }: Fields, at: number): number {
  return typeof seconds === "number" ? at + seconds * 1000 : (momentOf(until ?? at) ?? at);
}

/** The call whose wait for time ends first, and before `limit`; undefined = none. */
export function firstWait(calls: readonly SimulatedCall[], limit: number): SimulatedCall | undefined {
  let first: SimulatedCall | undefined;
  let least = limit;
  for (const call of calls) {
    const until = call.wait?.until ?? null;
    if (until === null || until >= least || call.over || call.aborted) continue;
    least = until;
    first = call;
  }
  return first;
}

/** What somebody says, to a node that waits above all, and who. */
export interface Word {
  readonly verb: VerbInput;
  readonly payload: Json;
}

/** The next approval, or the signal, as the node needs it. */
export function goodWord({ values }: RunFacts, node: number, at: number): Word {
  const wait = values.waits.get(node);
  if (wait?.for !== "approval") return { verb: { kind: "signal", at, node }, payload: { output: { items: ["x"] } } };
  const before = values.approvals(node).length;
  const who = wait.approvers?.[before] ?? `person ${before + 1}`;
  return { verb: { kind: "approve", at, node, enough: before + 1 >= wait.required }, payload: { who } };
}
