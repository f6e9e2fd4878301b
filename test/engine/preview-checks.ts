/**
 * What a preview said against what then happened. Owns: every comparison, each made from events, calls and snapshots alone.
 * Where time decided (a deadline passed), or the order of ends did, there is nothing to compare: the kind of it is answered.
 */
import type { AnyRunEvent, NodeDocument, PlanDocument, Preview, RunSnapshot } from "@belay/engine";
import { settleTurns } from "@belay/engine/testing";
import { expect } from "vitest";
import type { Life, Made } from "./preview-life.ts";

/** Where the life stood when the verb was asked. */
export interface Mark {
  readonly made: number;
  readonly events: number;
  readonly records: number;
  readonly open: readonly Made[];
  readonly status: RunSnapshot["status"];
  /** Calls that had been asked to let go, and had not. */
  readonly aborting: number;
}

export function markOf(life: Life): Mark {
  return {
    made: life.made.length,
    events: life.events.length,
    records: life.journal.read("run")?.records.length ?? 0,
    open: life.open,
    status: life.run.snapshot().status,
    aborting: life.aborting,
  };
}

export interface Lived {
  readonly document: PlanDocument;
  readonly life: Life;
  readonly from: Mark;
  readonly preview: Preview;
  /** In flight before the verb and right after it, and not asked to let go before. */
  readonly kept: readonly Made[];
  /** Calls ended in the order in which they were made. */
  readonly inOrder: boolean;
}

/** Compares; answers what could be compared: "all", "undecided", or why nothing. */
export async function compare(lived: Lived): Promise<string> {
  const { life, from, preview } = lived;
  const records = (life.journal.read("run")?.records ?? []).slice(from.records);
  if (records.some(({ input }) => input.kind === "due" && !/backoff/.test(input.deadline))) return "a deadline passed";
  if (records.some(({ input }) => input.kind === "resolved" && input.verdict === "fail")) return "an expression failed";
  const events = life.events.slice(from.events);
  if (from.open.length > 0 && failsInBetween(events, from.aborting > 1)) return "a failure came in between";
  const made = life.made.slice(from.made);
  if (preview.undecided.length > 0) {
    expect(preview.finalStatus).toBe(null);
    expect(attempts(made, false)).toEqual(expect.arrayContaining(steps(preview.run)));
    return "undecided";
  }
  expect(steps(preview.run)).toEqual(attempts(made, false));
  expect(steps(preview.compensate)).toEqual(attempts(made, true));
  expect(preview.finalStatus).toBe(life.run.snapshot().status);
  expect(preview.locksReleased).toEqual(/SUCC|^ROLLED|ABAND/.test(preview.finalStatus ?? "") ? ["cluster-1"] : []);
  compareNews(lived);
  compareBarriers(lived);
  compareRest(lived, made);
  compareOrder(lived, made);
  await compareResumed(lived);
  return "all";
}

/**
 * A failure holds what an end before it would have let start (R14): the order of ends decides. `anyEnd`: several calls were
 * to let go already, and nobody knows which of them does so first.
 */
function failsInBetween(events: readonly AnyRunEvent[], anyEnd: boolean): boolean {
  const ends = anyEnd ? /^node:(succeeded|compensated|failed|canceled)$/ : /^node:(succeeded|compensated)$/;
  const first = events.findIndex(({ type }) => ends.test(type));
  return first >= 0 && events.slice(first).some(({ type }) => type === "node:failed" || type === "node:canceled");
}

function attempts(made: readonly Made[], undo: boolean): string[] {
  return made.flatMap((one) => (one.undo === undo ? [`${one.id}#${one.attempt}`] : [])).sort();
}

function steps(list: Preview["run"]): string[] {
  return list.map(({ node, attempt }) => `${node}#${attempt}`).sort();
}

/** Ids that events of that kind named since. */
function said(events: readonly AnyRunEvent[], types: RegExp): string[] {
  return events.flatMap((event) => ("nodeId" in event && types.test(event.type) ? [event.nodeId] : []));
}

function compareNews({ life, from, preview, kept }: Lived): void {
  const events = life.events.slice(from.events);
  const groups = new Set(
    life.run
      .snapshot()
      .groups.filter(({ members }) => members > 0)
      .map(({ id }) => id),
  );
  const units = (ids: readonly string[]): string[] => ids.filter((id) => !groups.has(id)).sort();
  const aborted = said(events, /^node:canceling$/);
  expect([...preview.abort].sort()).toEqual([...aborted].sort());
  expect(units(preview.fail)).toEqual(units(said(events, /^node:(failed|canceled|compensation-failed)$/)));
  expect(preview.skip.map(({ node }) => node).sort()).toEqual(units(said(events, /^node:skipped$/)));
  const lasting = kept.filter(({ id, undo }) => undo || !aborted.includes(id));
  expect([...preview.finish].sort()).toEqual(lasting.map(({ id }) => id).sort());
}

function compareBarriers({ document, life, from, preview }: Lived): void {
  const prohibiting = (list: readonly Made[]): string[] => [
    ...new Set(list.flatMap(({ id, undo }) => (!undo && nodeOf(document, id).prohibitRollback === true ? [id] : []))),
  ];
  const started = prohibiting(life.made.slice(0, from.made));
  const crossed = prohibiting(life.made.slice(from.made)).filter((id) => !started.includes(id));
  expect([...preview.pointsOfNoReturn].sort()).toEqual(started.sort());
  expect([...preview.crosses].sort()).toEqual(crossed.sort());
}

