/**
 * What an operator can do with a run that its journal keeps, as commands to copy. Pure. Owns: which verbs are offered when:
 * those that the run's state allows (R37), and no undoing past a point of no return (R33, R34).
 */
import type { NodeSnapshot, RunSnapshot } from "@belay/engine";
import type { Colors } from "../output.ts";
import { commandLine } from "../shell.ts";
import { idsOf, keptIds, startedBarriers, undoable, unknownEffects } from "./run-facts.ts";

/** How the run is named on a command line. */
export interface StoredRef {
  /** Its id, or a beginning of it that is enough. */
  readonly run: string;
  /** The journal's file, as it was given. */
  readonly db: string;
  /** Somebody executes it: another process, by what is said of it; null = nobody, or this one that is about to end. */
  readonly executedBy: string | null;
}

/** An offer: what it does, and the command. */
type Offer = readonly [does: string, words: readonly string[]];

/** The lines, without line ends; none for a run that has ended for good. */
export function storedChoices(snapshot: RunSnapshot, stored: StoredRef, colors: Colors): string[] {
  const offers = [...waits(snapshot), ...byStatus(snapshot, stored)];
  if (offers.length === 0) return [];
  const lines = ["", colors.bold("What you can do now:"), ...warnings(snapshot)];
  for (const [does, [verb = "", ...rest]] of offers) {
    const run = verb === "recover" ? [] : [stored.run];
    const after = verb === "recover" ? [stored.run] : [];
    const words = ["belay", verb, ...run, ...rest, "--db", stored.db, ...after];
    lines.push(`  ${does}:`, `    ${colors.cyan(commandLine(words))}`);
  }
  const [, [verb = "", ...rest]] = offers[0] as Offer;
  if (verb === "recover") return lines;
  const words = ["belay", "preview", verb, stored.run, ...rest, "--db", stored.db];
  return [...lines, "  what one of them would do, before it is done:", `    ${colors.cyan(commandLine(words))}`];
}

/** What only people can decide. */
function waits(snapshot: RunSnapshot): Offer[] {
  return snapshot.nodes.flatMap(({ id, waiting }): Offer[] => {
    if (waiting?.for === "signal") return [[`tell ${id} what it waits for`, ["signal", id]]];
    if (waiting?.for !== "approval") return [];
    return [
      [`approve ${id}`, ["approve", id]],
      [`or refuse it`, ["reject", id]],
    ];
  });
}

function byStatus(snapshot: RunSnapshot, { executedBy }: StoredRef): Offer[] {
  const giveUp: Offer = ["give it up; nothing is undone", ["abandon"]];
  const again: Offer = ["go forward again, once the cause is removed", ["retry"]];
  switch (snapshot.status) {
    case "RUNNING":
    case "ROLLING_BACK":
      if (executedBy !== null) return [];
      return [
        ["nobody executes it; let it go on", ["recover"]],
        ["or give it up where it was cut off; nothing is undone", ["abandon"]],
      ];
    case "FAILED":
      return [again, ...passing(snapshot), ...undoing(snapshot), giveUp];
    case "CANCELED":
      return [["go forward again", ["retry"]], ...undoing(snapshot), giveUp];
    case "PAUSED":
      // What is under way in a paused run goes on to its end: before that it cannot be given up.
      return [["let it go on", ["resume"]], ["stop it", ["cancel"]], ...(snapshot.finishTime === null ? [] : [giveUp])];
    case "PARTIALLY_ROLLED_BACK":
      return [again, giveUp];
    case "ROLLBACK_FAILED":
      return [["undo what is left, once the cause is removed", ["rollback"]], ...passingUndo(snapshot), giveUp];
    case "SUCCESSFUL":
    case "ROLLED_BACK":
    case "ABANDONED":
      return [];
  }
}

/** The first failed node, passed. */
function passing(snapshot: RunSnapshot): Offer[] {
  const failed = snapshot.nodes.find((node) => node.status === "FAILED" && !node.tolerated);
  return failed === undefined ? [] : [[`pass ${failed.id}, once it is done by hand`, ["skip", failed.id]]];
}

function passingUndo(snapshot: RunSnapshot): Offer[] {
  const stuck = snapshot.nodes.find((node) => node.status === "COMPENSATION_FAILED");
  return stuck === undefined ? [] : [[`pass ${stuck.id}, once it is undone by hand`, ["skip-rollback", stuck.id]]];
}

function undoing(snapshot: RunSnapshot): Offer[] {
  const undone = undoable(snapshot);
  if (undone.length === 0) return [];
  const barrier = startedBarriers(snapshot).length > 0 ? ["--to", "barrier"] : [];
  return [[`undo what ${barrier.length > 0 ? "is safe" : "was done"} (${idsOf(undone)})`, ["rollback", ...barrier]]];
}

/** Past a point of no return: of what nobody knows whether it took effect. */
function warnings(snapshot: RunSnapshot): string[] {
  const kept = keptIds(snapshot);
  const failed = ({ id, status, started }: NodeSnapshot): boolean => started && kept.has(id) && status === "FAILED";
  const unknown = unknownEffects(snapshot.nodes.filter(failed));
  return unknown.length === 0 ? [] : [`  whether this took effect is not known, look first: ${idsOf(unknown)}`];
}
