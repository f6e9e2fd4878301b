/**
 * Any value -> a JSON value of our own: copied, frozen, within the limits of depth, size and strings, or diagnostics.
 * Owns: what counts as data (R1) and the limits that hold for any value (R4). Knows nothing of plans.
 * Invariants: no recursion; no getter, `toJSON` or other code of the value runs; a value shared in two places is copied
 * twice, within the byte limit; cycles are refused. Cost: linear in the copied size.
 */
import { isAccessor, isPlainList, isPlainMapping } from "./data-property.ts";
import type { Diagnostic, DiagnosticCode } from "./diagnostic.ts";
import type { Json } from "./document.ts";
import { setOwn } from "./json-text.ts";
import { type Limits, limitDiagnostic } from "./limits.ts";
import { childPath } from "./path.ts";

/** Enough to mend a file by; more would bury the first. */
const MAX_DIAGNOSTICS = 1000;
const LONE_SURROGATE = /\p{Surrogate}/u;

type Container = unknown[] | Record<string, unknown>;

interface Frame {
  readonly source: object;
  readonly target: Container;
  /** Keys of a mapping; undefined for a list. */
  readonly keys: readonly string[] | undefined;
  /** Reading a property of `source` runs nothing, unless an accessor gives it. */
  readonly plain: boolean;
  /** Of the next value; the one being read is before it. */
  index: number;
}

/**
 * The frozen copy, or undefined with the reasons. `sketch`: the copy, also when only numbers, strings or keys in it are
 * wrong, so that everything else is checked in the same go.
 */
export function admitJson(value: unknown, limits: Limits): AdmittedJson {
  const copier = new JsonCopier(limits);
  const copy = tryCopy(copier, value);
  const { diagnostics } = copier;
  if (diagnostics.length === 0) return { value: copy, sketch: copy, diagnostics };
  const whole = diagnostics.every(({ code }) => code === "UNSAFE_INTEGER" || code === "INVALID_VALUE");
  return { value: undefined, sketch: whole ? copy : undefined, diagnostics };
}

/** A proxy may throw whatever it is asked. */
function tryCopy(copier: JsonCopier, value: unknown): Json {
  try {
    return copier.copy(value);
  } catch (error) {
    copier.refuse(error);
    return null;
  }
}

export interface AdmittedJson {
  readonly value: Json | undefined;
  readonly sketch: Json | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** Copies values that are counted together: one document, or the parts of one. */
export class JsonCopier {
  /** What is wrong with what was copied so far; then no copy is of use. */
  readonly diagnostics: Diagnostic[] = [];
  readonly #limits: Limits;
  /** A mapping with the key `$cel` was among the values. */
  expressions = false;
  readonly #stack: Frame[] = [];
  readonly #made: Container[] = [];
  /** Containers around the part that is copied. */
  #around = 0;
  #values = 0;
  #stopped = false;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** The frozen copy; `around`: how many lists and mappings the value stands in. Throws what a proxy throws. */
  copy(value: unknown, around = 0): Json {
    this.#around = around;
    const root = this.#enter(value);
    while (this.#stack.length > 0 && !this.#stopped) this.#advance(this.#stack[this.#stack.length - 1] as Frame);
    for (const container of this.#made) Object.freeze(container);
    this.#made.length = 0;
    return root as Json;
  }

  /** Counts values that somebody else copies; false = there are too many. */
  count(values: number): boolean {
    this.#values += values;
    return this.#values * 2 <= this.#limits.bytes + 2;
  }

  /** The value itself failed while it was read. */
  refuse(error: unknown): void {
    const message = `the value cannot be read: ${error instanceof Error ? error.message : "it throws"}`;
    this.diagnostics.push({
      code: "WRONG_TYPE",
      severity: "error",
      path: this.#pathOf(this.#stack.length - 1),
      message,
    });
  }

  #advance(frame: Frame): void {
    const { keys, source, target } = frame;
    if (frame.index === (keys ?? (source as unknown[])).length) {
      this.#stack.pop();
      return;
    }
    const segment = keys === undefined ? frame.index : (keys[frame.index] as string);
    frame.index++;
    const value = readData(frame, segment);
    if (value === ACCESSOR) this.#report("WRONG_TYPE", "a getter or setter is not data");
    else if (keys === undefined) (target as unknown[]).push(this.#enter(value));
    else if (value !== undefined && this.#checkKey(segment as string)) {
      setOwn(target as Record<string, unknown>, segment as string, this.#enter(value));
    }
  }

  #checkKey(key: string): boolean {
    if (key === "__proto__") {
      this.#report("INVALID_VALUE", 'the key "__proto__" is not allowed');
      return false;
    }
    if (key === "$cel") this.expressions = true;
    this.#checkString(key);
    return true;
  }

  /** The copy of a scalar, or the still empty copy of a container, whose frame is pushed. */
  #enter(value: unknown): unknown {
    // Each value takes two bytes of text at least: itself and what separates it.
    if (!this.count(1)) {
      this.#stop(limitDiagnostic(this.#limits, "bytes", ""));
      return null;
    }
    switch (typeof value) {
      case "boolean":
        return value;
      case "string":
        this.#checkString(value);
        return value;
      case "number":
        this.#checkNumber(value);
        return value;
      case "object":
        return value === null ? null : this.#push(value);
      default:
        this.#report("WRONG_TYPE", `${describe(value)} is not data`);
        return null;
    }
  }

  #push(source: object): unknown {
    if (this.#isOpen(source)) {
      this.#report("WRONG_TYPE", "the value contains itself");
      return null;
    }
    const isList = Array.isArray(source);
    if (!isList && !isPlain(source)) {
      this.#report("WRONG_TYPE", "an instance of a class is not data");
      return null;
    }
    if (this.#around + this.#stack.length >= this.#limits.depth) {
      this.#add(limitDiagnostic(this.#limits, "depth", this.#path()));
      return null;
    }
    const target: Container = isList ? [] : {};
    this.#made.push(target);
    const plain = isList ? isPlainList(source) : isPlainMapping(source);
    this.#stack.push({ source, target, keys: isList ? undefined : Object.keys(source), plain, index: 0 });
    return target;
  }

