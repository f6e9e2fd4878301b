/** A terminal whose screen a test can read: everything written to it is kept. */
import { Writable } from "node:stream";
import { Output, type Terminal } from "../../packages/cli/src/output.ts";

/** A stream that remembers; with a size it is a terminal. */
export class Screen extends Writable {
  readonly isTTY: boolean;
  readonly columns?: number;
  readonly rows?: number;
  #text = "";

  constructor(size?: { readonly columns: number; readonly rows: number }) {
    super({ decodeStrings: false });
    this.isTTY = size !== undefined;
    if (size !== undefined) {
      this.columns = size.columns;
      this.rows = size.rows;
    }
  }

  /** Everything written so far. */
  get text(): string {
    return this.#text;
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.#text += chunk;
    done();
  }
}

/** Two screens and the terminal that writes to them; without colours unless the environment forces them. */
export function sampleTerminal(
  size?: { readonly columns: number; readonly rows: number },
  environment: Readonly<Record<string, string>> = { NO_COLOR: "1" },
): { readonly out: Screen; readonly err: Screen; readonly terminal: Terminal } {
  const out = new Screen(size);
  const err = new Screen(size);
  return { out, err, terminal: { out: new Output(out, environment), err: new Output(err, environment) } };
}
