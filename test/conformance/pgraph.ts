/**
 * p-graph's cases (R3, R10, R11, R14). Owns: which facts of a case are compared; the mapping to plans is that of
 * `promise-graph.ts`. Where a case gives priorities and one call at a time, the order is what it is about and is compared.
 */
import { openPlay } from "./case-play.ts";
import {
  buildFacts,
  completionOrder,
  leftRunning,
  notRun,
  type PromiseCase,
  placeOf,
  promisePlan,
  promiseSetting,
} from "./promise-graph.ts";
import { factsOf, type Suite, setOf, type Verdict } from "./verdict.ts";

interface PgraphMeasured {
  readonly buildError?: string;
  readonly events: readonly string[];
  readonly ran: readonly string[];
  readonly settled: { readonly ok: boolean };
  readonly eventsBeforeSettle: number;
  readonly maxConcurrency: number;
}

export const PGRAPH: Suite<PromiseCase> = { name: "pgraph", size: 21, compare };

async function compare(given: PromiseCase): Promise<Verdict> {
  const document = promisePlan(given);
  const measured = given.measured as unknown as PgraphMeasured;
  const built = buildFacts(document);
  if (measured.buildError !== undefined || built.refused) {
    const members = given.expected["cycleMembers"] as string[] | undefined;
    return {
      facts: factsOf({
        refused: { peer: measured.buildError !== undefined, belay: built.refused },
        cycle: { peer: members && setOf(members), belay: built.cycle },
      }),
    };
  }
  return played(given, measured, document);
}

async function played(
  given: PromiseCase,
  measured: PgraphMeasured,
  document: ReturnType<typeof promisePlan>,
): Promise<Verdict> {
  const play = await openPlay(promiseSetting(given, document));
  const snapshot = await play.play();
  play.judge(snapshot);
  const { trace } = play.rig;
  const kept = (pairs: unknown, from: "start" | "end"): unknown =>
    (pairs as [string, string][] | undefined)?.filter(([a, b]) => placeOf(trace, from, a) < placeOf(trace, "start", b));
  const { order, startedBefore, maxConcurrencyAtMost: limit } = given.expected;
  const ordered = given.policy.concurrency === 1 && given.graph.nodes.some(({ priority }) => priority !== undefined);
  const named = (word: string): readonly string[] =>
    setOf(
      measured.events.filter((event) => event.endsWith(` ${word}`)).map((event) => event.slice(0, -word.length - 1)),
    );
  const facts = factsOf({
    ran: { peer: setOf(measured.ran), belay: setOf(play.rig.started()) },
    "not run": notRun(given, play),
    failed: {
      peer: named("fail"),
      belay: setOf(snapshot?.nodes.filter((n) => n.status === "FAILED").map((n) => n.id) ?? []),
    },
    run: { peer: measured.settled.ok ? "SUCCESSFUL" : "FAILED", belay: snapshot?.status },
    order: { peer: order ?? startedBefore, belay: kept(order, "end") ?? kept(startedBefore, "start") },
    priorities: {
      peer: ordered
        ? measured.events.filter((event) => event.endsWith(" end")).map((event) => event.slice(0, -4))
        : undefined,
      belay: completionOrder(play),
    },
    concurrency: { peer: measured.maxConcurrency, belay: play.concurrency },
    limit: { peer: limit === undefined ? undefined : true, belay: play.concurrency <= Number(limit) },
    "left running": { peer: leftRunning(measured.events, measured.eventsBeforeSettle), belay: play.rig.pending.length },
  });
  await play.close();
  return { facts };
}
