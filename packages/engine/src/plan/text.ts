/**
 * Plan text -> value, with the place of everything in it. YAML 1.2 and JSON. The only door to `yaml`.
 * Owns: syntax, duplicate keys, what of YAML is refused (anchors, aliases, tags, directives, further documents), the byte
 * limits. Does not own: what a value may be (`json-value.ts`) and what a plan may say (`parse.ts`).
 * Invariants (R1, R4): nothing in the text runs; every diagnostic has a line and a column; text nested 100 000 deep is
 * refused, never overflows the stack; an alias is refused before anything could expand it.
 */
import { type Document, isMap, isScalar, isSeq, Lexer, type Pair, parseDocument } from "yaml";
import type { Diagnostic, DiagnosticCode } from "./diagnostic.ts";
import { type DuplicateKey, type JsonText, readJson, setOwn } from "./json-text.ts";
import { type Limits, limitDiagnostic } from "./limits.ts";
import { childPath, type PathSegment } from "./path.ts";
import { lineFinder, type Mark, offsetOf, type Position, type PositionTarget } from "./position.ts";
import { DepthScanner } from "./yaml-depth.ts";

export interface TextResult {
  /** What the text says; undefined when `diagnostics` has an error. Never trusted: any JSON value, and `.nan` of YAML. */
  readonly value: unknown;
  /** Place of a path; of the nearest enclosing value when there is none such. Builds an index on first use. */
  readonly positionOf: (path: string, target?: PositionTarget) => Position;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads a plan's text. `filename` ending in `.json` refuses what only YAML allows. */
export function readText(source: string, limits: Limits, filename?: string): TextResult {
  const text = source.startsWith("\u{FEFF}") ? source.slice(1) : source;
  const bytes = Buffer.byteLength(text, "utf8");
  if (bytes > limits.bytes) return failed(text, [{ ...limitDiagnostic(limits, "bytes", "", bytes), offset: 0 }]);
  const isJson = filename?.toLowerCase().endsWith(".json") ?? false;
  if (text.trim() === "") return failed(text, [fault("SYNTAX", 0, "the text is empty")]);
  const control = CONTROL.exec(text);
  if (control !== null) return failed(text, [fault("SYNTAX", control.index, "the text has a control character")]);
  if (isJson || JSON_START.test(text)) {
    const json = readJson(text, false);
    if (json.ok) return fromJson(text, json);
    // Flow-style YAML starts like JSON. Beyond the YAML limit it can only be JSON.
    if (isJson || bytes > limits.yamlBytes) return failed(text, [fault("SYNTAX", json.offset, json.message)]);
  }
  if (bytes > limits.yamlBytes)
    return failed(text, [{ ...limitDiagnostic(limits, "yamlBytes", "", bytes), offset: 0 }]);
  return readYaml(text, limits);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for; tab, line feed and return are fine.
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;
const JSON_START = /^\s*[[{]/;

/** A diagnostic whose line and column are not computed yet. */
type Fault = Diagnostic & { readonly offset: number };

function fault(code: DiagnosticCode, offset: number, message: string, suggestion?: string): Fault {
  return { code, severity: "error", path: "", message, offset, ...(suggestion === undefined ? {} : { suggestion }) };
}

function duplicateFault({ key, path, offset }: DuplicateKey): Fault {
  return { ...fault("DUPLICATE_KEY", offset, `the key ${JSON.stringify(key)} is given twice`), path };
}

function locate(text: string, faults: readonly Fault[]): Diagnostic[] {
  const find = lineFinder(text);
  return faults.toSorted((a, b) => a.offset - b.offset).map(({ offset, ...rest }) => ({ ...rest, ...find(offset) }));
}

function failed(text: string, faults: readonly Fault[]): TextResult {
  return { value: undefined, diagnostics: locate(text, faults), positionOf: () => ({ line: 1, column: 1 }) };
}

function fromJson(text: string, json: JsonText & { ok: true }): TextResult {
  if (json.duplicates.length > 0) return failed(text, json.duplicates.map(duplicateFault));
  // Offsets cost several times the value: only a plan with something to say about it pays for them.
  return located(text, json.value, () => {
    const again = readJson(text, true);
    return (again.ok ? again.root : undefined) ?? { offset: 0, keyOffset: 0 };
  });
}

function located(text: string, value: unknown, index: () => Mark): TextResult {
  let find: ((offset: number) => Position) | undefined;
  let root: Mark | undefined;
  const positionOf = (path: string, target: PositionTarget = "value"): Position => {
    root ??= index();
    find ??= lineFinder(text);
    return find(offsetOf(root, path, target));
  };
  return { value, positionOf, diagnostics: [] };
}

function readYaml(text: string, limits: Limits): TextResult {
  const scan = scanYaml(text, limits);
  if (scan.tooDeep) return failed(text, scan.faults);
  const document = parseDocument(text, {
    version: "1.2",
    schema: "core",
    merge: false,
    // Checked here: the library compares each key with every other one of its mapping.
    uniqueKeys: false,
    stringKeys: true,
    prettyErrors: false,
    logLevel: "error",
  });
  const tree = new YamlTree();
  const value = tree.convert(document);
  const faults = [...scan.faults, ...tree.duplicates.map(duplicateFault), ...syntaxFaults(document, limits)];
  return faults.length > 0 ? failed(text, faults) : located(text, value, () => tree.root);
}

const REFUSED: readonly (readonly [start: string, what: string, remedy: string])[] = [
  ["&", "an anchor", "write the value where it is used"],
  ["*", "an alias", "write the value out; quote a string that starts with *"],
  ["!", "a tag", "remove it; quote a string that starts with !"],
  ["%", "a directive", "remove the line; what is read is YAML 1.2"],
];

/**
 * One pass over the tokens, before anything recurses: what YAML has and plans refuse, and a depth that is never less
 * than half of the true one. The exact depth is checked on the value.
 */
function scanYaml(text: string, limits: Limits): { faults: Fault[]; tooDeep: boolean } {
  const faults: Fault[] = [];
  const depth = new DepthScanner();
  let offset = 0;
  let inBlockScalar = false;
  let scalarNext = false;
  for (const token of new Lexer().lex(text)) {
    if (token === SCALAR_NEXT) {
      scalarNext = true;
      continue;
    }
    if (token === DOCUMENT_START || token === FLOW_ERROR) continue;
    const refused = scalarNext ? undefined : REFUSED.find(([start]) => token.startsWith(start));
    if (refused !== undefined) {
      faults.push(fault("YAML_FEATURE", offset, `${refused[1]} is not allowed`, refused[2]));
    }
    const isContent: boolean = scalarNext && inBlockScalar;
    if (!isContent && refused === undefined) depth.token(token, offset);
    depth.advance(token, offset);
    inBlockScalar = isContent ? false : inBlockScalar || token.startsWith("|") || token.startsWith(">");
    scalarNext = false;
    offset += token.length;
    // A scalar at the end of a line counts as one more level.
    if (depth.depth > limits.depth + 1) {
      faults.push({ ...limitDiagnostic(limits, "depth", ""), offset });
      return { faults, tooDeep: true };
    }
  }
  return { faults, tooDeep: false };
}

/** Control tokens of the lexer: they are not in the text. */
const DOCUMENT_START = "\u0002";
const FLOW_ERROR = "\u0018";
const SCALAR_NEXT = "\u001f";

function syntaxFaults(document: Document.Parsed, limits: Limits): Fault[] {
  const faults: Fault[] = [];
  for (const error of document.errors) {
    // Anchors, aliases, tags and directives were refused by the scan, with a better message.
    if (ALREADY_REFUSED.has(error.code)) continue;
    const offset = error.pos[0];
    if (error.code === "RESOURCE_EXHAUSTION") {
      faults.push({ ...limitDiagnostic(limits, "depth", ""), offset });
      continue;
    }
    const message =
      error.code === "MULTIPLE_DOCS"
        ? "the text has more than one document; one is read"
        : error.message.replaceAll(/\s+/g, " ");
    faults.push(fault("SYNTAX", offset, message));
  }
  return faults;
}

const ALREADY_REFUSED: ReadonlySet<string> = new Set([
  "ALIAS_PROPS",
  "BAD_ALIAS",
  "BAD_DIRECTIVE",
  "MULTIPLE_ANCHORS",
  "MULTIPLE_TAGS",
  "TAG_RESOLVE_FAILED",
]);

interface YamlFrame {
  readonly node: unknown;
  readonly path: string;
  readonly mark: Mark;
  readonly set: (value: unknown) => void;
}

/** The library's tree -> values and marks, without its own conversion, which recurses and follows aliases. */
class YamlTree {
  readonly duplicates: DuplicateKey[] = [];
  root: Mark = { offset: 0, keyOffset: 0 };
  readonly #stack: YamlFrame[] = [];

  convert(document: Document.Parsed): unknown {
    let root: unknown;
    this.root = this.#push(document.contents, "", undefined, (value) => {
      root = value;
    });
    for (let frame = this.#stack.pop(); frame !== undefined; frame = this.#stack.pop()) this.#visit(frame);
    return root;
  }

  #push(node: unknown, path: string, keyOffset: number | undefined, set: (value: unknown) => void): Mark {
    const offset = startOf(node) ?? keyOffset ?? 0;
    const children = isMap(node) || isSeq(node) ? { children: new Map<PathSegment, Mark>() } : {};
    const mark: Mark = { offset, keyOffset: keyOffset ?? offset, ...children };
    this.#stack.push({ node, path, mark, set });
    return mark;
  }

  #visit({ node, path, mark, set }: YamlFrame): void {
    if (isSeq(node)) {
      const list: unknown[] = [];
      set(list);
      for (const [index, item] of node.items.entries()) {
        const assign = (value: unknown): void => {
          list[index] = value;
        };
        list.push(null);
        mark.children?.set(index, this.#push(item, childPath(path, index), undefined, assign));
      }
    } else if (isMap(node)) {
      const mapping: Record<string, unknown> = {};
      set(mapping);
      for (const pair of node.items) this.#visitPair(pair, mapping, path, mark);
    } else {
      set(isScalar(node) ? node.value : null);
    }
  }

  #visitPair(pair: Pair, mapping: Record<string, unknown>, path: string, mark: Mark): void {
    // A key that is no string is one of the document's errors already.
    const key = isScalar(pair.key) && typeof pair.key.value === "string" ? pair.key.value : "";
    const keyOffset = startOf(pair.key) ?? mark.offset;
    const at = childPath(path, key);
    if (Object.hasOwn(mapping, key)) this.duplicates.push({ key, path: at, offset: keyOffset });
    setOwn(mapping, key, null);
    const child = this.#push(pair.value, at, keyOffset, (value) => setOwn(mapping, key, value));
    mark.children?.set(key, child);
  }
}

function startOf(node: unknown): number | undefined {
  return (node as { range?: readonly number[] | null } | null)?.range?.[0];
}
