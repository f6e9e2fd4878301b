/**
 * `--json`: one event per line on stdout, and the final snapshot as the last line. What the command itself has to say goes to
 * stderr, so that stdout is JSON from the first byte to the last.
 */
import type { AnyRunEvent, RunSnapshot } from "@belay/engine";
import type { Terminal } from "../output.ts";
import type { Renderer } from "./renderer.ts";

export class JsonRenderer implements Renderer {
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  start(): void {}

  event(event: AnyRunEvent): void {
    this.record(event);
  }

  say(line: string): void {
    this.#terminal.err.line(line);
  }

  rest(snapshot: RunSnapshot): void {
    this.record({ type: "snapshot", ...snapshot });
  }

  /** One line of stdout. */
  record(value: object): void {
    this.#terminal.out.line(JSON.stringify(value));
  }
}
