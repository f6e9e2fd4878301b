/**
 * The port to the place where clients learn which node takes writes: a service registry, a proxy's table, a file. Owns the contract
 * only. Invariant that the plans of every system rely on: a route never goes back to a lower epoch.
 */

/** What the route says now. */
export interface RouteEntry {
  /** Name of the node that takes writes; null while nobody does. */
  readonly writer: string | null;
  /** Epoch of the last publish; only grows. */
  readonly epoch: number;
}

/** The place where clients learn which node takes writes. */
export interface Route {
  /** The present entry. */
  current(): Promise<RouteEntry>;
  /** Compare-and-set by epoch: false when the present epoch is not lower, unless writer and epoch are equal already. */
  publish(writer: string | null, epoch: number): Promise<boolean>;
}
