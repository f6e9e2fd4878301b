/**
 * What kills mutants. A suite is a list of cases; a case that passes without a mutant and throws with it has killed it.
 * Owns: the shape only. Suites are tried in order, so the fast ones stand first in `suites.ts`; a suite that gets
 * stronger (more lives, a reference model) needs no change elsewhere.
 */

export interface KillCase {
  readonly name: string;
  /** Throws, or rejects, when a rule is broken. Can be run again and again; deterministic. */
  run(): void | Promise<void>;
  /**
   * What happened, as text, whether or not a rule noticed. A survivor that changes it is no equivalent mutant: a test is
   * missing. Never counted as a kill.
   */
  outcome?(): string;
}

export interface KillSuite {
  readonly name: string;
  readonly cases: readonly KillCase[];
}
