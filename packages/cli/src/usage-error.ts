/** Misuse of the command: one line on stderr for each fault, exit code 2, nothing ran. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** Everything that was wrong, one sentence each. */
  readonly faults: readonly string[];

  constructor(first: string, ...more: readonly string[]) {
    super([first, ...more].join("\n"));
    this.faults = [first, ...more];
  }
}

/** What was wrong has been printed already: exit code 2 and no further word. */
export class Refused extends Error {
  override readonly name = "Refused";
}
