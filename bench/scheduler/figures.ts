/**
 * Figures out of measured rounds. Owns: the arithmetic. A ratio is taken round by round within one bout, then the median with the
 * least and the largest: a time by itself says little on a machine that others use.
 */
import type { Sample } from "./contender.ts";
import type { BoutResult, Rounds } from "./measure.ts";

/** A figure over the rounds of a bout. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** A figure of one round of one entrant. */
export type Figure = (sample: Sample) => number;

/** Milliseconds of the run. */
export const RUN: Figure = ({ runMs = Number.NaN }) => runMs;
/** Milliseconds of CPU of the process during the run, those of the collector and the compiler too. */
export const CPU: Figure = ({ runCpuMs = Number.NaN }) => runCpuMs;
/** Milliseconds before the first node; NaN in rounds that build nothing anew. */
export const BUILD: Figure = ({ buildMs = Number.NaN, startMs = Number.NaN }) => buildMs + startMs;
export const BUILD_AND_RUN: Figure = (sample) => BUILD(sample) + RUN(sample);

/** Of the values there are; undefined when there are none. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = values.filter((value) => !Number.isNaN(value)).toSorted((a, b) => a - b);
  const [min, median, max] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)];
  return min === undefined || median === undefined || max === undefined ? undefined : { median, min, max };
}

/** All that was measured in one run of the benchmark. */
export class Figures {
  readonly bouts: readonly BoutResult[];

  constructor(bouts: readonly BoutResult[]) {
    this.bouts = bouts;
  }

  /** The bout of a workload in which all of these took part. */
  bout(workload: string, ...names: readonly string[]): BoutResult | undefined {
    return this.bouts.find(
      (bout) => bout.workload === workload && names.every((name) => bout.entrants.some((one) => one.name === name)),
    );
  }

  /** One figure of one entrant. */
  of(workload: string, name: string, figure: Figure): Spread | undefined {
    const rounds = this.#rounds(workload, [name])?.[0];
    return rounds && spreadOf(rounds.samples.map(figure));
  }

  /** A figure of one entrant over that of another, round by round. */
  ratio(workload: string, [above, below]: readonly [string, string], figure: Figure = RUN): Spread | undefined {
    return this.each(workload, [above, below], ([a = {}, b = {}]) => figure(a) / figure(b));
  }

  /** Whatever one makes of the samples that these have of one round. */
  each(workload: string, names: readonly string[], make: (samples: readonly Sample[]) => number): Spread | undefined {
    const all = this.#rounds(workload, names);
    return (
      all && spreadOf((all[0]?.samples ?? []).map((_, round) => make(all.map(({ samples }) => samples[round] ?? {}))))
    );
  }

  /** What an untimed round found out. */
  fact(workload: string, name: string, fact: string): number | undefined {
    return this.#rounds(workload, [name])?.[0]?.facts[fact];
  }

  #rounds(workload: string, names: readonly string[]): readonly Rounds[] | undefined {
    const bout = this.bout(workload, ...names);
    return bout && names.map((name) => bout.entrants.find((one) => one.name === name) as Rounds);
  }
}

/** The higher of several spreads, by their medians; undefined when one of them is. */
export function highest(spreads: readonly (Spread | undefined)[]): Spread | undefined {
  return extreme(spreads, (a, b) => a.median > b.median);
}

/** The lower of several. */
export function lowest(spreads: readonly (Spread | undefined)[]): Spread | undefined {
  return extreme(spreads, (a, b) => a.median < b.median);
}

function extreme(
  spreads: readonly (Spread | undefined)[],
  isMore: (a: Spread, b: Spread) => boolean,
): Spread | undefined {
  if (spreads.includes(undefined)) return undefined;
  return (spreads as Spread[]).reduce((best, one) => (isMore(one, best) ? one : best));
}
