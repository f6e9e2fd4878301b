/**
 * What `npm run bench:durable` prints and writes: medians over the rounds of one run, and ratios between contenders of that
 * run. Owns: the arithmetic and the words. A time by itself says nothing on a machine that others use.
 */
import type { Entrant } from "./entrants.ts";
import type { Times, Work } from "./workload.ts";

/** All rounds of one contender at one kind of work. */
export interface Rounds {
  readonly entrant: Entrant;
  readonly settings: string;
  readonly rounds: readonly Times[];
}

/** Medians over the rounds. */
export interface Figures {
  readonly name: string;
  readonly title: string;
  readonly own: boolean;
  readonly settings: string;
  readonly rounds: number;
  readonly stepsPerSecond: number;
  /** Microseconds of CPU of the contender's process per step. */
  readonly cpuUsPerStep: number;
  /** Milliseconds. */
  readonly stepP50: number;
  readonly stepP99: number;
  readonly chainP50: number;
  readonly chainP99: number;
}

/** One contender of Belay's against the best of the peers in each figure; above 1 is better for Belay. */
export interface Ratio {
  readonly name: string;
  readonly figure: "stepsPerSecond" | "stepP99" | "chainP99";
  readonly bestPeer: string;
  readonly times: number;
}

export function figuresOf({ entrant, settings, rounds }: Rounds, work: Work): Figures {
  const total = work.chains * work.steps;
  const median = (of: (times: Times) => number): number => middle(rounds.map(of));
  return {
    name: entrant.name,
    title: entrant.title,
    own: entrant.own,
    settings,
    rounds: rounds.length,
    stepsPerSecond: total / (median(({ wallMs }) => wallMs) / 1e3),
    cpuUsPerStep: (median(({ cpuMs }) => cpuMs) * 1e3) / total,
    stepP50: median(({ stepMs }) => stepMs.p50),
    stepP99: median(({ stepMs }) => stepMs.p99),
    chainP50: median(({ chainMs }) => chainMs.p50),
    chainP99: median(({ chainMs }) => chainMs.p99),
  };
}

export function ratiosOf(all: readonly Figures[]): Ratio[] {
  const peers = all.filter(({ own }) => !own);
  if (peers.length === 0) return [];
  return all
    .filter(({ own }) => own)
    .flatMap((belay) => {
      const fastest = peers.toSorted((a, b) => b.stepsPerSecond - a.stepsPerSecond)[0] as Figures;
      const ratios: Ratio[] = [
        {
          name: belay.name,
          figure: "stepsPerSecond",
          bestPeer: fastest.name,
          times: belay.stepsPerSecond / fastest.stepsPerSecond,
        },
      ];
      for (const figure of ["stepP99", "chainP99"] as const) {
        const best = peers.toSorted((a, b) => a[figure] - b[figure])[0] as Figures;
        ratios.push({ name: belay.name, figure, bestPeer: best.name, times: best[figure] / belay[figure] });
      }
      return ratios;
    });
}

/** Lines for people. */
export function tableOf(title: string, all: readonly Figures[]): string[] {
  const line = (cells: readonly string[]): string =>
    cells.map((cell, index) => (index === 0 ? cell.padEnd(28) : cell.padStart(12))).join(" ");
  const reference = all.find(({ own }) => own);
  const lines = [
    title,
    line(["", "steps/s", "of the first", "CPU us/step", "step p50", "step p99", "chain p50", "chain p99"]),
  ];
  for (const one of all) {
    const share = reference === undefined ? "" : `${(one.stepsPerSecond / reference.stepsPerSecond).toFixed(3)}x`;
    const times = [one.stepP50, one.stepP99, one.chainP50, one.chainP99].map((ms) => `${ms.toFixed(2)} ms`);
    lines.push(line([one.title, one.stepsPerSecond.toFixed(0), share, one.cpuUsPerStep.toFixed(0), ...times]));
  }
  const words = { stepsPerSecond: "steps/s", stepP99: "step p99", chainP99: "chain p99" };
  for (const { name, figure, bestPeer, times } of ratiosOf(all)) {
    lines.push(`${name}: ${words[figure]} ${times.toFixed(1)} times better than the best peer's (${bestPeer})`);
  }
  return lines;
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
