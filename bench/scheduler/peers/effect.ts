/** effect as a contender: a Deferred for each node, all nodes in one `forEach` without a limit. */
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import type { Contender } from "../contender.ts";
import type { Case } from "../workload.ts";

export function openEffect({ upstreams }: Case): Contender {
  let all: Effect.Effect<void> = Effect.void;
  return {
    build() {},
    start({ of }) {
      const done = upstreams.map(() => Deferred.makeUnsafe<void>());
      const nodes = upstreams.map((ups, v) => {
        const handler = of(v) as () => Promise<void>;
        return Effect.forEach(ups, (u) => Deferred.await(done[u]!), { discard: true }).pipe(
          Effect.andThen(Effect.promise(handler)),
          Effect.andThen(Deferred.succeed(done[v]!, undefined)),
        );
      });
      all = Effect.forEach(nodes, (node) => node, { concurrency: "unbounded", discard: true });
    },
    run() {
      return Effect.runPromise(all);
    },
    end() {
      all = Effect.void;
    },
  };
}
