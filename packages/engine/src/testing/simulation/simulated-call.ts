/** One call of a simulated run, while it is in flight. Owns: the record. Who makes, ends and loses calls is `simulated-run.ts`. */
import type { Wait } from "../../runtime/values.ts";
import type { UnitStory } from "../judge/unit-story.ts";
import type { SimulatedEffect } from "./simulated-world.ts";

/** One attempt, or compensation, that was started and has not let go. */
export interface SimulatedCall {
  /** Whom the judge knows it as: outlives the node's number. */
  readonly unit: UnitStory;
  readonly node: number;
  readonly attempt: number;
  readonly undo: boolean;
  /** Its signal was aborted. */
  aborted: boolean;
  /** The core no longer waits for it. */
  over: boolean;
  /** It was made before the process died: not yet made again. */
  lost: boolean;
  /** Chosen by the simulation when the call starts. */
  fate: string;
  /** It calls nothing: it waits for this. */
  readonly wait: Wait | undefined;
  /** What it does to the world, when there is one. */
  effect: SimulatedEffect | undefined;
}

/** A call that is to be made, or that was made at `at`, before the process died. */
export interface Dispatch {
  readonly node: number;
  readonly attempt: number;
  readonly undo: boolean;
  readonly at: number;
  readonly silent: boolean;
}

/** A call that is made now, or, `lost`, that was made before the process died. */
export function newCall(
  of: Pick<SimulatedCall, "unit" | "node" | "attempt" | "undo" | "wait" | "lost">,
): SimulatedCall {
  return { ...of, aborted: false, over: false, fate: "ok", effect: undefined };
}

/** Its idempotency key (R43); `id` is the node's, as snapshots have it. */
export function keyOf(runId: string, id: string, { undo, attempt }: Pick<SimulatedCall, "undo" | "attempt">): string {
  return `${runId}/${id}/${undo ? "undo/" : ""}${attempt}`;
}
