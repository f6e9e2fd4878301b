/**
 * What a failover cost its clients: compares what a workload saw with what the servers hold, whatever system they are of. Owns the
 * arithmetic and the waiting; how a server is asked is a `RowSource` of its system, which never changes anything on it.
 */
import { setTimeout as sleep } from "node:timers/promises";

/** How long the standbys have to catch up with the writer. */
const CATCH_UP_TIMEOUT_MS = 15_000;
const POLL_MS = 50;
/** How long a node that does not answer gets to answer after all. */
const GRACE_MS = 1000;
/** A gap up to the end of the workload that is shorter may just be the time between two rows. */
const OPEN_GAP_MS = 1000;
/** A time in which no client ran: their process was dead. Epoch milliseconds. */
export interface Absence {
  readonly from: number;
  readonly until: number;
}

/** What the clients saw. Times are epoch milliseconds. */
export interface Observations {
  readonly table: string;
  /** Ids from this one on are this workload's. */
  readonly firstId: number;
  /** Acknowledged ids. */
  readonly acknowledged: Set<number>;
  /** When each acknowledgement came; ascending. */
  readonly ackTimes: number[];
  readonly errors: Map<string, number>;
  /** In order; they do not overlap. */
  readonly absences: Absence[];
  readonly startedAt: number;
  stoppedAt: number;
  markedAt: number | null;
}

/** What a workload found out. */
export interface WorkloadReport {
  /** Inserts whose COMMIT the client saw. */
  readonly acknowledged: number;
  /**
   * Ids acknowledged but missing on `judgedBy`: data loss. Under `durability: on` any number but 0 is a fault. Null when no node
   * could be read: then nothing is known of loss.
   */
  readonly acknowledgedLost: number | null;
  /**
   * Name of the node that was judged by: the writer when there is exactly one; else, of the nodes that could be read, the one that
   * holds most of what was acknowledged. Null when none could be read.
   */
  readonly judgedBy: string | null;
  /** Ids whose client saw an error or a timeout, present on `judgedBy` all the same: unknown is not absent. */
  readonly unacknowledgedButPresent: number;
  /**
   * Milliseconds without any acknowledgement: the longest gap that ends after the marked moment, or the longest of all when
   * nothing was marked. A gap that nothing ended lasts until `stop`. Time without clients does not count.
   */
  readonly unavailabilityMs: number;
  /** Milliseconds in which no client ran, because their process had died. */
  readonly clientsGoneMs: number;
  /** False when that gap was still open at `stop`. */
  readonly writesResumed: boolean;
  /** Failed tries by SQLSTATE or socket code; TIMEOUT and CONNECTION_LOST are the client's own. */
  readonly errors: Readonly<Record<string, number>>;
  /** Rows of the table by node name; null where the node did not answer. */
  readonly rows: Readonly<Record<string, number | null>>;
  /** True when every node answered and holds the writer's rows: same count, same sum over the ids' hashes. */
  readonly allNodesEqual: boolean;
  /** Names of the nodes that accept writes. Exactly one in a healthy cluster; two is a split brain. */
  readonly writers: readonly string[];
}

/** What one server holds. */
export interface Content {
  readonly acceptsWrites: boolean;
  /** Rows of the workload's table. */
  readonly rows: number;
  /** Changes with any row; compared between servers of one system only. */
  readonly digest: string;
}

/** A server as the report asks it. Both questions reject when it does not answer in time. */
export interface RowSource {
  readonly name: string;
  content(): Promise<Content>;
  /** Ids of the table from that one on. */
  ids(firstId: number): Promise<ReadonlySet<number>>;
}

