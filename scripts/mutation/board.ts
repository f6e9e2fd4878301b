/**
 * The switchboard between the instrumented copy and the process that tries its mutants: which mutant is switched on,
 * which guards were reached, and how much fuel is left for loops. One per process, a global, because the copy is loaded
 * by whoever imports the engine.
 */

/** Name of the global. */
export const BOARD = "__belayMutation";

/** A loop of a mutant went on far longer than it does without the mutant. */
export class OutOfFuel extends Error {
  override readonly name = "OutOfFuel";
}

export class Board {
  /** The mutant that is switched on; -1 = none. */
  active = -1;
  /** 1 = the guard of that mutant was reached. */
  readonly reached: Uint8Array;
  /** Turns of loops that are left. */
  fuel: number = Number.POSITIVE_INFINITY;

  constructor(mutants: number) {
    this.reached = new Uint8Array(mutants);
  }

  /** Asked by every guard. */
  on(mutant: number): boolean {
    this.reached[mutant] = 1;
    return this.active === mutant;
  }

  /** Called by every turn of a loop. */
  burn(): void {
    this.fuel--;
    if (this.fuel < 0) throw new OutOfFuel("the loop does not end");
  }

  /** Guards reached since the last call, by mutant. */
  takeReached(): number[] {
    const found: number[] = [];
    for (let id = 0; id < this.reached.length; id++) if (this.reached[id] === 1) found.push(id);
    this.reached.fill(0);
    return found;
  }
}

/** Puts a board where the copy looks for it. */
export function installBoard(mutants: number): Board {
  const board = new Board(mutants);
  (globalThis as unknown as Record<string, unknown>)[BOARD] = board;
  return board;
}
