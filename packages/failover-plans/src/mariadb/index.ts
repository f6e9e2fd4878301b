/**
 * @belay/failover-plans/mariadb: the actions of the MariaDB and MySQL plans, and the ports they need.
 */

export type { Route, RouteEntry } from "../route/route.ts";
export type { MariadbActionsOptions } from "./access.ts";
export { mariadbActions, mysqlActions } from "./actions.ts";
export type { MariadbNode, NodeControl, StartRole } from "./ports.ts";
