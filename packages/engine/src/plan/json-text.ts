/**
 * Reads JSON text: strict RFC 8259, with every duplicate key and, on demand, the offset of every value. Exists beside
 * `JSON.parse` because that rounds off duplicate keys and knows no places, and beside the YAML reader because that takes
 * seconds and a gigabyte for a plan of 100 000 nodes.
 * Invariants: one pass, no recursion, so depth and size cost nothing but memory (R4); a key `__proto__` is plain data.
 */
import { formatPath, type PathSegment } from "./path.ts";
import type { Mark } from "./position.ts";

/** A key given twice in one mapping; `offset` is that of the later one. */
export interface DuplicateKey {
  readonly key: string;
  readonly path: string;
  readonly offset: number;
}

export type JsonText =
  | { readonly ok: true; readonly value: unknown; readonly root: Mark | undefined; readonly duplicates: DuplicateKey[] }
  | { readonly ok: false; readonly message: string; readonly offset: number };

interface Frame {
  readonly container: unknown[] | Record<string, unknown>;
  readonly mark: Mark | undefined;
  /** The key or index of the value being read. */
  segment: PathSegment;
  keyOffset: number;
}

class JsonSyntaxError extends Error {
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** Reads one JSON value that spans the whole text. `marks`: also keep offsets, at several times the memory. */
export function readJson(text: string, marks: boolean): JsonText {
  const reader = new JsonReader(text, marks);
  try {
    const value = reader.read();
    return { ok: true, value, root: reader.root, duplicates: reader.duplicates };
  } catch (error) {
    if (error instanceof JsonSyntaxError) return { ok: false, message: error.message, offset: error.offset };
    throw error;
  }
}

/** Sets an own property whatever its name: assigning `__proto__` would set the prototype instead. */
export function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__")
    Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
  else target[key] = value;
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const LITERALS: readonly (readonly [string, boolean | null])[] = [
  ["true", true],
  ["false", false],
  ["null", null],
];

class JsonReader {
  readonly duplicates: DuplicateKey[] = [];
  root: Mark | undefined;
  readonly #text: string;
  readonly #marks: boolean;
  readonly #stack: Frame[] = [];
  #at = 0;

  constructor(text: string, marks: boolean) {
    this.#text = text;
    this.#marks = marks;
  }

  read(): unknown {
    let value = this.#readValue();
    // A container's value is undefined while it is open: what follows is inside it.
    while (this.#stack.length > 0) {
      value = value === undefined || this.#store(value) ? this.#next() : this.#close();
    }
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#unexpected("the end of the text");
    return value;
  }

  /** Reads the next value of the innermost container; a scalar is answered, an opened container gives undefined. */
  #next(): unknown {
    const frame = this.#top();
    this.#skipSpace();
    const first = Array.isArray(frame.container) ? frame.segment === 0 : frame.segment === "" && frame.keyOffset < 0;
    const end = Array.isArray(frame.container) ? "]" : "}";
    if (first && this.#text[this.#at] === end) return this.#close();
    if (!Array.isArray(frame.container)) this.#readKey(frame, frame.container);
    else frame.keyOffset = this.#at;
    return this.#readValue();
  }

  /** Puts a finished value into its container; true when the container goes on after a comma. */
  #store(value: unknown): boolean {
    const frame = this.#top();
    if (Array.isArray(frame.container)) frame.container.push(value);
    else setOwn(frame.container, frame.segment as string, value);
    this.#skipSpace();
    const end = Array.isArray(frame.container) ? "]" : "}";
    const char = this.#text[this.#at];
    if (char === end) return false;
    if (char !== ",") throw this.#unexpected(`"," or "${end}"`);
    this.#at++;
    if (typeof frame.segment === "number") frame.segment++;
    this.#skipSpace();
    if (this.#text[this.#at] === end) throw this.#unexpected("a value after the comma");
    return true;
  }

  #close(): unknown {
    this.#at++;
    return (this.#stack.pop() as Frame).container;
  }

  #readKey(frame: Frame, container: Record<string, unknown>): void {
    if (this.#text[this.#at] !== '"') throw this.#unexpected("a key in double quotes");
    frame.keyOffset = this.#at;
    const key = this.#readString();
    frame.segment = key;
    if (Object.hasOwn(container, key)) {
      const path = formatPath(this.#stack.map((open) => open.segment));
      this.duplicates.push({ key, path, offset: frame.keyOffset });
    }
    this.#skipSpace();
    if (this.#text[this.#at] !== ":") throw this.#unexpected('":"');
    this.#at++;
  }

  #readValue(): unknown {
    this.#skipSpace();
    const char = this.#text[this.#at];
    if (char === "{") return this.#open({}, "");
    if (char === "[") return this.#open([], 0);
    this.#mark(this.#at, false);
    if (char === '"') return this.#readString();
    for (const [word, value] of LITERALS) {
      if (char !== word[0] || !this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match === null) throw this.#unexpected("a value");
    this.#at = NUMBER.lastIndex;
    return Number(match[0]);
  }

  #open(container: unknown[] | Record<string, unknown>, segment: PathSegment): undefined {
    const mark = this.#mark(this.#at, true);
    this.#at++;
    this.#stack.push({ container, mark, segment, keyOffset: -1 });
  }

  #mark(offset: number, container: boolean): Mark | undefined {
    if (!this.#marks) return undefined;
    const parent = this.#stack.at(-1);
    const keyOffset = parent === undefined ? offset : parent.keyOffset;
    const mark: Mark = container ? { offset, keyOffset, children: new Map() } : { offset, keyOffset };
    if (parent === undefined) this.root = mark;
    else parent.mark?.children?.set(parent.segment, mark);
    return mark;
  }

  #readString(): string {
    const start = this.#at;
    let escaped = false;
    for (let at = start + 1; at < this.#text.length; at++) {
      const code = this.#text.charCodeAt(at);
      if (code === 0x22) {
        this.#at = at + 1;
        return escaped ? this.#unescape(start) : this.#text.slice(start + 1, at);
      }
      if (code < 0x20) throw new JsonSyntaxError("a control character stands in a string", at);
      if (code === 0x5c) {
        escaped = true;
        at++;
      }
    }
    throw new JsonSyntaxError("the string is not closed", start);
  }

  #unescape(start: number): string {
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string;
    } catch {
      throw new JsonSyntaxError("the string has an escape that JSON does not know", start);
    }
  }

  #skipSpace(): void {
    for (; this.#at < this.#text.length; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
    }
  }

  #top(): Frame {
    return this.#stack[this.#stack.length - 1] as Frame;
  }

  #unexpected(wanted: string): JsonSyntaxError {
    const char = this.#text.codePointAt(this.#at);
    const found = char === undefined ? "the text ends" : `${JSON.stringify(String.fromCodePoint(char))} stands`;
    return new JsonSyntaxError(`${found} where ${wanted} is expected`, this.#at);
  }
}
