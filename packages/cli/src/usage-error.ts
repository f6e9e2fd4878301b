/** Misuse of the command: one line on stderr, exit code 2, nothing ran. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What was wrong has been printed already: exit code 2 and no further word. */
export class Refused extends Error {
  override readonly name = "Refused";
}
