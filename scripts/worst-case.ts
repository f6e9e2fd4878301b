/**
 * How long a plan can take at most, by its own limits: every attempt of every step on the slowest path runs into its timeout, every pause
 * between attempts is as long as the plan allows, and no aborted call lets go before its grace is over (R26). Owns: that sum. Members of
 * a group that run at once count once; of one whose members follow each other, whose number only a run knows, one member is counted and
 * named.
 */
import type { NodeDocument, PlanDocument } from "../packages/engine/src/plan/document.ts";

/** What a plan takes at worst. */
export interface WorstCase {
  /** Seconds of the slowest path; Infinity when a step on it has no timeout. */
  readonly forwardSeconds: number;
  /** Seconds that undoing every compensated step takes, along the slowest path. */
  readonly undoSeconds: number;
  /** By step: seconds from the start until its end. */
  readonly until: ReadonlyMap<string, number>;
  /** The slowest path, from its root. */
  readonly path: readonly string[];
  /** Steps whose members follow each other: counted for one. */
  readonly perMember: readonly string[];
}

/** What an engine gives a call that was told to end, unless its `graceMs` says otherwise. */
export const GRACE_SECONDS = 5;

interface Timing {
  readonly seconds: number;
  readonly previous: string | undefined;
}

/** Cost: linear in nodes and edges. Nodes of a checked plan have no cycle. */
export function worstCase(document: PlanDocument): WorstCase {
  const forward = longest(document, (node) => forwardOf(node, document));
  const undo = longest(document, (node) => undoOf(node, document));
  const inTurn = document.nodes.filter(
    ({ split }) => split !== undefined && split.method !== undefined && split.method !== "PARALLEL",
  );
  return {
    forwardSeconds: forward.seconds,
    undoSeconds: undo.seconds,
    path: forward.path,
    until: forward.until,
    perMember: inTurn.map(({ id }) => id),
  };
}

function longest(
  { nodes }: PlanDocument,
  secondsOf: (node: NodeDocument) => number,
): { readonly seconds: number; readonly path: readonly string[]; readonly until: ReadonlyMap<string, number> } {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const known = new Map<string, Timing>();
  let last: string | undefined;
  for (const id of inOrder(nodes)) {
    const node = byId.get(id) as NodeDocument;
    let before: Timing = { seconds: 0, previous: undefined };
    for (const upstream of node.upstreams ?? []) {
      const { seconds } = known.get(upstream) as Timing;
      if (seconds >= before.seconds) before = { seconds, previous: upstream };
    }
    known.set(id, { seconds: before.seconds + secondsOf(node), previous: before.previous });
    if (last === undefined || (known.get(id) as Timing).seconds >= (known.get(last) as Timing).seconds) last = id;
  }
  const path: string[] = [];
  for (let id = last; id !== undefined; id = known.get(id)?.previous) path.unshift(id);
  const until = new Map([...known].map(([id, { seconds }]) => [id, seconds]));
  return { seconds: last === undefined ? 0 : (known.get(last) as Timing).seconds, path, until };
}

/** Upstreams before their node, whatever the order of the plan. */
function inOrder(nodes: readonly NodeDocument[]): string[] {
  const left = new Map(nodes.map(({ id, upstreams = [] }) => [id, upstreams.length]));
  const downstreams = new Map<string, string[]>();
  for (const { id, upstreams = [] } of nodes)
    for (const upstream of upstreams) downstreams.set(upstream, [...(downstreams.get(upstream) ?? []), id]);
  const order = nodes.filter(({ upstreams = [] }) => upstreams.length === 0).map(({ id }) => id);
  for (const id of order)
    for (const downstream of downstreams.get(id) ?? []) {
      const count = (left.get(downstream) as number) - 1;
      left.set(downstream, count);
      if (count === 0) order.push(downstream);
    }
  return order;
}

function forwardOf(node: NodeDocument, { defaults }: PlanDocument): number {
  const attempts = withPauses(node.retry ?? defaults?.retry, limitOf(node.timeout ?? defaults?.timeout));
  return Math.min(attempts, limitOf(node.totalTimeout) + GRACE_SECONDS);
}

function undoOf(node: NodeDocument, { defaults }: PlanDocument): number {
  const { compensation } = node;
  if (compensation === undefined) return 0;
  return withPauses(compensation.retry, limitOf(compensation.timeout ?? defaults?.compensation?.timeout));
}

/** 0 and nothing both mean: no limit. */
function limitOf(timeout: number | undefined): number {
  return timeout === undefined || timeout === 0 ? Number.POSITIVE_INFINITY : timeout;
}

/** All attempts and the pauses between them. */
function withPauses(retry: NodeDocument["retry"], timeout: number): number {
  const attempts = retry?.maxAttempts ?? 1;
  let seconds = attempts * (timeout + GRACE_SECONDS);
  const initial = retry?.initialInterval ?? 1;
  let pause = initial;
  for (let at = 1; at < attempts; at++) {
    seconds += Math.min(pause, retry?.maxInterval ?? 100 * initial);
    pause *= retry?.backoffCoefficient ?? 2;
  }
  return seconds;
}

/** `95` as "1 min 35 s". */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return "no limit";
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = Math.round(seconds % 60);
  const parts = [hours > 0 ? `${hours} h` : "", minutes > 0 ? `${minutes} min` : "", rest > 0 ? `${rest} s` : ""];
  return parts.filter((part) => part !== "").join(" ") || "0 s";
}
