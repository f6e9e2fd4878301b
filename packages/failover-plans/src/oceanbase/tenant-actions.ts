/**
 * The actions of `plans/oceanbase-tenant-switchover.yaml` and `plans/oceanbase-tenant-failover.yaml`, for OceanBase 4.x. Owns: their
 * names. Order, timeouts and points of no return are the plans'.
 */
import type { ActionRegistry } from "@belay/engine";
import { memoryRecoveryLog } from "../recovery/recovery-log.ts";
import { announceAction, checkRecentAction, withdrawAction } from "../recovery/recovery-steps.ts";
import { dropRouteAction, publishRouteAction, restoreRouteAction } from "../route/route-steps.ts";
import type { TenantAccess } from "./tenant-access.ts";
import { activateTenant, confirmTenantDown, markRebuild, rankTenants } from "./tenant-failover.ts";
import { demoteTenant, promoteTenant, redemoteTenant, repromoteTenant } from "./tenant-switch.ts";
import {
  awaitTenantFollowing,
  awaitTenantLog,
  awaitTenantRole,
  checkTenantSwitchover,
  resetTenantSource,
  setTenantSource,
} from "./tenant-switchover.ts";

/** All actions, under the names that the plans use. */
export function oceanBaseTenantActions(access: TenantAccess): ActionRegistry {
  const recovery = {
    route: access.route,
    recoveries: access.recoveries ?? memoryRecoveryLog(),
    now: access.now ?? Date.now,
  };
  return {
    "oceanbase.check-recent": checkRecentAction(recovery),
    "oceanbase.announce": announceAction(recovery),
    "oceanbase.withdraw": withdrawAction(recovery),
    "oceanbase.drop-route": dropRouteAction(access),
    "oceanbase.restore-route": restoreRouteAction(access, { publishIsUndone: true }),
    "oceanbase.publish-route": publishRouteAction(access),
    "oceanbase.check-tenant-switchover": checkTenantSwitchover(access),
    "oceanbase.demote-tenant": demoteTenant(access),
    "oceanbase.repromote-tenant": repromoteTenant(access),
    "oceanbase.promote-tenant": promoteTenant(access),
    "oceanbase.redemote-tenant": redemoteTenant(access),
    "oceanbase.await-tenant-role": awaitTenantRole(access),
    "oceanbase.await-tenant-log": awaitTenantLog(access),
    "oceanbase.set-tenant-source": setTenantSource(access),
    "oceanbase.reset-tenant-source": resetTenantSource(access),
    "oceanbase.await-tenant-following": awaitTenantFollowing(access),
    "oceanbase.confirm-tenant-down": confirmTenantDown(access),
    "oceanbase.rank-tenants": rankTenants(access),
    "oceanbase.activate-tenant": activateTenant(access),
    "oceanbase.mark-rebuild": markRebuild(access),
  };
}
