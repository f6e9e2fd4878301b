/** Which way of showing a run fits: JSON when asked for, a live table on a terminal, plain lines elsewhere. */
import type { Terminal } from "../output.ts";
import { JsonRenderer } from "./json-renderer.ts";
import { LinesRenderer } from "./lines-renderer.ts";
import { LiveRenderer } from "./live-renderer.ts";
import type { Renderer } from "./renderer.ts";

export function chooseRenderer(terminal: Terminal, json: boolean): Renderer {
  if (json) return new JsonRenderer(terminal);
  return terminal.out.live ? new LiveRenderer(terminal.out, Date.now) : new LinesRenderer(terminal.out, Date.now);
}
