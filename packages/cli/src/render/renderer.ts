/** What shows a run while it moves: the port between following a run (follow-run.ts) and the three ways of showing it. */
import type { AnyRunEvent, Run, RunSnapshot } from "@belay/engine";

export interface Renderer {
  /** The run to show; called once, before any event. */
  start(run: Pick<Run, "snapshot">): void;
  /** Something happened. */
  event(event: AnyRunEvent): void;
  /** A line of the command's own, between or beside the events. */
  say(line: string): void;
  /** The run rests: the last picture of it. */
  rest(snapshot: RunSnapshot): void;
}
