/**
 * Where model and engine are known to part: each entry is a defect of the engine that is reported and not mended yet. A
 * run that meets one ends there, without a verdict. An entry goes when its defect is mended.
 */

import type { PlanDocument } from "@belay/engine";
import type { Call, ReferenceModel } from "@belay/engine/testing";

/** The model's side of a run: the model, what has happened so far, and the calls that are over. */
export interface Told {
  readonly document: PlanDocument;
  readonly model: ReferenceModel;
  readonly story: string[];
  readonly past: Call[];
}

interface KnownDefect {
  /** The rule, and what is wrong. */
  readonly what: string;
  /** Every difference between model and engine, one a line, must match. */
  readonly differences: RegExp;
  /** When it can happen; default: always. */
  readonly when?: (told: Told) => boolean;
}

/** A tolerated group takes its waiting members with it when it ends. */
const HELD_GROUP =
  /^nodes: the model says (\w+ FAILED|\w+\[\d\] SKIPPED\(upstream\)[^;,]*|; )+, the core (\w+ RUNNING|\w+\[\d\] PENDING[^;,]*|; )+$/;

const KNOWN: readonly KnownDefect[] = [
  {
    what: "R21: a failing group whose last open member is held stays RUNNING in a run at rest, and cannot be retried",
    differences: HELD_GROUP,
  },
  {
    what: "R14, R21: after a retry or a skip anywhere, the failure of a last candidate holds others only once it is undone",
    differences: /^(nodes|waiting|inFlight|deadlines): /,
    when: ({ document, model }) => isLastCandidateUndone(document, model),
  },
  {
    what: "R11: a node whose queued compensation was taken back keeps that place in the queue for its next attempt",
    differences: /^R11: /,
    when: ({ document }) => document.nodes.some(({ retry }) => retry?.mode === "compensate-first"),
  },
  {
    what: "R25: under kill, a member of a group that was retried gets one attempt only",
    differences: /^(status|deadlines|waiting): |^nodes: .* \w+\[\d\] READY #.*, the core .*\w+\[\d\] FAILED #/,
    when: ({ document }) => document.failureMode === "kill",
  },
  {
    what: "R37: after a cancel and a rollback, one node that failed cannot be retried although the run rests",
    differences:
      /^R37: \{"verb":"retry".*: the model says (done|node-state|tolerated|member-of-first-success), the core (moving|STATE_INVALID)$/,
    when: ({ story }) =>
      story.some((line) => line.endsWith('"verb":"cancel"}')) &&
      story.some((line) => line.includes('"verb":"rollback"')),
  },
  {
    what: "R20, R37: a member whose condition could not be evaluated runs without one when it is retried by itself",
    differences: /^(only the model asks|nodes|waiting|status|inFlight|deadlines|R41)/,
    when: ({ story }) =>
      story.some((line) => /^operator: .*"retry","node":"\w+\[/.test(line) && wasUndecided(story, line)),
  },
  {
    what: "R26, R37: a member that is undone between two attempts gets the next one although its group was canceled",
    differences: /^(nodes|waiting|status|inFlight|deadlines|R41)/,
    when: ({ document, story }) =>
      document.nodes.some(({ split, retry }) => split && retry?.mode === "compensate-first") &&
      story.some((line) => /"verb":"cancel","node":"\w+"\}$/.test(line)),
  },
  {
    what: "R12, R21, R37: what is retried after its compensation failed on the way forward is not decided anew",
    differences: /./,
    when: hasRetriedFailedUndo,
  },
];

/** A compensation of a candidate, or between two attempts, failed, and a retry was granted after that. */
function hasRetriedFailedUndo({ document, story }: Told): boolean {
  const goesForward = document.nodes.some(({ split, retry, compensation }) => {
    return compensation && (split?.method === "FIRST_SUCCESS" || retry?.mode === "compensate-first");
  });
  // In the whole engine a compensation times out when time passes.
  const timesOut = document.nodes.some(({ compensation }) => compensation?.timeout !== undefined);
  const failed = story.findIndex((line) => {
    if (timesOut && / s pass$/.test(line)) return true;
    return /^undo .* answers (retryable|fail|fatal)$|^due: .* compensation/.test(line);
  });
  return goesForward && failed >= 0 && story.slice(failed).some(isGrantedRetry);
}

/** The member that this line retries had a condition that could not be evaluated. */
function wasUndecided(story: readonly string[], retry: string): boolean {
  const member = /"node":"([^"]+)"/.exec(retry)?.[1] ?? "";
  return isGrantedRetry(retry) && story.includes(`  ${member} asked: fail 0`);
}

/** A refused verb says so at the end of its line. */
function isGrantedRetry(line: string): boolean {
  return line.includes('"verb":"retry"') && line.endsWith("}");
}

/** Some FIRST_SUCCESS group has no candidate left, and its last one is being undone. */
function isLastCandidateUndone({ nodes }: PlanDocument, model: ReferenceModel): boolean {
  return nodes.some(({ id, split }) => {
    const members = model.ids().filter((member) => member.startsWith(`${id}[`));
    if (split?.method !== "FIRST_SUCCESS" || model.standing(id).status !== "RUNNING" || members.length === 0)
      return false;
    return members.every((member) => /^(FAILED|COMPENS|SKIPPED)/.test(model.standing(member).status));
  });
}

/** Thrown when a run meets a known defect. */
export class MetKnownDefect extends Error {}

/** Throws what the differences say, if there are any. */
export function judge(differences: readonly string[], told: Told): void {
  if (differences.length === 0) return;
  const known = KNOWN.find((defect) => {
    return differences.every((line) => defect.differences.test(line)) && (defect.when?.(told) ?? true);
  });
  if (known !== undefined) throw new MetKnownDefect(known.what);
  throw new Error(differences.join("\n"));
}
