/**
 * The registry: every action that `plans/polardb-failover.yaml` names, over a `PolarControl`. Actions keep nothing between calls: what
 * one finds out reaches another through the plan, as a node's output.
 */
import type { ActionRegistry } from "@belay/engine";
import { memoryRecoveryLog, type RecoveryLog } from "../recovery/recovery-log.ts";
import { checkRecentAction } from "../recovery/recovery-steps.ts";
import type { Route } from "../route/route.ts";
import { memoryRoute } from "../route/route-memory.ts";
import { publishRouteAction } from "../route/route-steps.ts";
import type { PolarControl } from "./control.ts";
import { electAction } from "./elect-step.ts";
import { awaitWriterAction, beginAction, bringReaderAction, endAction, logSwitchAction } from "./finish-steps.ts";
import { validate } from "./request.ts";
import { type PolarAccess, switchAction, switchBackAction } from "./switch-step.ts";

/** What `polardbActions` takes. */
export interface PolardbActionsOptions {
  readonly control: PolarControl;
  /** Where clients learn which node takes writes, by node id. Default: one in memory, for systems whose endpoints follow by themselves. */
  readonly route?: Route;
  /** Which switches took place. Default: one in memory, which knows those of this process only. */
  readonly recoveries?: RecoveryLog;
  /** Epoch milliseconds. Default: the system's clock. */
  readonly now?: () => number;
  /**
   * Whether that run is known, and has ended for good: a cluster that shows Switching since such a run may be switched. One that was
   * abandoned leaves its mark. Default: of no run.
   */
  readonly hasEnded?: (runId: string) => Promise<boolean>;
}

/** The actions of the PolarDB plan, for the clusters that `options.control` reaches. */
export function polardbActions(options: PolardbActionsOptions): ActionRegistry {
  const access: PolarAccess = {
    control: options.control,
    route: options.route ?? memoryRoute(),
    recoveries: options.recoveries ?? memoryRecoveryLog(),
    now: options.now ?? Date.now,
  };
  return {
    "polardb.await-writer": awaitWriterAction(access),
    "polardb.begin": beginAction(access),
    "polardb.bring-reader": bringReaderAction(access),
    "polardb.check-recent": checkRecentAction(access),
    "polardb.elect": electAction(access.control),
    "polardb.end": endAction(access),
    "polardb.log-switch": logSwitchAction(access),
    "polardb.publish-route": publishRouteAction(access),
    "polardb.switch": switchAction(access),
    "polardb.switch-back": switchBackAction(access),
    "polardb.validate": validate(access.control, options.hasEnded),
  };
}
