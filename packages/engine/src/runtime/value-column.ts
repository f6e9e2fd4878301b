/** Values by node, of which a run may have none or one for every node. Owns: their place: an array, made when there is the first. */
export class ValueColumn<T> {
  readonly #room: number;
  #values: (T | undefined)[] | undefined;

  /** `room`: how many nodes there may be; for more of them it grows. */
  constructor(room: number) {
    this.#room = room;
  }

  get(node: number): T | undefined {
    return this.#values?.[node];
  }

  set(node: number, value: T): void {
    // As long as it will be from the start: written in any order, it stays an array and becomes no table.
    this.#values ??= new Array(this.#room);
    this.#values[node] = value;
  }

  delete(node: number): void {
    if (this.#values !== undefined && node < this.#values.length) this.#values[node] = undefined;
  }

  /** The same values, in a column that changes on its own. */
  copy(): ValueColumn<T> {
    const copy = new ValueColumn<T>(this.#room);
    copy.#values = this.#values?.slice();
    return copy;
  }
}
