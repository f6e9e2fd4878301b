/**
 * How deep a YAML text nests, from its tokens alone: the reader recurses, so depth is bounded before it runs (R4).
 * Invariant: never less than half of the true depth (a list may stand at the column of its key) and at most one more (a
 * scalar at the end of a line counts).
 */

/** Nesting by indentation and brackets, from tokens alone. */
export class DepthScanner {
  readonly #columns: number[] = [];
  #flow = 0;
  #lineStart = 0;

  get depth(): number {
    return this.#columns.length + this.#flow;
  }

  /** Takes in one token that may start a node, close a bracket or stand between. */
  token(token: string, offset: number): void {
    const char = token[0];
    if (char === "[" || char === "{") {
      this.#flow++;
    } else if (char === "]" || char === "}") {
      this.#flow = Math.max(0, this.#flow - 1);
    } else if (this.#flow === 0 && !NO_NODE.test(token)) {
      const column = offset - this.#lineStart;
      while ((this.#columns.at(-1) ?? -1) > column) this.#columns.pop();
      if ((this.#columns.at(-1) ?? -1) < column) this.#columns.push(column);
    }
  }

  /** Follows the lines; to be called with every token of the text. */
  advance(token: string, offset: number): void {
    const newline = token.lastIndexOf("\n");
    if (newline !== -1) this.#lineStart = offset + newline + 1;
  }
}

/** Space, line end, comment, the colon after a key, document markers: they start no node. */
const NO_NODE = /^(?:$|[\s#]|:$|---$|\.\.\.$)/;
