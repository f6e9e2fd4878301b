/** A route in memory, for one process: it forgets with it. */
import type { Route, RouteEntry } from "./route.ts";

/** Opens an empty route, or one that starts with that entry. */
export function memoryRoute(first: RouteEntry = { writer: null, epoch: 0 }): Route {
  let present = first;
  return {
    current: async () => present,
    publish: async (writer, epoch) => {
      if (epoch > present.epoch) present = { writer, epoch };
      return present.epoch === epoch && present.writer === writer;
    },
  };
}
