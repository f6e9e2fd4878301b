/**
 * The six invariants that hold for every engine of the family, checked on what the actions saw, with nothing of the
 * engine's own bookkeeping but the final snapshot: a second opinion beside `assertTrace`. Groups are judged there alone:
 * here a member stands for itself. Nodes with a trigger of their own are exempt from I1 and I4, which are about the default.
 */
import type { NodeDocument, PlanDocument, RunSnapshot } from "@belay/engine";
import type { TraceEntry } from "@belay/engine/testing";

const TERMINAL_EVENTS: ReadonlySet<string> = new Set(["run:succeeded", "run:rolled-back", "run:abandoned"]);

/** Throws with every invariant that the trace breaks. */
export function assertInvariants(document: PlanDocument, trace: readonly TraceEntry[], snapshot: RunSnapshot): void {
  const broken = brokenInvariants(document, trace, snapshot);
  if (broken.length > 0) throw new Error(broken.join("\n"));
}

/** One line per breach: "I3: c was compensated and never started". */
export function brokenInvariants(
  document: PlanDocument,
  trace: readonly TraceEntry[],
  snapshot: RunSnapshot,
): readonly string[] {
  const witness = new Witness(document, snapshot);
  for (const entry of trace) witness.see(entry);
  witness.checkFailures();
  return witness.broken;
}

class Witness {
  readonly broken: string[] = [];
  readonly #nodes: ReadonlyMap<string, NodeDocument>;
  readonly #downstreams = new Map<string, string[]>();
  readonly #snapshot: RunSnapshot;
  /** By node: what was last seen of it. */
  readonly #last = new Map<string, "running" | "ok" | "failed" | "skipped" | "undone">();
  readonly #starts = new Map<string, number>();
  readonly #startedAfterFailure = new Set<string>();
  #rounds = 1;
  #terminal = 0;

  constructor(document: PlanDocument, snapshot: RunSnapshot) {
    this.#nodes = new Map(document.nodes.map((node) => [node.id, node]));
    this.#snapshot = snapshot;
    for (const { id, upstreams = [] } of document.nodes)
      for (const upstream of upstreams) this.#downstreams.set(upstream, [...this.#below(upstream), id]);
  }

  see(entry: TraceEntry): void {
    if (entry.kind === "start") this.#start(entry.node);
    if (entry.kind === "end") this.#last.set(entry.node, entry.ok ? "ok" : "failed");
    if (entry.kind === "undo") this.#undo(entry.node);
    if (entry.kind === "undo-end" && entry.ok) this.#last.set(entry.node, "undone");
    if (entry.kind !== "event") return;
    const { event } = entry;
    if (event.type === "node:skipped") this.#last.set(event.nodeId, "skipped");
    if (event.type === "run:retrying") this.#rounds += 1;
    if (TERMINAL_EVENTS.has(event.type) && ++this.#terminal > 1) this.broken.push(`I6: a second end: ${event.type}`);
  }

  /** I4: called at the end, when it is known which failures were final. */
  checkFailures(): void {
    const skipped = new Set(this.#snapshot.nodes.filter(({ status }) => status === "SKIPPED").map(({ id }) => id));
    for (const [failed, last] of this.#last) {
      if (last !== "failed" || skipped.has(failed) || !this.#blocks(failed)) continue;
      const below = this.#below(failed).filter((id) => this.#isPlain(id));
      for (const id of below) {
        if (this.#startedAfterFailure.has(id)) this.broken.push(`I4: ${id} started below ${failed}, which failed`);
        below.push(...this.#below(id).filter((next) => this.#isPlain(next) && !below.includes(next)));
      }
    }
  }

  #start(id: string): void {
    const node = this.#nodes.get(id);
    if (this.#terminal > 0) this.broken.push(`I6: ${id} started after the run had ended`);
    if (this.#last.get(id) === "ok") this.broken.push(`I5: ${id} had succeeded and was executed again`);
    if (node !== undefined && this.#isPlain(id)) {
      for (const upstream of node.upstreams ?? []) {
        const last = this.#last.get(upstream);
        const done = last === "ok" || last === "skipped" || (last === "failed" && !this.#blocks(upstream));
        if (!done && !this.#isGroup(upstream)) this.broken.push(`I1: ${id} started while ${upstream} was ${last}`);
      }
    }
    const starts = (this.#starts.get(id) ?? 0) + 1;
    const limit = (node?.retry?.maxAttempts ?? 1) * this.#rounds;
    if (node !== undefined && starts > limit) this.broken.push(`I5: ${id} had ${starts} attempts of ${limit}`);
    this.#starts.set(id, starts);
    this.#startedAfterFailure.add(id);
    this.#last.set(id, "running");
  }

  #undo(id: string): void {
    if (!this.#starts.has(id)) this.broken.push(`I3: ${id} was compensated and never started`);
    for (const below of this.#below(id)) {
      const last = this.#last.get(below);
      const idle = last === undefined || last === "undone" || last === "skipped" || this.#isGroup(below);
      if (!idle && this.#nodes.get(below)?.compensation !== undefined)
        this.broken.push(`I2: ${id} was compensated while ${below} was ${last}`);
    }
  }

  #below(id: string): string[] {
    return [...(this.#downstreams.get(id) ?? [])];
  }

  #isGroup(id: string): boolean {
    return this.#nodes.get(id)?.split !== undefined;
  }

  /** Starts by the default rule: R10. */
  #isPlain(id: string): boolean {
    const trigger = this.#nodes.get(id)?.trigger;
    return trigger === undefined || trigger === "all_succeeded";
  }

  /** Its failure holds what is below it. */
  #blocks(id: string): boolean {
    return this.#nodes.get(id)?.onFailure !== "continue";
  }
}
