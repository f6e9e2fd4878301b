/** What the tool and its worker processes say to each other. Owns: the shapes. */

/** One case without a mutant. */
export interface CaseReport {
  readonly suite: string;
  readonly name: string;
  /** Turns of loops. */
  readonly burnt: number;
  /** Mutants whose guards it reaches. */
  readonly reached: readonly number[];
  /** Why it fails without a mutant: such a case kills nothing. */
  readonly error: string | undefined;
}

export type Ask =
  | { readonly kind: "baseline" }
  | {
      readonly kind: "kill";
      readonly mutant: number;
      /** Cases to try, in order, and what each burns without a mutant. */
      readonly order: readonly number[];
      readonly burnt: readonly number[];
      /** Compares outcomes when it survives. */
      readonly compares: boolean;
    };

export type Answer =
  /** The suites are loaded. */
  | { readonly kind: "ready" }
  /** The mutant does not even load. */
  | { readonly kind: "unloadable"; readonly error: string }
  | { readonly kind: "baseline"; readonly atLoad: readonly number[]; readonly cases: readonly CaseReport[] }
  | {
      readonly kind: "killed";
      readonly mutant: number;
      /** The case. */
      readonly by: number;
      readonly error: string;
      /** false: work is left behind that does not end; the process is of no more use. */
      readonly clean: boolean;
    }
  | {
      readonly kind: "survived";
      readonly mutant: number;
      /** Cases whose outcomes were compared, and in how many of them the mutant changes what happens. */
      readonly compared: number;
      readonly changed: number;
    };
