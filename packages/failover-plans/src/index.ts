/**
 * @belay/failover-plans: database failovers and switchovers as plans. The plans are data (`plans/*.yaml`); the actions that carry them
 * out live in one subpath per system, so that a program loads only the driver it needs.
 */
export { type FailurePoint, INJECTED_FAILURE, injectFailure } from "./failure-injection.ts";
export {
  clusterNamed,
  type Inventory,
  type InventoryCluster,
  parseInventory,
  readSecret,
  type SecretReference,
} from "./inventory/inventory.ts";
export { loadPlan, planNames, planText } from "./plans.ts";
