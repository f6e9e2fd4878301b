/**
 * Rollback as the reference model reads R30 to R35: what is in scope, what may be undone now, how it ends. Nothing is
 * counted: after every event all of it is asked again.
 */
import { queueUndo } from "./reference-attempt.ts";
import {
  declared,
  type Entry,
  everything,
  hasUndo,
  isBarrier,
  isTeardown,
  type RollbackTo,
  type World,
  workers,
} from "./reference-state.ts";

/** R30, R34, R35: the declared nodes that a rollback may touch; a teardown is none of them. */
export function scopeOf(world: World, to: RollbackTo): Set<string> {
  const standing = barriers(world).map(({ node }) => node.id);
  const isInScope = (id: string): boolean => {
    if (typeof to === "object") return world.below.get(to.node)?.has(id) === true;
    return to === "all" || !standing.some((barrier) => barrier === id || world.below.get(id)?.has(barrier));
  };
  const ordinary = declared(world).filter((entry) => !isTeardown(entry));
  return new Set(ordinary.map(({ id }) => id).filter(isInScope));
}

/** R33: prohibiting nodes and members that have started. */
export function barriers(world: World): Entry[] {
  return workers(world).filter(isBarrier);
}

/** R30, R32: `again`: compensations that failed are tried once more (R32). */
export function beginRollback(world: World, to: RollbackTo, again: boolean): void {
  world.status = "ROLLING_BACK";
  world.tearingDown = false;
  world.rollback = { to, scope: scopeOf(world, to) };
  const failed = workers(world).filter(({ status }) => status === "COMPENSATION_FAILED");
  world.givenUp = new Set(again ? [] : failed.map(({ id }) => id));
}

/** R30, R31: every node in scope below which all is cleared is undone now; several branches at once. */
export function advanceRollback(world: World): void {
  for (const entry of declared(world)) {
    if (!world.rollback?.scope.has(entry.id) || !isClearedBelow(world, entry)) continue;
    const parts = (entry.members ?? [entry]).toReversed();
    for (const part of parts) {
      // R30: what has started and has nothing to undo is passed, and runs again when the run goes forward.
      if (part.started && !hasUndo(part)) part.undone = true;
      const left = part.undo === undefined && !world.givenUp.has(part.id);
      if (isDue(part) && left) queueUndo(part, "rollback");
      // R21: chained members are undone one after the other, the last one first.
      if (isDue(part) && entry.members && (entry.node.split?.method ?? "PARALLEL") !== "PARALLEL") break;
    }
  }
}

/** R30: still to be undone. */
function isDue(part: Entry): boolean {
  return hasUndo(part) && !part.undone;
}

/** R30: a node with nothing to undo, or out of scope, does not shield what is below it. */
function isClearedBelow(world: World, entry: Entry): boolean {
  const below = [...(world.below.get(entry.id) ?? [])];
  return below.every((id) => !world.rollback?.scope.has(id) || isCleared(world.declared.get(id) as Entry));
}

/** R32: a compensation that failed is never cleared. */
function isCleared(entry: Entry): boolean {
  return !(entry.members ?? [entry]).some(isDue);
}

/** R32, R34, R35. A failed compensation of an earlier rollback is not forgotten. */
export function rollbackEnd(world: World): "ROLLED_BACK" | "PARTIALLY_ROLLED_BACK" | "ROLLBACK_FAILED" {
  const scope = world.rollback?.scope;
  const failed = everything(world).some((entry) => {
    if (entry.status !== "COMPENSATION_FAILED" || entry.undone) return false;
    return entry.purpose === "rollback" || scope?.has(entry.node.id) === true;
  });
  const whole = world.rollback?.to === "all" || (world.rollback?.to === "barrier" && barriers(world).length === 0);
  if (failed) return "ROLLBACK_FAILED";
  return whole ? "ROLLED_BACK" : "PARTIALLY_ROLLED_BACK";
}
