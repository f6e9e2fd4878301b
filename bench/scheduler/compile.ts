/**
 * From a document to what runs: Belay's `definePlan` and `engine.start` beside the bare work in it, which is to number the ids and
 * to lay out the edges both ways. Owns: that floor. That `definePlan` copies, freezes and hashes cannot be told apart from outside.
 *
 * Every round has a fresh document: a string's hash is computed once, and would be there the next time.
 */
import { definePlan, type PlanDocument } from "@belay/engine";
import { journalOf, LIMITS, newEngine } from "./belay.ts";
import { collectYoung, type Sample, type Subject } from "./contender.ts";
import { countingHandlers } from "./handlers.ts";
import { Stopwatch } from "./stopwatch.ts";
import { type Case, documentOf, paramsOf } from "./workload.ts";

/** `internMs`: the floor. */
export function openInterning(given: Case): Subject {
  return rounds(given, (document) => {
    const watch = new Stopwatch();
    const { up, down } = intern(document);
    const interned = watch.lap("intern");
    if (up.length !== given.edges || down.length !== given.edges) throw new Error("edges are missing");
    return interned;
  });
}

/** No checks of any kind: an id that is unknown becomes node 0. */
function intern({ nodes }: PlanDocument): { readonly up: Int32Array; readonly down: Int32Array } {
  const size = nodes.length;
  const numbers = new Map<string, number>();
  for (let v = 0; v < size; v++) numbers.set(nodes[v]!.id, v);
  const upOffset = new Int32Array(size + 1);
  for (let v = 0; v < size; v++) upOffset[v + 1] = upOffset[v]! + (nodes[v]!.upstreams?.length ?? 0);
  const up = new Int32Array(upOffset[size]!);
  const downOffset = new Int32Array(size + 1);
  for (let v = 0, e = 0; v < size; v++) {
    for (const id of nodes[v]!.upstreams ?? []) {
      const u = numbers.get(id)!;
      up[e++] = u;
      downOffset[u + 1]!++;
    }
  }
  for (let v = 0; v < size; v++) downOffset[v + 1]! += downOffset[v]!;
  const next = downOffset.slice(0, size);
  const down = new Int32Array(up.length);
  for (let v = 0; v < size; v++) for (let e = upOffset[v]!; e < upOffset[v + 1]!; e++) down[next[up[e]!]!++] = v;
  return { up, down };
}

/** `defineMs` of `definePlan`, `compileMs` of `engine.start` with a new plan. */
export async function openCompile(given: Case): Promise<Subject> {
  const handlers = countingHandlers(given);
  const engine = await newEngine({ noop: handlers.byContext }, given, journalOf());
  return rounds(given, async (document) => {
    const watch = new Stopwatch();
    const plan = definePlan(document, { limits: LIMITS });
    const defined = watch.lap("define");
    collectYoung();
    watch.restart();
    const run = await engine.start(plan, { params: paramsOf(given) });
    const compiled = watch.lap("compile");
    await new Promise<void>((resolve) => run.once("run:succeeded", () => resolve()));
    engine.forget(run.id);
    return { ...defined, ...compiled };
  });
}

function rounds(given: Case, round: (document: PlanDocument) => Sample | Promise<Sample>): Subject {
  const sample = async (): Promise<Sample> => {
    const document = documentOf(given);
    collectYoung();
    return await round(document);
  };
  return {
    check: async () => ({}),
    warm: async () => {
      if (given.size < 1_000_000) await sample();
    },
    sample,
  };
}