function compareRest({ document, life, from, preview }: Lived, made: readonly Made[]): void {
  const { status } = life.run.snapshot();
  const words = made.filter(({ id }) => /approval|signal/.test(nodeOf(document, id).action)).map(({ id }) => id);
  expect(preview.awaits).toEqual(expect.arrayContaining(words));
  const events = life.events.slice(from.events);
  const back = from.status === "ROLLING_BACK" || events.some(({ type }) => type === "run:rolling-back");
  const left = back || status === "ABANDONED" ? stays(document, life) : [];
  expect(preview.leave.map(({ node }) => node).sort()).toEqual(left.sort());
}

/** What a resume starts at once, and what waits for its backoff. */
async function compareResumed({ life, preview }: Lived): Promise<void> {
  const { nodes, status } = life.run.snapshot();
  if (status !== "PAUSED") {
    expect(preview.afterResume).toEqual([]);
    return;
  }
  const made = life.made.length;
  const ready = nodes.filter((node) => node.status === "READY" || node.status === "COMPENSATING").map(({ id }) => id);
  await life.run.resume();
  await settleTurns();
  const started = life.made.slice(made).map(({ id }) => id);
  expect([...preview.afterResume].sort()).toEqual([...new Set([...ready, ...started])].sort());
}

/** Started, and not undone since: from what was called and answered alone. */
function stays(document: PlanDocument, life: Life): string[] {
  const effects = new Set<string>();
  for (const event of life.events) {
    if (event.type === "node:started") effects.add(event.nodeId);
    if (event.type === "node:compensated") effects.delete(event.nodeId);
  }
  const { nodes } = life.run.snapshot();
  return nodes.flatMap(({ id, started, action }) => {
    const { effect, always } = nodeOf(document, id);
    const reads = effect === "none" || always !== undefined || action !== "do";
    return started && effects.has(id) && !reads ? [id] : [];
  });
}

function compareOrder({ document, life, from, preview, inOrder }: Lived, made: readonly Made[]): void {
  const run = preview.run.map(({ node }) => node);
  const undone = preview.compensate.map(({ node }) => node);
  for (const order of [run, made.filter(({ undo }) => !undo).map(({ id }) => id)]) expectForward(document, order);
  const rollsBack = preview.status === "ROLLING_BACK" && from.status !== "ROLLING_BACK";
  const real = made.filter(({ undo }) => undo).map(({ id }) => id);
  if (rollsBack) for (const order of [undone, real]) expectBackward(document, order);
  const timed = [...from.open, ...made].some(({ id }) => nodeOf(document, id).action === "belay.wait");
  const records = (life.journal.read("run")?.records ?? []).slice(from.records);
  if (!inOrder || timed || records.some(({ input }) => input.kind === "due")) return;
  expect(inWaves(preview)).toEqual(made.map(({ id, undo, wave }) => `${wave} ${undo ? "undo " : ""}${id}`).sort());
  // With nothing else in flight, dispatch alone decides the order, pool by pool (R11, R41).
  if (from.open.length > 0) return;
  const started = made.filter(({ undo }) => !undo).map(({ id }) => id);
  expect(byPool(document, run)).toEqual(byPool(document, started));
  expect(byPool(document, undone)).toEqual(byPool(document, real));
}

function byPool(document: PlanDocument, order: readonly string[]): Record<string, string[]> {
  const pools: Record<string, string[]> = {};
  for (const id of order) {
    const { pool = "", action } = nodeOf(document, id);
    const name = action === "do" ? pool : "waiting";
    pools[name] = [...(pools[name] ?? []), id];
  }
  return pools;
}

function inWaves({ run, compensate }: Preview): string[] {
  const undone = compensate.map(({ node, wave }) => `${wave} undo ${node}`);
  return [...run.map(({ node, wave }) => `${wave} ${node}`), ...undone].sort();
}

/** R10: no node before its upstreams, where its trigger waits for all of them. */
function expectForward(document: PlanDocument, order: readonly string[]): void {
  for (const [place, id] of order.entries()) {
    const { trigger = "all_succeeded", upstreams = [] } = nodeOf(document, id);
    if (/^any/.test(trigger)) continue;
    const late = order.slice(place + 1).filter((other) => upstreams.includes(homeOf(other)));
    expect([id, late]).toEqual([id, []]);
  }
}

/** R30: no node before what is below it. */
function expectBackward(document: PlanDocument, order: readonly string[]): void {
  for (const [place, id] of order.entries()) {
    const below = descendants(document, homeOf(id));
    expect([id, order.slice(place + 1).filter((other) => below.has(homeOf(other)))]).toEqual([id, []]);
  }
}

function descendants({ nodes }: PlanDocument, id: string): ReadonlySet<string> {
  const below = new Set<string>();
  // Scenarios name nodes in an order in which upstreams come first.
  for (const node of nodes) {
    if ((node.upstreams ?? []).some((up) => up === id || below.has(up))) below.add(node.id);
  }
  return below;
}

const homeOf = (id: string): string => id.replace(/\[\d+\]$/, "");

function nodeOf({ nodes }: PlanDocument, id: string): NodeDocument {
  return nodes.find((node) => node.id === homeOf(id)) as NodeDocument;
}
