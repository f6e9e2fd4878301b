/**
 * Where things are in a text: a tree of offsets beside the values read from it, and offset -> line and column.
 * Owns: the tree's shape and its lookup. Does not own: reading, which is `json-text.ts` and `text.ts`.
 */
import { type PathSegment, parsePath } from "./path.ts";

/** 1-based; columns count UTF-16 code units, as editors do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Offset of one value, and the tree below it. */
export interface Mark {
  /** Where the value starts. */
  readonly offset: number;
  /** Where the key of this value starts; the value's own place in a list. */
  readonly keyOffset: number;
  /** Set for mappings and lists, keyed by key or index. */
  readonly children?: Map<PathSegment, Mark>;
}

/** `key`: where a field's name stands; `value`: where its value does. */
export type PositionTarget = "key" | "value";

/** The offset of `path`; of its nearest enclosing value when there is no such value, as for a missing field. */
export function offsetOf(root: Mark, path: string, target: PositionTarget): number {
  let mark = root;
  for (const segment of parsePath(path)) {
    const next = mark.children?.get(segment);
    if (next === undefined) return mark.offset;
    mark = next;
  }
  return target === "key" ? mark.keyOffset : mark.offset;
}

/** Offset -> position. Costs one pass over the text once, then the logarithm of its lines. */
export function lineFinder(text: string): (offset: number) => Position {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] as number) + 1 };
  };
}
