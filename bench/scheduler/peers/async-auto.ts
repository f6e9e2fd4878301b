/** `async.auto` of the package async as a contender. Its cost is quadratic in nodes: each start of a node scans them all. */
import async from "async";
import type { Contender } from "../contender.ts";
import type { Answer } from "../handlers.ts";
import { type Case, idOf } from "../workload.ts";

type Steps = Parameters<typeof async.auto>[0];

export function openAsyncAuto({ upstreams, workload }: Case): Contender {
  let ids: string[] = [];
  let steps: Record<string, unknown> = {};
  return {
    prepare() {
      ids = upstreams.map((_, v) => idOf(v));
    },
    build() {},
    start({ of }) {
      steps = {};
      // Without a callback only what is an async function by itself is awaited.
      for (const [v, ups] of upstreams.entries()) steps[ids[v]!] = [...ups.map((u) => ids[u]!), awaited(of(v))];
    },
    run() {
      const { concurrency } = workload;
      if (concurrency === Number.POSITIVE_INFINITY) return async.auto(steps as Steps);
      return async.auto(steps as Steps, concurrency);
    },
  };
}

const AsyncFunction = (async () => undefined).constructor;

/** A handler that counts is an async function and passes as it is. */
function awaited(handler: () => Answer): () => Answer {
  return handler instanceof AsyncFunction ? handler : async () => await handler();
}
