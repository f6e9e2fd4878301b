/**
 * The work that every contender of `npm run bench:durable` does, and its witness. Owns: how much there is, what is timed,
 * and that every step ran once and in order. Does not own: how a contender runs a chain (`contender.ts` says what it
 * must do).
 *
 * What is timed, the same for all, with the clock of the contender's own process:
 * - a run of the work: from before the first chain is asked for until the last is known to be over and durable;
 * - step to step: from the call of one step's code to that of the next in its chain, which cannot come before the first
 *   is durable;
 * - a chain: from before it is asked for until it is known to be over and durable.
 */

/** Chains of no-op steps. */
export interface Work {
  /** Not in use before: names the chains. */
  readonly id: string;
  readonly chains: number;
  /** Steps of a chain. */
  readonly steps: number;
  /** Chains under way at once. */
  readonly atOnce: number;
}

/** Times of one run of the work. */
export interface Times {
  /** Milliseconds of the whole. */
  readonly wallMs: number;
  /** Milliseconds of CPU that the contender's process used, servers not counted. */
  readonly cpuMs: number;
  /** Milliseconds from step to step. */
  readonly stepMs: Spread;
  /** Milliseconds of a chain. */
  readonly chainMs: Spread;
}

/** A distribution. */
export interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Name of a chain in the contender's store. */
export function chainName({ id }: Work, index: number): string {
  return `${id}-${index}`;
}

/** Sees every call of every step. */
export class Witness {
  readonly #work: Work;
  readonly #chains = new Map<string, { next: number; at: number; ended: boolean }>();
  readonly #gaps: number[] = [];
  readonly #durations: number[] = [];

  constructor(work: Work) {
    this.#work = work;
  }

  /** The code of a step. Throws when it was called before, or too early. */
  step(chain: string, index: number): void {
    const now = performance.now();
    const seen = this.#chains.get(chain);
    if (seen === undefined) throw new Error(`step ${index} of ${chain}, which nobody asked for`);
    if (seen.next !== index) throw new Error(`step ${index} of ${chain} where step ${seen.next} was due`);
    if (index > 0) this.#gaps.push(now - seen.at);
    seen.next++;
    seen.at = now;
  }

  /** Runs the work, `atOnce` chains at a time; `play` answers once its chain is over and durable. */
  async run(play: (chain: string) => Promise<void>): Promise<Times> {
    const { atOnce, chains } = this.#work;
    const cpu = process.cpuUsage();
    const begun = performance.now();
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < chains) await this.#time(chainName(this.#work, next++), play);
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, chains) }, lane));
    const wallMs = performance.now() - begun;
    const { user, system } = process.cpuUsage(cpu);
    this.#complete();
    return { wallMs, cpuMs: (user + system) / 1e3, stepMs: spread(this.#gaps), chainMs: spread(this.#durations) };
  }

  async #time(chain: string, play: (chain: string) => Promise<void>): Promise<void> {
    const seen = { next: 0, at: 0, ended: false };
    this.#chains.set(chain, seen);
    const begun = performance.now();
    await play(chain);
    this.#durations.push(performance.now() - begun);
    seen.ended = true;
  }

  #complete(): void {
    const { chains, steps } = this.#work;
    if (this.#chains.size !== chains) throw new Error(`${this.#chains.size} chains of ${chains}`);
    for (const [chain, { next, ended }] of this.#chains) {
      if (!ended || next !== steps) throw new Error(`${chain} ran ${next} steps of ${steps}`);
    }
  }
}

/** What a store says of a chain, read back after the run. */
export interface StoredChain {
  /** The chain is over, by the store's own word. */
  readonly ended: boolean;
  /** Numbers of the steps that are kept as done, in the order in which they were done. */
  readonly steps: readonly number[];
}

/** Throws unless the store has every chain, each step of it once and in order. */
export function checkStored(work: Work, stored: ReadonlyMap<string, StoredChain>): void {
  for (let index = 0; index < work.chains; index++) {
    const name = chainName(work, index);
    const chain = stored.get(name);
    if (chain?.ended !== true) throw new Error(`the store does not say that ${name} is over`);
    const inOrder = chain.steps.length === work.steps && chain.steps.every((step, place) => step === place);
    if (!inOrder) throw new Error(`the store says that ${name} did ${chain.steps.join(", ")}`);
  }
}

/** Of no values: zeros. */
function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? 0 };
}
