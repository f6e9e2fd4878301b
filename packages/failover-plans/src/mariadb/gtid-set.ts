/**
 * MySQL's GTID sets: `uuid:1-5:7,uuid2:1-3`, which servers wrote which numbers. Pure; as large as the text, since gaps are rare.
 */

/** Numbers from `from` to `to`, both included. */
interface Interval {
  readonly from: number;
  readonly to: number;
}

/** A set by server; intervals are in order and do not touch. */
export type GtidSet = ReadonlyMap<string, readonly Interval[]>;

/** Reads a set; "" is the empty one. Throws on what is none. */
export function parseGtidSet(text: string): GtidSet {
  const set = new Map<string, Interval[]>();
  for (const part of text.replace(/\s/g, "").split(",")) {
    if (part === "") continue;
    const [uuid = "", ...spans] = part.toLowerCase().split(":");
    if (!/^[0-9a-f-]{36}$/.test(uuid) || spans.length === 0) throw new Error(`no GTID set: "${part}"`);
    set.set(uuid, [...(set.get(uuid) ?? []), ...spans.map(intervalOf)]);
  }
  return new Map([...set].map(([uuid, intervals]) => [uuid, merged(intervals)]));
}

function intervalOf(span: string): Interval {
  const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(span) ?? [];
  if (from === undefined) throw new Error(`no interval of GTIDs: "${span}"`);
  return { from: Number(from), to: Number(to ?? from) };
}

function merged(intervals: readonly Interval[]): readonly Interval[] {
  const result: Interval[] = [];
  for (const next of intervals.toSorted((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last === undefined || next.from > last.to + 1) result.push(next);
    else result[result.length - 1] = { from: last.from, to: Math.max(last.to, next.to) };
  }
  return result;
}

/** What is in `whole` and not in `part`. */
export function subtract(whole: GtidSet, part: GtidSet): GtidSet {
  const left = new Map<string, readonly Interval[]>();
  for (const [uuid, intervals] of whole) {
    let rest = intervals;
    for (const hole of part.get(uuid) ?? []) rest = rest.flatMap((interval) => cut(interval, hole));
    if (rest.length > 0) left.set(uuid, rest);
  }
  return left;
}

function cut({ from, to }: Interval, hole: Interval): readonly Interval[] {
  return [
    { from, to: Math.min(to, hole.from - 1) },
    { from: Math.max(from, hole.to + 1), to },
  ].filter((part) => part.from <= part.to);
}

/** Both together. */
export function unite(a: GtidSet, b: GtidSet): GtidSet {
  const both = new Map(a);
  for (const [uuid, intervals] of b) both.set(uuid, merged([...(both.get(uuid) ?? []), ...intervals]));
  return both;
}

/** How many transactions are in it. */
export function sizeOf(set: GtidSet): number {
  let size = 0;
  for (const intervals of set.values()) for (const { from, to } of intervals) size += to - from + 1;
  return size;
}

/** As MySQL writes it. */
export function formatGtidSet(set: GtidSet): string {
  return [...set]
    .map(([uuid, intervals]) => [uuid, ...intervals.map(formatInterval)].join(":"))
    .sort()
    .join(",");
}

function formatInterval({ from, to }: Interval): string {
  return from === to ? String(from) : `${from}-${to}`;
}
