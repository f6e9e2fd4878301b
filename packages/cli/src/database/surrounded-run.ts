/** A run and what it needs of a process besides its journal. Owns: the shapes that demos and plans share. */
import type { ActionRegistry, Json, Plan, PlanDocument, RunSnapshot } from "@belay/engine";
import type { Context } from "../context.ts";
import type { ExitCode } from "../exit-code.ts";
import type { Renderer } from "../render/renderer.ts";
import type { RunNotes } from "./run-note.ts";

/** What one run needs. */
export interface Surroundings {
  readonly actions: ActionRegistry;
  readonly plans: readonly Plan[];
  /** Concurrency by name. */
  readonly pools: Readonly<Record<string, number>>;
  /** Of a demo: what is done and said once the run rests, instead of what is said of any run. */
  readonly finish?: (snapshot: RunSnapshot, renderer: Renderer) => Promise<ExitCode>;
  /** Its note is for whoever puts a demo's servers away, and stays. */
  readonly keepsNote?: boolean;
  /** Lets go of everything; what a demo needs for its next process stays. */
  close(): Promise<void>;
}

/** `GivenSurroundings`, loaded. */
export interface LoadedSurroundings {
  readonly actions: ActionRegistry | undefined;
  readonly plans: readonly Plan[];
  readonly pools: Readonly<Record<string, number>>;
  /** Module with the actions, absolute; undefined = none was named. */
  readonly module: string | undefined;
  /** Values of secrets whose key is gone, by name (R46). */
  readonly secrets: Readonly<Record<string, Json>> | undefined;
}

/**
 * What of a run's code is asked for. `needed`: it goes on. `if-there`: it is only to be ended, and code that is gone does not
 * stand in the way. `none`: it is ended as it is, and nothing of it is called.
 */
export type CodeNeed = "needed" | "if-there" | "none";

/** A run, as far as its surroundings go. */
export interface SurroundedRun {
  readonly runId: string;
  /** Whose note says what it needs: the run's own, or that of the run around it. */
  readonly notedAs: string;
  /** Its plan. */
  readonly document: PlanDocument;
  /** As its journal has it. */
  readonly snapshot: RunSnapshot;
}

/** How surroundings are looked for. */
export interface Search {
  readonly notes: RunNotes;
  readonly given: LoadedSurroundings;
  readonly context: Context;
  /** Shows the runs, and what is said of their surroundings. */
  readonly renderer: Renderer;
  readonly code: CodeNeed;
}
