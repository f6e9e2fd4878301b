/**
 * The registries: every action that the plans of MariaDB and of MySQL name, over one cluster. Actions keep nothing between calls: what
 * one finds out reaches another through the plan, as a node's output.
 */
import type { ActionRegistry, AnyAction } from "@belay/engine";
import { announceAction, checkRecentAction, withdrawAction } from "../recovery/recovery-steps.ts";
import { dropRouteAction, publishRouteAction, restoreRouteAction } from "../route/route-steps.ts";
import { clusterAccess, type MariadbActionsOptions } from "./access.ts";
import { allowWrites, blockWrites } from "./block-writes.ts";
import { catchUp } from "./catch-up.ts";
import { checkReplicas } from "./check-replicas.ts";
import { checkSwitchover } from "./check-switchover.ts";
import { confirmDown } from "./confirm-down.ts";
import type { Dialect } from "./dialect.ts";
import { drain } from "./drain.ts";
import { fence, unfence } from "./fence.ts";
import { follow } from "./follow.ts";
import { freeze, unfreeze } from "./freeze.ts";
import { promote } from "./promote.ts";
import { rank } from "./rank.ts";
import { rejoin } from "./rejoin.ts";
import { verifyWriter } from "./verify-writer.ts";

/** The actions of the MariaDB plans, `mariadb.*`, for the cluster that `options` describes. */
export function mariadbActions(options: MariadbActionsOptions): ActionRegistry {
  return registry(options, "mariadb");
}

/** The same actions in MySQL's words, `mysql.*`. MySQL 8.0.26 or later, with GTIDs on. */
export function mysqlActions(options: MariadbActionsOptions): ActionRegistry {
  return registry(options, "mysql");
}

function registry(options: MariadbActionsOptions, dialect: Dialect["name"]): ActionRegistry {
  const access = clusterAccess(options, dialect);
  const actions: Readonly<Record<string, AnyAction>> = {
    "allow-writes": allowWrites(access),
    announce: announceAction(access),
    "block-writes": blockWrites(access),
    "catch-up": catchUp(access),
    "check-recent": checkRecentAction(access),
    "check-replicas": checkReplicas(access),
    "check-switchover": checkSwitchover(access),
    "confirm-down": confirmDown(access),
    drain: drain(access),
    "drop-route": dropRouteAction(access),
    fence: fence(access),
    follow: follow(access),
    freeze: freeze(access),
    promote: promote(access),
    "publish-route": publishRouteAction(access),
    rank: rank(access),
    rejoin: rejoin(access),
    "restore-route": restoreRouteAction(access),
    unfence: unfence(access),
    unfreeze: unfreeze(access),
    "verify-writer": verifyWriter(access),
    withdraw: withdrawAction(access),
  };
  return Object.fromEntries(Object.entries(actions).map(([name, action]) => [`${dialect}.${name}`, action]));
}
