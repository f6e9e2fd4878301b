/**
 * Plays bouts: every entrant in a process of its own, in turns, one round each. Owns: the order of rounds, when what outlives a run
 * is built anew, the end of every process. One bout at a time: those of the last have ended before the next begins.
 */
import type { Bout } from "./bouts.ts";
import type { Sample } from "./contender.ts";
import { ContenderProcess } from "./contender-process.ts";
import { entrantOf } from "./entrants.ts";
import { isPresent } from "./workload.ts";

/** All rounds of one entrant in a bout. */
export interface Rounds {
  readonly name: string;
  /** What its untimed round found out: `timers` of Node, `journalRecords`. */
  readonly facts: Sample;
  readonly samples: readonly Sample[];
}

/** What a bout came to. */
export interface BoutResult {
  readonly workload: string;
  readonly nodes: number;
  readonly edges: number;
  readonly entrants: readonly Rounds[];
}

/** A bout that could not be played here. */
export interface Skipped {
  readonly workload: string;
  readonly why: string;
}

/** How bouts are played. */
export interface Play {
  /** Measured rounds of each. */
  readonly rounds: number;
  /** Flags of Node for Belay's own processes. */
  readonly flags: readonly string[];
  /** Is told how far it is. */
  readonly say: (line: string) => void;
}

/** Beyond that size building is measured in the first rounds only: it takes much longer than the run. */
const BUILD_SIZE = 200_000;
const BUILDS = 2;

/** Fails when an entrant's check does. */
export async function playBout({ workload, entrants, rounds }: Bout, play: Play): Promise<BoutResult | Skipped> {
  if (!isPresent(workload)) return { workload: workload.name, why: "the data of the graph are not on this machine" };
  const wanted = Math.min(rounds ?? play.rounds, play.rounds);
  const processes: ContenderProcess[] = [];
  const facts: Sample[] = [];
  const samples: Sample[][] = entrants.map(() => []);
  let size: Sample = {};
  try {
    for (const name of entrants) {
      const one = new ContenderProcess(entrantOf(name), workload, play.flags);
      processes.push(one);
      size = await one.open();
      facts.push(await one.check());
      await one.warm();
    }
    play.say(`${workload.name}: checked and warm: ${entrants.join(", ")}`);
    const { nodes = 0, edges = 0 } = size;
    for (let round = 0; round < wanted; round++) {
      const build = nodes <= BUILD_SIZE || round < BUILDS;
      // There and back: who comes later has a warmer or a busier machine.
      const inTurn = [...processes.entries()];
      for (const [index, one] of round % 2 === 0 ? inTurn : inTurn.reverse())
        samples[index]?.push(await one.sample(build));
      play.say(`${workload.name}: round ${round + 1} of ${wanted}`);
    }
    const played = entrants.map((name, index) => ({ name, facts: facts[index] ?? {}, samples: samples[index] ?? [] }));
    return { workload: workload.name, nodes, edges, entrants: played };
  } finally {
    await Promise.all(processes.map((one) => one.end()));
  }
}
