/** Plain progress for logs and pipes: one line per event, with the time since the command began. Never redraws. */
import type { AnyRunEvent, RunSnapshot } from "@belay/engine";
import type { Output } from "../output.ts";
import { eventText } from "./event-line.ts";
import { rowOrder } from "./order.ts";
import type { Renderer } from "./renderer.ts";
import { renderTable } from "./table.ts";
import { oneLine } from "./text.ts";

/** Rows of the last table at most. */
const LAST_TABLE_ROWS = 200;
const LAST_TABLE_COLUMNS = 120;

export class LinesRenderer implements Renderer {
  readonly #out: Output;
  readonly #startedMs: number;
  readonly #now: () => number;
  readonly #label: string;

  /** `now`: epoch milliseconds. `label`: before every line, for runs that are shown together. */
  constructor(out: Output, now: () => number, label = "", startedMs: number = now()) {
    this.#out = out;
    this.#now = now;
    this.#label = label;
    this.#startedMs = startedMs;
  }

  /** The same for one of several runs. */
  of(run: string): LinesRenderer {
    return new LinesRenderer(this.#out, this.#now, `${run} `, this.#startedMs);
  }

  start(): void {}

  event(event: AnyRunEvent): void {
    const text = eventText(event);
    if (text !== null) this.#line(event.at, text);
  }

  say(line: string): void {
    this.#line(this.#now(), oneLine(line));
  }

  rest(snapshot: RunSnapshot): void {
    const { colors } = this.#out;
    const order = rowOrder(snapshot.nodes);
    const size = { columns: LAST_TABLE_COLUMNS, rows: LAST_TABLE_ROWS };
    const lines = renderTable({ snapshot, order, nowMs: this.#now(), ...size, colors });
    this.#out.write(`\n${lines.join("\n")}\n`);
  }

  #line(atMs: number, text: string): void {
    const seconds = (Math.max(0, atMs - this.#startedMs) / 1000).toFixed(3);
    this.#out.line(`[${seconds.padStart(8)}s] ${this.#label}${text}`);
  }
}
