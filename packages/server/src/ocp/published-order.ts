/**
 * The order in which OCP lists the subtasks of a task. It means nothing there (they come out of a hash set), and nothing here; an
 * answer that is compared with a published one as it stands is equal all the same. Owns: the orders of the published answers, by
 * plan.
 */

const ORDERS: Readonly<Record<string, readonly string[]>> = {
  "oceanbase-failover": [
    "wait-node",
    "remove-standby-cluster",
    "sync-all-cluster-info",
    "failover-to-primary",
    "mc-lock-ob-clusters",
    "update-ob-cluster-status",
    "failover-to-primary-check",
    "mc-ob-failover-update-mc-ob-cluster",
    "mc-unlock-ob-clusters",
  ],
  "oceanbase-switchover": [
    "switchover-update-role-task",
    "prepare-switchover",
    "switchover-to-primary",
    "mc-lock-ob-clusters",
    "switchover-to-primary-check",
    "switchover-to-standby",
    "mc-unlock-ob-clusters",
  ],
};

/** Node ids in the order in which the subtasks are listed: the published one, or as they are given. */
export function publishedOrder(planName: string, ids: readonly string[]): readonly string[] {
  const order = Object.hasOwn(ORDERS, planName) ? (ORDERS[planName] as readonly string[]) : [];
  const known = new Set(order);
  return order.length === ids.length && ids.every((id) => known.has(id)) ? order : ids;
}
