/**
 * What a comparison says. A mapper turns a peer's case into facts, each told by the peer and by Belay; a fact is a set, a
 * final state or a number, never a sequence of events unless the graph is a chain. Owns: how facts are compared.
 */

/** One fact, as the peer has it and as Belay has it. */
export interface Fact {
  readonly peer: unknown;
  readonly belay: unknown;
}

/** Facts by name; the names are those of docs/differences.md. */
export type Facts = Readonly<Record<string, Fact>>;

/** A case compared, or the reason why no plan says what it says. */
export type Verdict = { readonly facts: Facts } | { readonly noCounterpart: string };

/** A case of a suite, as far as every suite has it. */
export interface PeerCase {
  readonly id: string;
  readonly kind?: string;
}

/** Cases of one peer and what maps them. */
export interface Suite<Case extends PeerCase = PeerCase> {
  /** The file of the data, and the heading's word in docs/differences.md. */
  readonly name: string;
  /** How many cases the file is known to hold. */
  readonly size: number;
  compare(given: Case): Promise<Verdict>;
}

export const NO_COUNTERPART = "no counterpart";

/**
 * Names of the facts in which the two differ, sorted; `["no counterpart"]` when nothing could be compared. Throws for a
 * comparison without facts: it would always be the same.
 */
export function differsIn(verdict: Verdict): readonly string[] {
  if ("noCounterpart" in verdict) return [NO_COUNTERPART];
  if (Object.values(verdict.facts).every(({ peer }) => peer === undefined)) throw new Error("nothing was compared");
  return Object.entries(verdict.facts)
    .filter(([, { peer, belay }]) => canonical(peer) !== canonical(belay))
    .map(([name]) => name)
    .sort();
}

/** The facts that differ, to read in a failing test. */
export function told(verdict: Verdict): string {
  if ("noCounterpart" in verdict) return verdict.noCounterpart;
  return differsIn(verdict)
    .map(
      (name) => `${name}: peer ${canonical(verdict.facts[name]?.peer)}, Belay ${canonical(verdict.facts[name]?.belay)}`,
    )
    .join("\n");
}

/** A set as a sorted list. */
export function setOf(values: Iterable<string>): readonly string[] {
  return [...new Set(values)].sort();
}

/** The facts that a case gives: those whose peer's side is undefined are not among them. */
export function factsOf(facts: Facts): Facts {
  return Object.fromEntries(Object.entries(facts).filter(([, { peer }]) => peer !== undefined));
}

/** One root, and one node after the other: the only graphs whose events have one order. */
export function isChain(nodes: readonly { readonly id: string; readonly upstreams: readonly string[] }[]): boolean {
  const above = nodes.flatMap(({ upstreams }) => upstreams);
  return (
    nodes.filter(({ upstreams }) => upstreams.length === 1).length === nodes.length - 1 &&
    setOf(above).length === above.length &&
    above.length === nodes.length - 1
  );
}

/** JSON with sorted keys: records are compared whatever the order of their keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
