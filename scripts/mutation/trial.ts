/**
 * The trial of every mutant: by the cases that reach it, fastest first, suite by suite, in worker processes side by side.
 * Owns: the order and the verdicts. Deterministic: which case kills a mutant depends on nothing but the sources.
 */
import type { Mutant } from "./instrument.ts";
import type { Answer, Ask, CaseReport } from "./messages.ts";
import type { Sandbox } from "./sandbox.ts";
import { WorkerProcess } from "./worker-process.ts";

/** What became of one mutant. */
export interface Verdict {
  readonly mutant: Mutant;
  /** `unreached`: no case comes by; `survived`: some do, and none notices. */
  readonly outcome: "killed" | "survived" | "unreached";
  /** The suite that killed it; "load" when it does not even load. */
  readonly suite?: string;
  /** The case that killed it, and what it said. */
  readonly by?: string;
  readonly error?: string;
  /** Of a survivor: cases whose outcomes were compared, and in how many the mutant changes what happens. */
  readonly compared?: number;
  readonly changed?: number;
}

export interface Trial {
  readonly verdicts: readonly Verdict[];
  readonly cases: readonly CaseReport[];
}

/** Cases with more turns of loops are about size: they take seconds and notice nothing that smaller ones do not. */
const MOST_BURNT = 200_000;

export interface TrialOptions {
  /** Worker processes. */
  readonly workers: number;
  /** The first so many suites; undefined = all. */
  readonly suites: number | undefined;
  /** Survivors that nobody is curious about. */
  readonly explained: (mutant: Mutant) => boolean;
  readonly chosen: (mutant: Mutant) => boolean;
  readonly progress: (done: readonly Verdict[], total: number) => void;
}

export async function tryMutants(sandbox: Sandbox, options: TrialOptions): Promise<Trial> {
  const { cases, atLoad } = await baselineOf(sandbox, options.suites);
  const court = new Court(sandbox, { cases, atLoad, options });
  const chosen = sandbox.mutants.filter(options.chosen);
  const verdicts: Verdict[] = [];
  let next = 0;
  const hear = async (): Promise<void> => {
    const bench = new Bench(sandbox, options.suites);
    for (let at = next++; at < chosen.length; at = next++) {
      verdicts[at] = await court.judge(chosen[at] as Mutant, bench);
      options.progress(verdicts.filter(Boolean), chosen.length);
    }
    bench.end();
  };
  await Promise.all(Array.from({ length: options.workers }, hear));
  return { verdicts, cases };
}

type Baseline = Extract<Answer, { kind: "baseline" }>;

async function baselineOf(sandbox: Sandbox, suites: number | undefined): Promise<Baseline> {
  const worker = new WorkerProcess(sandbox.folder, sandbox.mutants.length, -1, suites);
  const first = await worker.first;
  if (first?.kind !== "ready") throw new Error(`the suites do not load: ${JSON.stringify(first)}`);
  const answer = await worker.ask({ kind: "baseline" });
  worker.end();
  if (answer?.kind !== "baseline") throw new Error("the cases do not run without a mutant");
  return answer;
}

/** A worker process that is replaced when it is of no more use. */
class Bench {
  readonly #sandbox: Sandbox;
  readonly #suites: number | undefined;
  #worker: WorkerProcess | undefined;

  constructor(sandbox: Sandbox, suites: number | undefined) {
    this.#sandbox = sandbox;
    this.#suites = suites;
  }

  async worker(): Promise<WorkerProcess> {
    if (this.#worker !== undefined) return this.#worker;
    this.#worker = new WorkerProcess(this.#sandbox.folder, this.#sandbox.mutants.length, -1, this.#suites);
    await this.#worker.first;
    return this.#worker;
  }

  end(): void {
    this.#worker?.end();
    this.#worker = undefined;
  }
}

function isUsable({ error, burnt }: CaseReport): boolean {
  return error === undefined && burnt <= MOST_BURNT;
}

class Court {
  readonly #sandbox: Sandbox;
  readonly #options: TrialOptions;
  readonly #cases: readonly CaseReport[];
  readonly #atLoad: ReadonlySet<number>;
  /** Cases that reach a mutant, in the order in which they are tried. */
  readonly #order = new Map<number, number[]>();

  constructor(sandbox: Sandbox, { cases, atLoad, options }: Omit<Baseline, "kind"> & { options: TrialOptions }) {
    this.#sandbox = sandbox;
    this.#options = options;
    this.#cases = cases;
    this.#atLoad = new Set(atLoad);
    const suites = [...new Set(cases.map(({ suite }) => suite))];
    const usable = [...cases.keys()].filter((index) => isUsable(this.#case(index)));
    const rank = (index: number): number => suites.indexOf(this.#case(index).suite);
    usable.sort((a, b) => rank(a) - rank(b) || this.#case(a).burnt - this.#case(b).burnt || a - b);
    for (const index of usable) {
      for (const mutant of this.#case(index).reached) {
        const order = this.#order.get(mutant) ?? [];
        this.#order.set(mutant, order);
        order.push(index);
      }
    }
    for (const mutant of this.#atLoad) this.#order.set(mutant, usable);
  }

  async judge(mutant: Mutant, bench: Bench): Promise<Verdict> {
    const order = this.#order.get(mutant.id);
    if (order === undefined) return { mutant, outcome: "unreached" };
    if (this.#atLoad.has(mutant.id)) return this.#judgeAtLoad(mutant, order);
    const answer = await (await bench.worker()).ask(this.#question(mutant, order));
    if (answer === undefined || (answer.kind === "killed" && !answer.clean)) bench.end();
    return this.#verdict(mutant, answer);
  }

  /** What runs while the engine is loaded is tried in a process of its own. */
  async #judgeAtLoad(mutant: Mutant, order: readonly number[]): Promise<Verdict> {
    // Most fall in the first suite: it alone is loaded sooner.
    const first = order.filter((index) => this.#case(index).suite === this.#case(0).suite);
    const verdict = await this.#judgeLoaded(mutant, first, 1);
    return verdict.outcome === "survived" ? this.#judgeLoaded(mutant, order, this.#options.suites) : verdict;
  }

  async #judgeLoaded(mutant: Mutant, order: readonly number[], suites: number | undefined): Promise<Verdict> {
    const worker = new WorkerProcess(this.#sandbox.folder, this.#sandbox.mutants.length, mutant.id, suites);
    const first = await worker.first;
    if (first?.kind !== "ready") {
      worker.end();
      return { mutant, outcome: "killed", suite: "load", by: "load", error: first?.kind ?? "died" };
    }
    const answer = await worker.ask(this.#question(mutant, order));
    worker.end();
    return this.#verdict(mutant, answer);
  }

  #question(mutant: Mutant, order: readonly number[]): Extract<Ask, { kind: "kill" }> {
    const burnt = order.map((index) => this.#case(index).burnt);
    return { kind: "kill", mutant: mutant.id, order, burnt, compares: !this.#options.explained(mutant) };
  }

  #verdict(mutant: Mutant, answer: Answer | undefined): Verdict {
    if (answer?.kind === "killed") {
      const { suite, name } = this.#case(answer.by);
      return { mutant, outcome: "killed", suite, by: name, error: answer.error };
    }
    if (answer?.kind === "survived") {
      return { mutant, outcome: "survived", compared: answer.compared, changed: answer.changed };
    }
    return { mutant, outcome: "killed", suite: "hang", by: "hang", error: "it never answers" };
  }

  #case(index: number): CaseReport {
    return this.#cases[index] as CaseReport;
  }
}
