/**
 * The process in which mutants are tried, inside the sandbox. Owns: running cases, and telling what became of each.
 * Does not own: which mutant is tried by which cases (`trial.ts`).
 *
 * A case's fuel is a multiple of what it burns without a mutant. Work that a killed case leaves behind is cut off, so
 * that it cannot meet the next mutant.
 */
import { type Board, installBoard } from "./board.ts";
import type { KillCase } from "./kill-suite.ts";
import type { Answer, Ask, CaseReport } from "./messages.ts";

/** Loops may take this many times the turns they take without a mutant, and some more. */
const FUEL_FACTOR = 20;
const FUEL_BASE = 20_000;
/** Milliseconds between two looks at what is pending, and looks that see nothing before a promise is given up. */
const LOOK_MS = 10;
const QUIET_LOOKS = 3;
/** Looks after which what a case left behind is taken for endless. */
const DRAIN_LOOKS = 200;
/** Milliseconds for one case that waits for real timers. */
const PATIENCE_MS = 20_000;

/** Lives of a survivor whose outcomes are compared. */
const COMPARED = 40;

interface Loaded {
  readonly suite: string;
  readonly one: KillCase;
  fuel: number;
}

class Worker {
  readonly #board: Board;
  #cases: Loaded[] = [];
  readonly #outcomes = new Map<number, string>();
  /** The last case may have left work behind. */
  #wasAsync = false;

  constructor(mutants: number, active: number) {
    this.#board = installBoard(mutants);
    this.#board.active = active;
    this.#board.fuel = 50_000_000;
  }

  async load(suites: number | undefined): Promise<void> {
    const { loadSuites } = await import("./suites.ts");
    for (const { name, cases } of await loadSuites(suites)) {
      for (const one of cases) this.#cases.push({ suite: name, one, fuel: Number.POSITIVE_INFINITY });
    }
  }

  /** Every case without a mutant: what it reaches, and what it burns. */
  async baseline(): Promise<{ atLoad: number[]; cases: CaseReport[] }> {
    const atLoad = this.#board.takeReached();
    const cases: CaseReport[] = [];
    for (const loaded of this.#cases) {
      const error = await this.#run(loaded.one, 1e12);
      const burnt = 1e12 - this.#board.fuel;
      cases.push({ suite: loaded.suite, name: loaded.one.name, burnt, reached: this.#board.takeReached(), error });
    }
    return { atLoad, cases };
  }

  /** Runs cases in order until one fails. */
  async kill({ mutant, order, burnt, compares }: Extract<Ask, { kind: "kill" }>): Promise<Answer> {
    for (const [place, index] of order.entries()) {
      const { one } = this.#cases[index] as Loaded;
      this.#board.active = mutant;
      const error = await this.#run(one, FUEL_BASE + FUEL_FACTOR * (burnt[place] as number));
      if (error === undefined) continue;
      const clean = this.#wasAsync ? await this.#drain() : true;
      return { kind: "killed", mutant, by: index, error, clean };
    }
    const compared = compares ? this.#compare(mutant, order) : { compared: 0, changed: 0 };
    this.#board.active = -1;
    return { kind: "survived", mutant, ...compared };
  }

  /** In how many cases the mutant changes what happens, although no rule noticed. */
  #compare(mutant: number, order: readonly number[]): { compared: number; changed: number } {
    let compared = 0;
    let changed = 0;
    for (const index of order) {
      const { one } = this.#cases[index] as Loaded;
      if (one.outcome === undefined) continue;
      if (compared === COMPARED) break;
      this.#board.fuel = 1e9;
      this.#board.active = -1;
      const plain = this.#outcomes.get(index) ?? one.outcome();
      this.#outcomes.set(index, plain);
      this.#board.active = mutant;
      compared++;
      if (one.outcome() !== plain) changed++;
    }
    this.#board.active = -1;
    return { compared, changed };
  }

  /** undefined = it passed. */
  async #run(one: KillCase, fuel: number): Promise<string | undefined> {
    this.#board.fuel = fuel;
    this.#wasAsync = false;
    try {
      const running = one.run();
      this.#wasAsync = running instanceof Promise;
      if (running instanceof Promise) await settled(running);
      return undefined;
    } catch (error) {
      return (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(0, 300);
    }
  }

  /** Cuts off what the last case left behind; false when that does not end. */
  async #drain(): Promise<boolean> {
    this.#board.active = -1;
    this.#board.fuel = -1;
    for (let look = 0; look < DRAIN_LOOKS; look++) {
      await new Promise<void>((resolve) => setTimeout(resolve, 1));
      if (!isPending()) return true;
    }
    return false;
  }
}

/** Like `running`, but rejects when it can never settle because nothing is pending any more. */
async function settled(running: Promise<void>): Promise<void> {
  const started = performance.now();
  let quiet = 0;
  await new Promise<void>((resolve, reject) => {
    // A timer, because the tests' own waiting watches the queue of immediates.
    const watch = setInterval(() => {
      quiet = isPending() ? 0 : quiet + 1;
      if (quiet === QUIET_LOOKS) reject(new Error("it waits for ever"));
      if (performance.now() - started > PATIENCE_MS) reject(new Error("it takes too long"));
    }, LOOK_MS).unref();
    running.then(resolve, reject).finally(() => clearInterval(watch));
  });
}

function isPending(): boolean {
  return process.getActiveResourcesInfo().some((name) => name === "Immediate" || name === "Timeout");
}

async function main(): Promise<void> {
  const [mutants, active, suites] = process.argv.slice(2).map(Number) as [number, number, number | undefined];
  const tell = (answer: Answer): void => void process.send?.(answer);
  // What a killed case leaves behind may fail later: that is nobody's business.
  process.on("unhandledRejection", () => {});
  process.on("uncaughtException", () => {});
  process.on("disconnect", () => process.exit(0));
  const worker = new Worker(mutants, active);
  try {
    await worker.load(suites);
  } catch (error) {
    tell({ kind: "unloadable", error: String(error) });
    process.exit(0);
  }
  tell({ kind: "ready" });
  process.on("message", (ask: Ask) => {
    const answer =
      ask.kind === "baseline"
        ? worker.baseline().then((found): Answer => ({ kind: "baseline", ...found }))
        : worker.kill(ask);
    void answer.then(tell);
  });
}

await main();
