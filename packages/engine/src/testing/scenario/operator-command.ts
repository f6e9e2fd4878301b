/**
 * Operators as an arbitrary: any verb on any node at any moment. Owns: the odds, and how a drawn number becomes a node of
 * the run as it stands (a number fits every run, so that commands survive shrinking). Most verbs at most moments are
 * refused: that they are, and by which code, is part of what there is to test (R37).
 */
import type * as FastCheck from "fast-check";
import type { Run, RunSnapshot, VerbOptions } from "../../runtime/api.ts";
import type { Verb } from "../model/reference-operator.ts";
import type { FastCheckApi } from "./arbitraries.ts";

/** One verb; `place` stands for a node: taken modulo the number of nodes there are. */
export interface OperatorCommand {
  readonly verb: Verb["verb"] | "retry-all" | "cancel-run" | "rollback-to-barrier" | "rollback-to-node";
  readonly place: number;
}

/** Any verb; give a list of verbs to draw from these only. */
export function operatorCommand(
  fc: FastCheckApi,
  verbs: readonly OperatorCommand["verb"][] = ALL_VERBS,
): FastCheck.Arbitrary<OperatorCommand> {
  return fc.record({ verb: fc.constantFrom(...verbs), place: fc.nat(63) });
}

const ALL_VERBS: readonly OperatorCommand["verb"][] = [
  "retry",
  "retry-all",
  "skip",
  "cancel",
  "cancel-run",
  "rollback",
  "rollback-to-barrier",
  "rollback-to-node",
  "skip-rollback",
  "pause",
  "resume",
  "abandon",
  "approve",
  "reject",
  "signal",
];

/** What the command asks of a run with these nodes, groups and members. */
export function verbOf({ verb, place }: OperatorCommand, ids: readonly string[]): Verb {
  const count = Math.max(1, ids.length);
  const node = ids[place % count] ?? "";
  switch (verb) {
    case "retry-all":
      return { verb: "retry" };
    case "cancel-run":
      return { verb: "cancel" };
    case "rollback":
      return { verb, to: "all" };
    case "rollback-to-barrier":
      return { verb: "rollback", to: "barrier" };
    case "rollback-to-node":
      // A member stands for its group: what is below the group is undone (R35).
      return { verb: "rollback", to: { node: node.replace(/\[\d+\]$/, "") } };
    case "pause":
    case "resume":
    case "abandon":
      return { verb };
    case "approve":
    case "reject":
      return { verb, node, who: PEOPLE[Math.floor(place / count) % PEOPLE.length] as string };
    default:
      return { verb, node };
  }
}

/** Who approves and rejects. */
const PEOPLE: readonly string[] = ["bob", "cy", "ann", "dee"];

/** Every verb on every node of a run with these nodes, groups and members, the whole run's verbs too. */
export function everyVerb(ids: readonly string[], verbs: readonly OperatorCommand["verb"][] = ALL_VERBS): Verb[] {
  return verbs.flatMap((verb) => {
    const voices = verb === "approve" || verb === "reject" ? PEOPLE.length : 1;
    const places = WHOLE_RUN.has(verb) ? 1 : ids.length * voices;
    return Array.from({ length: places }, (_, place) => verbOf({ verb, place }, ids));
  });
}

const WHOLE_RUN: ReadonlySet<OperatorCommand["verb"]> = new Set([
  "retry-all",
  "cancel-run",
  "rollback",
  "rollback-to-barrier",
  "pause",
  "resume",
  "abandon",
]);

/** Asks it of a run; rejects as the verb does. */
export async function askRun(run: Run, asked: Verb, options: VerbOptions = {}): Promise<RunSnapshot> {
  switch (asked.verb) {
    case "retry":
    case "cancel":
      return await run[asked.verb]({ ...options, ...(asked.node === undefined ? {} : { node: asked.node }) });
    case "approve":
    case "reject":
      return await run[asked.verb](asked.node, { ...options, who: asked.who });
    case "signal":
      return await run.signal(asked.node, options);
    case "skip":
      return await run.skip(asked.node, options);
    case "skip-rollback":
      return await run.skipRollback(asked.node, options);
    case "rollback":
      if (asked.to === "all") return await run.rollback(options);
      return await run.rollback({ ...options, to: asked.to === "barrier" ? asked.to : asked.to.node });
    default:
      return await run[asked.verb](options);
  }
}
