/**
 * What is known of one run: the plan it runs, the core's state, the values beside it. Owns: the shape that everything
 * reads which needs no loop: snapshots, expressions, events. The executor is one; a replayed run is another.
 */
import type { RunState } from "../core/index.ts";
import type { RunHeader } from "../journal/port.ts";
import type { CompiledProgram } from "../plan/compile.ts";
import type { Limits } from "../plan/limits.ts";
import type { RunSecrets } from "./run-secrets.ts";
import type { RunValues } from "./values.ts";

export interface RunFacts {
  readonly header: RunHeader;
  readonly program: CompiledProgram;
  readonly state: RunState;
  readonly values: RunValues;
  readonly limits: Limits;
  /** What is shown of values (R46); absent where nothing is secret. */
  readonly secrets?: RunSecrets;
  /** First seriesId after the highest in use (R24). */
  nextSeries: number;
  /** When the run came to rest, epoch milliseconds; null while it moves. */
  readonly restedAt: number | null;
  /** What stopped the run from the inside. */
  readonly fault: { readonly code: string; readonly message: string } | null;
}
