/**
 * The registry: every action that the PostgreSQL plans name, over one cluster.
 * Actions keep nothing between calls: what one finds out reaches another through the plan, as a node's output.
 */
import type { ActionRegistry } from "@belay/engine";
import { announceAction, checkRecentAction, withdrawAction } from "../recovery/recovery-steps.ts";
import { dropRouteAction, publishRouteAction, restoreRouteAction } from "../route/route-steps.ts";
import { clusterAccess, type PostgresActionsOptions } from "./access.ts";
import { checkNewStandby, clone, startStandby, stopStandby, wipe } from "./add-standby.ts";
import { allowWrites, blockWrites } from "./block-writes.ts";
import { drain, verifyShutdown } from "./catch-up.ts";
import { checkStandbys } from "./check-standbys.ts";
import { checkSwitchover } from "./check-switchover.ts";
import { checkpoint } from "./checkpoint.ts";
import { confirmDown } from "./confirm-down.ts";
import { fence, restartPrimary, stopPrimary, unfence } from "./fence.ts";
import { proveFenced, verifyRestored } from "./fence-drill.ts";
import { follow } from "./follow.ts";
import { freeze, unfreeze } from "./freeze.ts";
import { promote } from "./promote.ts";
import { rank } from "./rank.ts";
import { rejoin } from "./rejoin.ts";
import { verifyWriter } from "./verify-writer.ts";

/** The actions of the PostgreSQL plans, for the cluster that `options` describes. */
export function postgresActions(options: PostgresActionsOptions): ActionRegistry {
  const access = clusterAccess(options);
  return {
    "postgres.allow-writes": allowWrites(access),
    "postgres.announce": announceAction(access),
    "postgres.block-writes": blockWrites(access),
    "postgres.check-new-standby": checkNewStandby(access),
    "postgres.check-recent": checkRecentAction(access),
    "postgres.check-standbys": checkStandbys(access),
    "postgres.check-switchover": checkSwitchover(access),
    "postgres.checkpoint": checkpoint(access),
    "postgres.clone": clone(access),
    "postgres.confirm-down": confirmDown(access),
    "postgres.drain": drain(access),
    "postgres.drop-route": dropRouteAction(access),
    "postgres.fence": fence(access),
    "postgres.follow": follow(access),
    "postgres.freeze": freeze(access),
    "postgres.promote": promote(access),
    "postgres.prove-fenced": proveFenced(access),
    "postgres.publish-route": publishRouteAction(access),
    "postgres.rank": rank(access),
    "postgres.rejoin": rejoin(access),
    "postgres.restart-primary": restartPrimary(access),
    "postgres.restore-route": restoreRouteAction(access),
    "postgres.start-standby": startStandby(access),
    "postgres.stop-primary": stopPrimary(access),
    "postgres.stop-standby": stopStandby(access),
    "postgres.unfence": unfence(access),
    "postgres.unfreeze": unfreeze(access),
    "postgres.verify-restored": verifyRestored(access),
    "postgres.verify-shutdown": verifyShutdown(access),
    "postgres.verify-writer": verifyWriter(access),
    "postgres.wipe": wipe(access),
    "postgres.withdraw": withdrawAction(access),
  };
}
