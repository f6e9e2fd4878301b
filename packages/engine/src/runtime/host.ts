/** What one engine lends to each of its runs. Owns: the shape; `engine.ts` makes it. */
import type { BelayError, ErrorCode } from "../errors.ts";
import type { Journal } from "../journal/port.ts";
import type { Plan } from "../plan/document.ts";
import type { Limits } from "../plan/limits.ts";
import type { Actions } from "./actions.ts";
import type { Clock } from "./engine-api.ts";
import type { Pools, Slots } from "./pools.ts";
import type { SealKeys } from "./seal-keys.ts";
import type { SubRuns } from "./sub-run.ts";
import type { Timers } from "./timers.ts";

export interface Host {
  readonly actions: Actions;
  readonly clock: Clock;
  readonly journal: Journal;
  /** Seal secrets in what the journal keeps (R46). */
  readonly keys: SealKeys;
  readonly limits: Limits;
  /** Plans that `belay.plan` may run, by name. */
  readonly plans: ReadonlyMap<string, Plan>;
  readonly pools: Pools;
  readonly slots: Slots;
  readonly subRuns: SubRuns;
  readonly timers: Timers;
  /** Gives slots of the engine's own limit back, outside of the caller's loop. */
  releaseLater(count: number): void;
  closedError(): BelayError;
  faultError(code: ErrorCode, message: string, cause: unknown): BelayError;
}
