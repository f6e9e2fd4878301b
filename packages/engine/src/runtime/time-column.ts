/**
 * Times by node: epoch milliseconds, or none. Owns: keeping them in four bytes, as what has passed since an origin, for as
 * long as all of them fit: some seven weeks. A time before the origin, when a clock was set back, or later than that, makes
 * the column one of eight bytes.
 */

const LATEST = 2 ** 32 - 2;
const FIRST_ROOM = 8;

export class TimeColumn {
  readonly #origin: number;
  /** Of the times that fit: milliseconds since the origin, plus 1; 0 = none. */
  #near: Uint32Array = new Uint32Array(0);
  /** Of any times, once one does not fit; NaN = none. */
  #far: Float64Array | undefined;
  readonly #room: number;

  /** `room`: of how many nodes times are expected; for more of them it grows. */
  constructor(origin: number, room: number = FIRST_ROOM) {
    this.#origin = origin;
    this.#room = room;
  }

  get(node: number): number | undefined {
    if (this.#far !== undefined) {
      const at = this.#far[node];
      return at === undefined || Number.isNaN(at) ? undefined : at;
    }
    const passed = this.#near[node] ?? 0;
    return passed === 0 ? undefined : this.#origin + passed - 1;
  }

  set(node: number, at: number): void {
    const passed = at - this.#origin;
    if (this.#far === undefined && passed >= 0 && passed <= LATEST && Number.isInteger(passed)) {
      if (node >= this.#near.length) this.#growNear(node);
      this.#near[node] = passed + 1;
      return;
    }
    const far = this.#farFor(node);
    far[node] = at;
  }

  /** Unless the node has one. */
  setFirst(node: number, at: number): void {
    if (this.#far === undefined && (this.#near[node] ?? 0) !== 0) return;
    if (this.#far === undefined || this.get(node) === undefined) this.set(node, at);
  }

  delete(node: number): void {
    if (this.#far === undefined) {
      if (node < this.#near.length) this.#near[node] = 0;
    } else if (node < this.#far.length) this.#far[node] = Number.NaN;
  }

  /** The same times, in a column that changes on its own. */
  copy(): TimeColumn {
    const copy = new TimeColumn(this.#origin, this.#room);
    copy.#near = this.#near.slice();
    copy.#far = this.#far?.slice();
    return copy;
  }

  #growNear(node: number): void {
    const larger = new Uint32Array(Math.max(this.#room, 2 * this.#near.length, node + 1));
    larger.set(this.#near);
    this.#near = larger;
  }

  #farFor(node: number): Float64Array {
    const known = this.#far;
    if (known !== undefined && node < known.length) return known;
    const length = known?.length ?? this.#near.length;
    const larger = new Float64Array(Math.max(this.#room, 2 * length, node + 1)).fill(Number.NaN);
    for (let v = 0; v < length; v++) {
      const at = this.get(v);
      if (at !== undefined) larger[v] = at;
    }
    this.#far = larger;
    this.#near = new Uint32Array(0);
    return larger;
  }
}
