/**
 * Plays bouts: every entrant in a process of its own, in turns, one round each. Owns: the order of rounds, that building and running are
 * rounds of their own, the end of every process. One bout at a time: those of the last have ended before the next begins.
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
  /** Building is measured too. */
  readonly builds: boolean;
  /** Flags of Node for Belay's own processes. */
  readonly flags: readonly string[];
  /** Is told how far it is. */
  readonly say: (line: string) => void;
}

/** Beyond that size building is measured less often: it takes much longer than the run. */
const BUILD_SIZE = 200_000;
const BUILDS = 2;

/** Fails when an entrant's check does. */
export async function playBout({ workload, entrants, rounds }: Bout, play: Play): Promise<BoutResult | Skipped> {
  if (!isPresent(workload)) return { workload: workload.name, why: "the data of the graph are not on this machine" };
  const wanted = Math.min(rounds ?? play.rounds, play.rounds);
  const processes: ContenderProcess[] = [];
  const facts: Sample[] = [];
  let size: Sample = {};
  try {
    for (const name of entrants) {
      const one = new ContenderProcess(entrantOf(name), workload, play.flags);
      processes.push(one);
      size = await one.open();
      facts.push(await one.check());
    }
    const { nodes = 0, edges = 0 } = size;
    play.say(`${workload.name}: checked: ${entrants.join(", ")}`);
    const buildRounds = !play.builds ? 0 : nodes > BUILD_SIZE ? Math.min(BUILDS, wanted) : wanted;
    const builds = await inTurns(processes, buildRounds, (one) => one.build());
    play.say(`${workload.name}: built`);
    for (const one of processes) await one.warm();
    play.say(`${workload.name}: warm`);
    const runs = await inTurns(processes, wanted, (one) => one.sample());
    const samples = runs.map((all, index) => all.map((run, round) => ({ ...builds[index]?.[round], ...run })));
    const played = entrants.map((name, index) => ({ name, facts: facts[index] ?? {}, samples: samples[index] ?? [] }));
    return { workload: workload.name, nodes, edges, entrants: played };
  } finally {
    await Promise.all(processes.map((one) => one.end()));
  }
}

/** Of each process, what it answered in each round. There and back: who comes later has a warmer or a busier machine. */
async function inTurns(
  processes: readonly ContenderProcess[],
  rounds: number,
  ask: (one: ContenderProcess) => Promise<Sample>,
): Promise<Sample[][]> {
  const samples: Sample[][] = processes.map(() => []);
  for (let round = 0; round < rounds; round++) {
    const turns = [...processes.entries()];
    for (const [index, one] of round % 2 === 0 ? turns : turns.reverse()) samples[index]?.push(await ask(one));
  }
  return samples;
}
