/**
 * Who runs what, in which order. A bout is one workload and those who run it in turns, so that ratios are taken within it. Slow peers
 * take part only in sizes that they finish in a few seconds.
 */
import { ENTRANTS } from "./entrants.ts";
import { type Workload, workloadOf } from "./workload.ts";

/** One workload, and who runs it. */
export interface Bout {
  readonly workload: Workload;
  /** Names of entrants, in the order of a round; a floor is first. */
  readonly entrants: readonly string[];
  /** At most so many measured rounds. Default: as many as are asked for. */
  readonly rounds?: number;
}

/** By workload; a workload may have several bouts. */
type Listed = readonly [workload: string, entrants: string, rounds?: number];

const FEATURES =
  "belay:timeout belay:retry belay:listener-elsewhere belay:listener belay:listeners belay:memory-journal";

const FULL: readonly Listed[] = [
  ["layered-1e3-async-16", "floor belay async.auto"],
  ["layered-1e4-async-16", "floor belay p-graph graphology+p-queue"],
  ["layered-1e5-async-16", "floor belay p-graph graphology+p-queue"],
  ["layered-1e6-async-16", "floor belay"],
  ["layered-1e3-async-unlimited", "floor belay p-graph graphology+p-queue promise-memo effect rxjs async.auto"],
  ["layered-1e4-async-unlimited", "floor belay p-graph graphology+p-queue promise-memo effect rxjs"],
  ["layered-1e5-async-unlimited", "floor belay p-graph graphology+p-queue promise-memo effect"],
  ["layered-1e6-async-unlimited", "floor belay"],
  ["layered-1e3-sync-16", "floor belay"],
  ["layered-1e4-sync-16", "floor belay"],
  ["layered-1e5-sync-16", "floor belay"],
  ["layered-1e6-sync-16", "floor belay"],
  ["layered-1e5-sync-unlimited", "floor belay"],
  ...["chain", "wide", "tree", "diamonds", "groups"].flatMap((graph): Listed[] => [
    ...(graph === "groups" ? [] : [[`${graph}-1e3-async-16`, "floor belay"] as const]),
    [`${graph}-1e4-async-16`, "floor belay"],
    [`${graph}-1e5-async-16`, "floor belay"],
    [`${graph}-1e6-async-16`, "floor belay"],
    [`${graph}-1e5-async-unlimited`, "floor belay"],
    [`${graph}-1e5-sync-16`, "floor belay"],
  ]),
  ["chain-1e6-sync-16", "floor belay"],
  ["debian-async-16", "floor belay p-graph"],
  ["debian-async-unlimited", "floor belay p-graph graphology+p-queue promise-memo"],
  ["githist-async-16", "floor belay p-graph"],
  ["layered-1e5-async-16", `floor belay ${FEATURES}`],
  ["layered-1e6-async-16", "belay:rollback"],
  ["layered-1e6-async-16", "belay:rollback-by-plan", 3],
  ["layered-1e5-async-16", "belay:memory", 3],
  ["layered-1e6-async-16", "belay:memory", 3],
  ["layered-1e5-async-16", "belay:allocation", 3],
  ["layered-1e5-async-16", "floor:interning belay:compile"],
  ["layered-1e6-async-16", "floor:interning belay:compile"],
];

const QUICK: readonly Listed[] = [
  ["layered-1e4-async-16", "floor belay p-graph"],
  ["layered-1e4-async-unlimited", "floor belay"],
  ["layered-1e4-sync-16", "floor belay"],
  ["layered-1e5-async-16", "floor belay"],
  ["chain-1e4-async-16", "floor belay"],
  ["wide-1e4-async-16", "floor belay"],
  ["groups-1e4-async-16", "floor belay"],
  ["layered-1e4-async-16", "floor belay belay:timeout belay:listener belay:memory-journal"],
  ["layered-1e4-async-16", "belay:rollback"],
  ["layered-1e4-async-16", "floor:interning belay:compile"],
  ["layered-1e5-async-16", "belay:memory", 1],
  ["layered-1e4-async-16", "belay:allocation"],
];

const GATE: readonly Listed[] = [
  ["layered-1e4-async-16", "floor belay belay:timeout"],
  ["layered-1e4-sync-16", "floor belay"],
  ["chain-1e4-async-16", "floor belay"],
  ["layered-1e4-async-16", "belay:allocation", 1],
];

const LISTS = { full: FULL, quick: QUICK, gate: GATE } as const;

/** What one asks for of the bouts. */
export interface Choice {
  readonly list: keyof typeof LISTS;
  /** These entrants, and the floors. */
  readonly only?: readonly string[] | undefined;
  /** These workloads; one that is in no list is run by the floor and Belay, or by the floor and `only`. */
  readonly workloads?: readonly string[] | undefined;
}

/** Fails for a name of nobody or nothing. */
export function boutsOf({ list, only, workloads }: Choice): readonly Bout[] {
  const unknown = only?.find((name) => !ENTRANTS.some((one) => one.name === name));
  if (unknown !== undefined)
    throw new Error(`no contender is called ${unknown}: ${ENTRANTS.map(({ name }) => name).join(", ")}`);
  const listed = LISTS[list];
  // What is asked for by name is run, listed or not.
  const added = (workloads ?? []).flatMap((workload): Listed[] => {
    const known = listed.filter(([name]) => name === workload).flatMap(([, entrants]) => entrants.split(" "));
    const missing =
      only === undefined && known.length === 0 ? ["belay"] : (only ?? []).filter((one) => !known.includes(one));
    // In one bout with all that is asked for: what a feature adds is told beside the plain one.
    return missing.length === 0 ? [] : [[workload, [...new Set(["floor", ...(only ?? missing)])].join(" ")]];
  });
  const bouts = [...listed, ...added].flatMap(([name, entrants, rounds]) => {
    if (workloads !== undefined && !workloads.includes(name)) return [];
    const all = entrants.split(" ");
    const taken = all.filter((one) => only === undefined || only.includes(one) || one.startsWith("floor"));
    if (taken.every((one) => one.startsWith("floor"))) return [];
    return [{ workload: workloadOf(name), entrants: taken, ...(rounds === undefined ? {} : { rounds }) }];
  });
  if (bouts.length === 0)
    throw new Error(`none of ${only?.join(", ")} is in the list: name a workload with --workload`);
  return bouts;
}
