/**
 * The live table on a terminal, redrawn in place. Owns: when to draw. Invariants: drawing takes at most a tenth of the time,
 * however long the plan; the table never exceeds the screen, so that scrolling cannot tear it; at rest the last table stays
 * in the scrollback, in full.
 */
import type { AnyRunEvent, Run, RunSnapshot } from "@belay/engine";
import { createLogUpdate } from "log-update";
import type { Output } from "../output.ts";
import { rowOrder } from "./order.ts";
import type { Renderer } from "./renderer.ts";
import { renderTable } from "./table.ts";
import { oneLine } from "./text.ts";

/** Pause between two pictures. */
const FRAME_MS = 100;
/** A picture that takes t ms is followed by a pause of at least this many t. */
const SHARE = 10;
/** Rows of the last table at most; it may scroll, but not without end. */
const LAST_TABLE_ROWS = 200;

export class LiveRenderer implements Renderer {
  readonly #out: Output;
  readonly #now: () => number;
  readonly #update: ReturnType<typeof createLogUpdate>;
  readonly #logs = new Map<string, string>();
  #run: Pick<Run, "snapshot"> | undefined;
  #order: readonly number[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** `now`: epoch milliseconds. */
  constructor(out: Output, now: () => number) {
    this.#out = out;
    this.#now = now;
    this.#update = createLogUpdate(out.stream);
  }

  start(run: Pick<Run, "snapshot">): void {
    this.#run = run;
    this.#frame();
  }

  event(event: AnyRunEvent): void {
    if (event.type === "node:log") this.#logs.set(event.nodeId, event.message);
    else if (event.type === "node:started") this.#logs.delete(event.nodeId);
  }

  say(line: string): void {
    if (this.#run === undefined) this.#out.line(oneLine(line));
    else this.#update.persist(oneLine(line));
  }

  rest(snapshot: RunSnapshot): void {
    clearTimeout(this.#timer);
    this.#run = undefined;
    this.#update.clear();
    this.#update.done();
    this.#out.write(`${this.#lines(snapshot, LAST_TABLE_ROWS).join("\n")}\n`);
  }

  #frame(): void {
    if (this.#run === undefined) return;
    const began = performance.now();
    // The cursor rests on a line of its own below the table.
    this.#update(this.#lines(this.#run.snapshot(), this.#out.size.rows - 1).join("\n"));
    const took = performance.now() - began;
    this.#timer = setTimeout(() => this.#frame(), Math.max(FRAME_MS, took * SHARE));
  }

  #lines(snapshot: RunSnapshot, rows: number): string[] {
    // Rows come and go only when a group expands: the number of nodes tells.
    if (this.#order.length !== snapshot.nodes.length) this.#order = rowOrder(snapshot.nodes);
    const { columns } = this.#out.size;
    return renderTable({
      snapshot,
      order: this.#order,
      nowMs: this.#now(),
      columns,
      rows,
      colors: this.#out.colors,
      logs: this.#logs,
    });
  }
}
