/** What every command is given: where to write, and the word that it should end. */
import type { Interrupts } from "./interrupts.ts";
import type { Terminal } from "./output.ts";

export interface Context {
  readonly terminal: Terminal;
  readonly interrupts: Interrupts;
}
