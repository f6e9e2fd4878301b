/**
 * Which runs of a journal belong together (R42): a run, and the runs that its nodes started. Owns: what is taken up, kept and left
 * with what. Pure; lists are those of a journal, oldest first, so that a run stands before those inside it.
 */
import type { RunSummary } from "../journal/port.ts";

/** The runs that are wanted, with the runs that their nodes started, ended ones too: an undo asks for them. */
export function withInnerRuns(
  summaries: readonly RunSummary[],
  isWanted: (summary: RunSummary) => boolean,
): RunSummary[] {
  const chosen = new Set<string>();
  return summaries.filter((summary) => {
    const { parent, runId } = summary;
    const isInner = parent !== null && chosen.has(parent.runId);
    if (!isInner && !isWanted(summary)) return false;
    chosen.add(runId);
    return true;
  });
}

/** Those runs, with the runs around them that have not ended: whoever takes one of these up takes the runs inside, too. */
export function withOuterRuns(byId: SummariesById, runIds: readonly string[]): readonly string[] {
  const all = new Set(runIds);
  for (const id of all) {
    const around = aroundOf(byId, id);
    if (around !== undefined && !around.ended) all.add(around.runId);
  }
  return [...all];
}

/** A run around that one which has not ended, and may ask for it; undefined when nobody will. */
export function unendedAround(byId: SummariesById, runId: string): RunSummary | undefined {
  let around = aroundOf(byId, runId);
  while (around?.ended === true) around = aroundOf(byId, around.runId);
  return around;
}

/** Runs by their ids. */
export type SummariesById = ReadonlyMap<string, RunSummary>;

/** Makes them. */
export function summariesById(summaries: readonly RunSummary[]): SummariesById {
  return new Map(summaries.map((summary) => [summary.runId, summary]));
}

function aroundOf(byId: SummariesById, runId: string): RunSummary | undefined {
  return byId.get(byId.get(runId)?.parent?.runId ?? "");
}
