/**
 * Calls of a simulated run that a crash cut off (R42). Owns: how each goes on, and the input that says so. Who was called,
 * and that it is told, is `simulated-run.ts`'s.
 */
import type { Input } from "../../core/index.ts";
import type { Json } from "../../plan/document.ts";
import type { CutOff } from "./faults.ts";
import type { SimulatedCall } from "./simulated-call.ts";

/** What waits goes on waiting, what was asked to let go has; else as drawn. */
export function cutOffOf(call: SimulatedCall, draw: () => CutOff): CutOff {
  if (call.aborted) return "lost";
  return call.wait === undefined ? draw() : "again";
}

/** What the engine is told of a call that is not made again; without `outputOf`, nobody can tell what came of it. */
export function resolution(
  { node, attempt, undo }: SimulatedCall,
  at: number,
  outputOf: ((node: number) => Json | undefined) | undefined,
): { readonly input: Input; readonly payload: Json | undefined } {
  if (outputOf !== undefined) {
    const input: Input = { kind: undo ? "undone" : "succeeded", at, node, attempt };
    return { input, payload: undo ? undefined : outputOf(node) };
  }
  const input: Input = undo
    ? { kind: "undo-failed", at, node, attempt, retryable: false }
    : { kind: "lost", at, node, attempt };
  return { input, payload: LOST };
}

const LOST: Json = { error: { code: "CRASHED", message: "nobody can tell what came of it", retryable: false } };
