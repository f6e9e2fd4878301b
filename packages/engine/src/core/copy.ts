/**
 * A copy of a run's state, to try on it what would follow (R38): stepping the one changes nothing in the other. Owns: how
 * each kind of part is copied; a part of another kind does not compile. The plan and the settings never change and are
 * shared. Cost: linear in the size of the state.
 */
import { ReadyQueue } from "./ready-queue.ts";
import type { GroupState, Rounds, RunState } from "./state.ts";
import { Worklist } from "./worklist.ts";

/** What a state is made of, beside the plan and the settings. */
type Part = string | number | boolean | Uint8Array | Int32Array | Worklist | Rounds | undefined | readonly Item[];
type Item = ReadyQueue | GroupState | undefined;

/** A state that steps on its own from here. */
export function copyState(state: RunState): RunState {
  const names = Object.keys(state) as (keyof RunState)[];
  const parts = names.map((name) => {
    const shared = name === "plan" || name === "settings";
    return [name, shared ? state[name] : copyPart(state[name])];
  });
  return Object.fromEntries(parts) as RunState;
}

function copyPart(part: Part): Part {
  if (typeof part !== "object") return part;
  if (part instanceof Uint8Array || part instanceof Int32Array) return part.slice();
  if (part instanceof Worklist) return part.copy();
  return "undoAttempt" in part ? copyRounds(part) : part.map(copyItem);
}

function copyRounds({ start, undoAttempt, undoStart }: Rounds): Rounds {
  return { start: start.slice(), undoAttempt: undoAttempt.slice(), undoStart: undoStart.slice() };
}

/** A group's own fields are numbers and flags; its split is part of the plan. */
function copyItem(item: Item): Item {
  if (typeof item !== "object") return item;
  return item instanceof ReadyQueue ? item.copy() : { ...item };
}