/** Waits, in bounded time, for the nodes to be equal; then reports what is there. */
export async function judge(nodes: readonly RowSource[], seen: Observations): Promise<WorkloadReport> {
  const contents = await readWhenEqual(nodes);
  const writers = nodes.filter((_, index) => contents[index]?.acceptsWrites);
  const readable = nodes.filter((_, index) => contents[index] !== null);
  const basis = await fullest(writers.length === 1 ? writers : readable, seen);
  return {
    acknowledged: seen.acknowledged.size,
    acknowledgedLost: basis && countMissing(seen.acknowledged, basis.ids),
    judgedBy: basis?.name ?? null,
    unacknowledgedButPresent: basis === null ? 0 : countMissing(basis.ids, seen.acknowledged),
    unavailabilityMs: longestGap(seen),
    clientsGoneMs: Math.round(absentMs(seen.absences, 0, Number.POSITIVE_INFINITY)),
    writesResumed: !isGapOpen(seen),
    errors: Object.fromEntries([...seen.errors].sort(([a], [b]) => a.localeCompare(b))),
    rows: Object.fromEntries(nodes.map(({ name }, index) => [name, contents[index]?.rows ?? null])),
    allNodesEqual: areEqual(contents),
    writers: writers.map(({ name }) => name),
  };
}

/** What the nodes hold once all are equal, or once they will not be: equal content is the condition, positions would only stand for it. */
async function readWhenEqual(nodes: readonly RowSource[]): Promise<readonly (Content | null)[]> {
  const startedAt = performance.now();
  for (;;) {
    const contents = await Promise.all(nodes.map((node) => node.content().catch(() => null)));
    const waitedMs = performance.now() - startedAt;
    const answers = contents.filter((content) => content !== null);
    // Nodes that are down do not catch up, and without one writer nobody does: those get a moment, in case they were only busy.
    const canCatchUp = answers.filter(({ acceptsWrites }) => acceptsWrites).length === 1 && !areEqual(answers);
    if (areEqual(contents) || waitedMs > (canCatchUp ? CATCH_UP_TIMEOUT_MS : GRACE_MS)) return contents;
    await sleep(POLL_MS);
  }
}

/** Of these nodes the one that misses least of what was acknowledged, with its ids; null when none can be read. */
async function fullest(
  nodes: readonly RowSource[],
  seen: Observations,
): Promise<{ readonly name: string; readonly ids: ReadonlySet<number> } | null> {
  const answers = await Promise.all(
    nodes.map(async (node) => {
      const ids = await node.ids(seen.firstId).catch(() => null);
      return ids === null ? [] : [{ name: node.name, ids, missing: countMissing(seen.acknowledged, ids) }];
    }),
  );
  return answers.flat().toSorted((a, b) => a.missing - b.missing)[0] ?? null;
}

function areEqual(contents: readonly (Content | null)[]): boolean {
  const [first] = contents;
  return contents.every(
    (content) => content !== null && content.digest === first?.digest && content.rows === first.rows,
  );
}

function countMissing(wanted: ReadonlySet<number>, present: ReadonlySet<number>): number {
  let missing = 0;
  for (const id of wanted) if (!present.has(id)) missing += 1;
  return missing;
}

type Times = Pick<Observations, "ackTimes" | "startedAt" | "stoppedAt" | "markedAt" | "absences">;

/** Exported for its tests: the window arithmetic of `unavailabilityMs`. */
export function longestGap(seen: Times): number {
  let longest = 0;
  let from = seen.ackTimes[0] ?? seen.startedAt;
  for (const until of [...seen.ackTimes, seen.stoppedAt]) {
    if (seen.markedAt === null || until > seen.markedAt) longest = Math.max(longest, observedMs(seen, from, until));
    from = until;
  }
  return Math.round(longest);
}

/** Whether nothing was acknowledged any more when the workload was stopped, and the gap is the one that `longestGap` reports. */
export function isGapOpen(seen: Times): boolean {
  const lastMs = observedMs(seen, seen.ackTimes.at(-1) ?? seen.startedAt, seen.stoppedAt);
  return lastMs >= OPEN_GAP_MS && Math.round(lastMs) >= longestGap(seen);
}

/** The part of a span in which there were clients to notice anything. */
function observedMs({ absences }: Times, from: number, until: number): number {
  return until - from - absentMs(absences, from, until);
}

function absentMs(absences: readonly Absence[], from: number, until: number): number {
  let sum = 0;
  for (const absence of absences) sum += Math.max(0, Math.min(until, absence.until) - Math.max(from, absence.from));
  return sum;
}
