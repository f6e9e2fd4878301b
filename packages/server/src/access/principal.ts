/**
 * Who asks, and what they may. Owns: roles, what each role may do, per-plan permission. Does not own: how somebody proves to be somebody
 * (`keyring.ts`).
 */

/** viewer: reads. operator: starts and steers runs of the plans it may. admin: all plans, and everybody's audit. */
export type Role = "viewer" | "operator" | "admin";

/** All roles, the least first. */
export const ROLES: readonly Role[] = ["viewer", "operator", "admin"];

/** Somebody who proved who they are. */
export interface Principal {
  /** Shown in audit trails, as OCP's creator. */
  readonly name: string;
  readonly role: Role;
  /** Plans an operator may start and steer, by name; `*` at the end stands for any rest. Default: all. */
  readonly plans?: readonly string[];
}

/** What one may want. */
export type Wish = "read" | "steer" | "administer";

const LEAST: Readonly<Record<Wish, Role>> = { read: "viewer", steer: "operator", administer: "admin" };

/** Whether the principal may; `plan` is the name of the plan that is steered. */
export function may(principal: Principal, wish: Wish, plan?: string): boolean {
  if (ROLES.indexOf(principal.role) < ROLES.indexOf(LEAST[wish])) return false;
  if (wish !== "steer" || plan === undefined || principal.role === "admin" || principal.plans === undefined)
    return true;
  return principal.plans.some((pattern) =>
    pattern.endsWith("*") ? plan.startsWith(pattern.slice(0, -1)) : pattern === plan,
  );
}
