/**
 * The outside world of a simulated run, as whoever proves a plan models it: what actions do to it, and what must hold of
 * it whatever goes wrong. Owns: what such a world is told. It is the outside world: a crash of the engine leaves it as it is.
 */
import { homeOf, parallelIdxOf, type RunStatus } from "../../core/index.ts";
import { isWaiting } from "../../plan/built-in.ts";
import type { Json, NodeDocument } from "../../plan/document.ts";
import type { RunFacts } from "../../runtime/facts.ts";
import { nodeId } from "../../runtime/node-id.ts";
import { evaluateInput, itemOf } from "../../runtime/scope.ts";
import type { OperatorVerb } from "../judge/run-story.ts";
import { keyOf, type SimulatedCall } from "./simulated-call.ts";

/** A call of an action, or of a compensation, that takes effect. */
export interface SimulatedEffect {
  /** The node as declared; of a member, its group. */
  readonly node: string;
  /** The snapshot's id: `node`, or `node[parallelIdx]` for a member. */
  readonly id: string;
  /** Place in the group, from 0; -1 for a node without `split`. */
  readonly parallelIdx: number;
  /** The member's item; undefined for a node without `split`. */
  readonly item: Json | undefined;
  /** Name of the action, or of the compensation's action. */
  readonly action: string;
  /** `with`, evaluated; undefined without one, or when it cannot be evaluated. */
  readonly input: Json | undefined;
  /** From 1; of a compensation, counted by itself. */
  readonly attempt: number;
  /** It undoes the node. */
  readonly compensation: boolean;
  /** The same for the same attempt, also when it is made again after a crash. */
  readonly idempotencyKey: string;
}

/** How the run stands when the world is looked at. */
export interface SimulatedMoment {
  readonly status: RunStatus;
  /** Nothing is in flight and nothing starts by itself. */
  readonly atRest: boolean;
  /**
   * What operators have asked so far, of what was let pass: who skips a node or its rollback vouches for it, and what must hold
   * of the world after that is yours to say.
   */
  readonly asked: readonly OperatorVerb[];
}

/**
 * A world: its state is yours. Each run gets a fresh one, and a failing run is played again for its trace, so that it must
 * not read clocks, randomness, or anything outside of itself.
 */
export interface SimulatedWorld {
  /**
   * A call takes effect: with its answer ("ok", "duplicate", "reply-lost", "late"), or, half of the time, without one: when it
   * is aborted, when its attempt is given up after the grace period ("timeout", "deaf"), when the process dies while it is in
   * flight. Once per attempt at most: actions are taken for idempotent under their key. "error", "fatal" and "hang" have no
   * effect. Nodes that call nothing (`belay.wait`, ...) have none. Only "late" ones do something after their attempt is over.
   */
  apply(effect: SimulatedEffect): void;
  /** What is wrong with the world, in words; undefined = nothing. Asked after every step, and at rest. */
  check(moment: SimulatedMoment): string | undefined;
}

/** What a call does to the world, as it is made; undefined for what calls nothing. */
export function effectOf(facts: RunFacts, call: SimulatedCall): SimulatedEffect | undefined {
  const { node, attempt, undo } = call;
  const { state, program, header } = facts;
  const home = homeOf(state, node);
  const { id: declared, action, compensation } = program.document.nodes[home] as NodeDocument;
  if (isWaiting(action) || (!undo && action === "belay.noop")) return undefined;
  const { input, compensationInput } = program.detailsOf(home);
  const given = evaluateInput(facts, node, (undo ? compensationInput : undefined) ?? input);
  const id = nodeId(facts, node);
  return {
    node: declared,
    id,
    parallelIdx: parallelIdxOf(state, node),
    item: itemOf(facts, node),
    action: undo ? (compensation?.action ?? action) : action,
    input: given?.ok === true ? given.value : undefined,
    attempt,
    compensation: undo,
    idempotencyKey: keyOf(header.runId, id, call),
  };
}

/** Tells a world of each attempt's effect once. */
export class WorldTeller {
  readonly world: SimulatedWorld;
  readonly #told = new Set<string>();
  readonly #seed: number;
  /** Told of each effect, once the world was. */
  onEffect: ((effect: SimulatedEffect) => void) | undefined;

  /** `seed`: decides which calls without an answer have taken effect; draws nothing, so that a world changes no story. */
  constructor(world: SimulatedWorld, seed: number) {
    this.world = world;
    this.#seed = seed;
  }

  /** The call takes effect, unless that attempt has. */
  took({ effect }: SimulatedCall): void {
    if (effect === undefined || this.#told.has(effect.idempotencyKey)) return;
    this.#told.add(effect.idempotencyKey);
    this.world.apply(effect);
    this.onEffect?.(effect);
  }

  /**
   * The call lets go, or is given up, or dies with the process: it took effect, or, without an answer, half of the time did if it
   * could. Once given up, only one that is "late" still does something.
   */
  ended(call: SimulatedCall, ok: boolean): void {
    if (call.fate === "late" && !ok) return;
    if (ok || (call.fate === "reply-lost" && !call.lost)) this.took(call);
    else if (!IN_VAIN.has(call.fate) && isOdd(call.effect?.idempotencyKey ?? "", this.#seed)) this.took(call);
  }
}

const IN_VAIN: ReadonlySet<string> = new Set(["error", "fatal", "hang"]);

/** As good as tossed, and the same on every replay. */
function isOdd(text: string, seed: number): boolean {
  let h = seed ^ 0x811c9dc5;
  for (let place = 0; place < text.length; place++) h = Math.imul(h ^ text.charCodeAt(place), 0x01000193);
  h ^= h >>> 15;
  return (Math.imul(h, 0x2c1b3c6d) >>> 16) % 2 === 1;
}
