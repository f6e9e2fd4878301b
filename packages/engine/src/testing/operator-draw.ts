/**
 * Operators of a simulation: any verb at any moment at which it is let pass (R37). Owns: which verb is tried, how often.
 */
import { type RunState, refusalOf, type VerbInput, WHOLE_RUN } from "../core/index.ts";
import type { Draw } from "./draw.ts";

/** Verbs that are tried while the run moves, and while it rests: one that stands twice is tried twice as often. */
const MOVING = ["skip", "retry", "cancel", "cancel", "cancel-run", "pause", "resume"] as const;
const RESTING = [
  "skip",
  "retry",
  "retry-all",
  "retry-all",
  "rollback-all",
  "rollback-barrier",
  "rollback-node",
  "rollback-again",
  "skip-rollback",
  "skip-rollback",
  "resume",
  "resume",
  "abandon",
] as const;

type Word = (typeof MOVING)[number] | (typeof RESTING)[number];

/** Verbs that are tried before the operator goes away again. */
const TRIES = 12;

/** Of the times that an operator wants to give a run up, it is done so often: a run that is given up tells no more. */
const ABANDONS = 0.2;

/** A verb that makes sense now, if one is found. */
export function drawVerb(state: RunState, at: number, draw: Draw, resting: boolean): VerbInput | undefined {
  for (let tries = 0; tries < TRIES; tries++) {
    const word = draw.of<Word>(resting ? RESTING : MOVING) as Word;
    if (word === "abandon" && !draw.chance(ABANDONS)) continue;
    const node = draw.below(state.size);
    if (!isThere(state, node)) continue;
    const verb = verbFor(state, word, { at, node });
    if (refusalOf(state, verb) === undefined) return verb;
  }
  return undefined;
}

/** A member whose group was taken apart is nobody's business. */
function isThere(state: RunState, node: number): boolean {
  const home = state.groupOf[node] as number;
  if (home < 0) return true;
  const group = state.groups[state.plan.split[home] as number];
  return group !== undefined && node >= group.base && node < group.base + group.count;
}

function verbFor(state: RunState, word: Word, { at, node }: { at: number; node: number }): VerbInput {
  const home = state.groupOf[node] as number;
  switch (word) {
    case "pause":
    case "resume":
    case "abandon":
      return { kind: word, at };
    case "skip":
    case "retry":
    case "cancel":
    case "skip-rollback":
      return { kind: word, at, node };
    case "retry-all":
      return { kind: "retry", at, node: WHOLE_RUN };
    case "cancel-run":
      return { kind: "cancel", at, node: WHOLE_RUN };
    case "rollback-all":
      return { kind: "rollback", at, scope: "all", node: WHOLE_RUN };
    case "rollback-barrier":
      return { kind: "rollback", at, scope: "barrier", node: WHOLE_RUN };
    case "rollback-node":
      return { kind: "rollback", at, scope: "node", node: home < 0 ? node : home };
    case "rollback-again":
      return { kind: "rollback", at, scope: state.undoScopeKind, node: state.undoScopeNode };
  }
}

/** The name under which a verb is counted. */
export function verbName(verb: VerbInput): string {
  if (verb.kind === "rollback") return `rollback ${verb.scope}`;
  return "node" in verb && verb.node === WHOLE_RUN ? `${verb.kind} run` : verb.kind;
}