  /** The depth is bounded, and small: a look at every open container costs less than a set of them. */
  #isOpen(source: object): boolean {
    for (const frame of this.#stack) if (frame.source === source) return true;
    return false;
  }

  #checkString(value: string): void {
    if (value.length > this.#limits.stringLength) {
      this.#add(limitDiagnostic(this.#limits, "stringLength", this.#path(), value.length));
    } else if (LONE_SURROGATE.test(value)) {
      this.#report("INVALID_VALUE", "the string has half of a surrogate pair, which UTF-8 cannot carry");
    }
  }

  #checkNumber(value: number): void {
    if (!Number.isFinite(value)) {
      this.#report("INVALID_VALUE", `${value} is not a finite number`);
    } else if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      this.#add({
        code: "UNSAFE_INTEGER",
        severity: "error",
        path: this.#path(),
        message: "integers of 2^53 and beyond are rounded: which one was meant is lost",
        suggestion: "write a smaller number, or a string where a string is allowed",
      });
    }
  }

  #report(code: DiagnosticCode, message: string): void {
    this.#add({ code, severity: "error", path: this.#path(), message });
  }

  /** Place of the value being read. Put together only where there is something to say of it. */
  #path(): string {
    return this.#pathOf(this.#stack.length);
  }

  /** The same, so many levels down. */
  #pathOf(depth: number): string {
    let path = "";
    for (const { keys, index } of this.#stack.slice(0, Math.max(0, depth))) {
      path = childPath(path, keys === undefined ? index - 1 : (keys[index - 1] as string));
    }
    return path;
  }

  #add(diagnostic: Diagnostic): void {
    this.diagnostics.push(diagnostic);
    if (this.diagnostics.length >= MAX_DIAGNOSTICS) this.#stopped = true;
  }

  #stop(diagnostic: Diagnostic): void {
    this.diagnostics.push(diagnostic);
    this.#stopped = true;
  }
}

const ACCESSOR: unique symbol = Symbol("accessor");

/** The value of an own property, undefined where there is none; `ACCESSOR` where code would give it. */
function readData({ source, plain }: Frame, key: string | number): unknown {
  if (plain) {
    if (isAccessor(source, key)) return ACCESSOR;
    const value: unknown = (source as Readonly<Record<string | number, unknown>>)[key];
    if (value !== undefined) return value;
  }
  const descriptor = Object.getOwnPropertyDescriptor(source, key);
  return descriptor === undefined || "value" in descriptor ? descriptor?.value : ACCESSOR;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

/** What a value that is no data is, for people. */
function describe(value: unknown): string {
  return value === undefined ? "undefined" : `a ${typeof value}`;
}
