/**
 * Operators of a simulation: any verb at any moment at which it is let pass (R37). Owns: which verb is tried, how often.
 */
import {
  expandedGroup,
  groupOf,
  kindOf,
  NodeState,
  type RunState,
  refusalOf,
  type VerbInput,
  WHOLE_RUN,
} from "../../core/index.ts";
import { NodeFlag } from "../../plan/compiled.ts";
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

/** Words for nodes that wait, tried beside the others in plans that have such nodes. */
const WORDS = ["approve", "approve", "signal", "signal", "reject"] as const;

type Word = (typeof WORDS)[number] | (typeof MOVING)[number] | (typeof RESTING)[number];

/** Verbs that are tried before the operator goes away again. */
const TRIES = 12;

/** Of the times that an operator wants to give a run up, it is done so often: a run that is given up tells no more. */
const ABANDONS = 0.2;

/** A verb that makes sense now, if one is found. */
export function drawVerb(state: RunState, at: number, draw: Draw, resting: boolean): VerbInput | undefined {
  const waiting = resting ? undefined : waitingNode(state, draw);
  if (waiting !== undefined && draw.chance(0.5)) {
    const verb = verbFor(state, draw.of<Word>(WORDS) as Word, { at, node: waiting });
    if (refusalOf(state, verb) === undefined) return verb;
  }
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

/** A node that waits for a word, the next one from a drawn place on; draws nothing for a plan without such nodes. */
function waitingNode(state: RunState, draw: Draw): number | undefined {
  if (!HAS_WORDS.has(state.plan)) HAS_WORDS.set(state.plan, state.plan.kinds.flags.some(awaitsWord));
  if (HAS_WORDS.get(state.plan) !== true) return undefined;
  const from = draw.below(state.size);
  for (let place = 0; place < state.size; place++) {
    const node = (from + place) % state.size;
    const waits = awaitsWord(state.plan.kinds.flags[kindOf(state, node)] as number);
    if (waits && state.node[node] === NodeState.RUNNING && isThere(state, node)) return node;
  }
  return undefined;
}

const HAS_WORDS = new WeakMap<RunState["plan"], boolean>();
const awaitsWord = (flags: number): boolean => (flags & (NodeFlag.APPROVAL | NodeFlag.SIGNAL)) !== 0;

/** A member whose group was taken apart is nobody's business. */
function isThere(state: RunState, node: number): boolean {
  const home = groupOf(state, node);
  if (home < 0) return true;
  const group = expandedGroup(state, home);
  return group !== undefined && node >= group.base && node < group.base + group.count;
}

function verbFor(state: RunState, word: Word, { at, node }: { at: number; node: number }): VerbInput {
  const home = groupOf(state, node);
  switch (word) {
    case "pause":
    case "resume":
    case "abandon":
      return { kind: word, at };
    case "approve":
      return { kind: word, at, node, enough: true };
    case "reject":
    case "signal":
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
  if (verb.kind === "rollback") return ROLLBACKS[verb.scope];
  const wholeRun = (verb.kind === "retry" || verb.kind === "cancel") && verb.node === WHOLE_RUN;
  return wholeRun ? OF_RUN[verb.kind] : verb.kind;
}

const OF_RUN = { retry: "retry run", cancel: "cancel run" } as const;
const ROLLBACKS = { all: "rollback all", barrier: "rollback barrier", node: "rollback node" } as const;
