/** Anything that can happen to a run next. Owns: the list of it. Which of them happens is drawn by the test. */
import { type VerbInput, WHOLE_RUN } from "@belay/engine/core";
import { isGroup, Mark } from "../../packages/engine/src/core/state.ts";
import type { CoreRun } from "./core-run.ts";

/** A number below `count`. */
export type Pick = (count: number) => number;

interface Move {
  readonly name: string;
  readonly make: () => unknown;
}

const DEADLINES = ["attempt", "heartbeat", "total", "grace", "compensation", "compensation-grace"] as const;
const BACKOFFS = ["backoff", "compensation-backoff"] as const;

/** Lets one thing happen; answers what it was. */
export function anyStep(run: CoreRun, pick: Pick): string {
  const ids = Object.keys(run.statuses);
  const moves = [...grants(run, pick), ...ids.flatMap((id) => movesOf(run, id, pick)), ...verbsOfRun(run, ids, pick)];
  const move = moves[pick(Math.max(1, moves.length))];
  move?.make();
  return move?.name ?? "nothing";
}

function grants(run: CoreRun, pick: Pick): Move[] {
  const pools = run.state.plan.pools.map((_, pool) => pool).filter((pool) => run.demand(pool) > 0);
  return pools.map((pool) => ({ name: `grant ${pool}`, make: () => run.grant(1 + pick(2), pool) }));
}

function movesOf(run: CoreRun, id: string, pick: Pick): Move[] {
  const due = (kind: (typeof DEADLINES | typeof BACKOFFS)[number]): Move => ({
    name: `${kind} ${id}`,
    make: () => run.due(kind, id),
  });
  const moves = [...BACKOFFS.map(due), ...verbsOf(run, id, pick)];
  const v = run.numberOf(id);
  if (((run.state.marks[v] as number) & Mark.RESOLVING) !== 0) moves.push(answer(run, id, pick));
  if (!isGroup(run.state, v) && /^(RUNNING|CANCELING|COMPENSATING)$/.test(run.status(id))) {
    const ok: Move = { name: `ok ${id}`, make: () => run.ok(id) };
    moves.push(ok, ok, { name: `fail ${id}`, make: () => run.fail(id) });
    moves.push({ name: `fail ${id} for good`, make: () => run.fail(id, false) });
    moves.push(...DEADLINES.filter(() => pick(4) === 0).map(due));
  }
  return moves;
}

/** A condition or a list is answered. */
function answer(run: CoreRun, id: string, pick: Pick): Move {
  const verdict = (["run", "run", "skip", "fail"] as const)[pick(4)] as "run" | "skip" | "fail";
  const members = id.includes("[") ? 0 : pick(4);
  return { name: `resolve ${id} ${verdict} ${members}`, make: () => run.resolve(id, verdict, members) };
}

function verbsOf(run: CoreRun, id: string, pick: Pick): Move[] {
  const kinds = (["retry", "skip", "cancel", "skip-rollback"] as const).filter(() => pick(6) === 0);
  return allowed(
    run,
    kinds.map((kind) => ({ kind, at: 0, node: run.numberOf(id) })),
    id,
  );
}

function verbsOfRun(run: CoreRun, ids: readonly string[], pick: Pick): Move[] {
  const whole = { at: 0, node: WHOLE_RUN } as const;
  const verbs: VerbInput[] = [
    { kind: "retry", ...whole },
    { kind: "cancel", ...whole },
    { kind: "pause", at: 0 },
    { kind: "resume", at: 0 },
    { kind: "rollback", scope: "all", ...whole },
    { kind: "rollback", scope: "barrier", ...whole },
    { kind: "rollback", scope: "node", at: 0, node: pick(Math.min(ids.length, run.state.plan.size)) },
  ];
  return allowed(
    run,
    verbs.filter(() => pick(3) === 0),
    "run",
  );
}

function allowed(run: CoreRun, verbs: readonly VerbInput[], id: string): Move[] {
  return verbs
    .filter((verb) => run.refusalOf(verb) === undefined)
    .map((verb) => ({ name: `${verb.kind} ${id}`, make: () => run.say(verb) }));
}
