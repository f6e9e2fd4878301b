/**
 * The dispatch order of one pool (R11): nodes ready together leave by higher priority, then lower seriesId of the declared
 * node (both in `CompiledPlan.rank`), then lower parallelIdx. Compensations leave before forward nodes and in the reverse
 * order (R30). Owns: who waits. A node that is taken back is gone at once.
 * Cost: a few words per node that comes or leaves, see `number-set.ts`; a set is made when the first node needs it.
 */
import { NumberSet } from "../plan/number-set.ts";
import { invariant } from "./assert.ts";

/** Who waits in one direction. A rank is there while its node, or any of its members, waits. */
interface Line {
  size: number;
  ranks: NumberSet | undefined;
  /** By rank of the group: places of the members that wait. */
  members: Map<number, NumberSet> | undefined;
}

export class ReadyQueue {
  /** How many wait. */
  size = 0;
  /** What `pop` gave last: the rank of the declared node, ... */
  rank = 0;
  /** ... the place in its group, -1 for the node itself, ... */
  member = -1;
  /** ... and whether it is its compensation. */
  undo = false;
  readonly #ranks: number;
  #forward: Line = { size: 0, ranks: undefined, members: undefined };
  #undo: Line = { size: 0, ranks: undefined, members: undefined };

  /** `ranks`: how many there are. */
  constructor(ranks: number) {
    this.#ranks = ranks;
  }

  /** A node that does not wait yet comes in. */
  push(rank: number, undo: boolean): void {
    this.size++;
    const line = undo ? this.#undo : this.#forward;
    line.size++;
    line.ranks ??= new NumberSet(this.#ranks);
    line.ranks.add(rank);
  }

  /** The same for the member at `place` of a group of `count`. */
  pushMember(rank: number, undo: boolean, { place, count }: { readonly place: number; readonly count: number }): void {
    this.push(rank, undo);
    const line = undo ? this.#undo : this.#forward;
    line.members ??= new Map();
    let places = line.members.get(rank);
    if (places === undefined) {
      places = new NumberSet(count);
      line.members.set(rank, places);
    }
    places.add(place);
  }

  /** Takes back one that waits; `member` is -1 for a declared node. */
  remove(rank: number, member: number, undo: boolean): void {
    const line = undo ? this.#undo : this.#forward;
    this.size--;
    line.size--;
    invariant(line.size >= 0, "R11: more nodes are taken from a queue than waited in it");
    if (member >= 0) {
      const places = line.members?.get(rank) as NumberSet;
      places.delete(member);
      if (!places.isEmpty) return;
      line.members?.delete(rank);
    }
    line.ranks?.delete(rank);
  }

  /** Takes the best one out, into `rank`, `member` and `undo`; asserts that there is one. */
  pop(): void {
    invariant(this.size > 0, "R41: a slot is granted while no node waits for it");
    this.undo = this.#undo.size > 0;
    const line = this.undo ? this.#undo : this.#forward;
    const ranks = line.ranks as NumberSet;
    this.rank = this.undo ? ranks.last() : ranks.first();
    const places = line.members?.get(this.rank);
    if (places === undefined) this.member = -1;
    else this.member = this.undo ? places.last() : places.first();
    this.remove(this.rank, this.member, this.undo);
  }

  /** A queue with the same entries, which changes on its own. */
  copy(): ReadyQueue {
    const copy = new ReadyQueue(this.#ranks);
    copy.size = this.size;
    copy.rank = this.rank;
    copy.member = this.member;
    copy.undo = this.undo;
    copy.#forward = copyOf(this.#forward);
    copy.#undo = copyOf(this.#undo);
    return copy;
  }
}

function copyOf({ size, ranks, members }: Line): Line {
  const copied = members && new Map([...members].map(([rank, places]) => [rank, places.copy()]));
  return { size, ranks: ranks?.copy(), members: copied };
}
