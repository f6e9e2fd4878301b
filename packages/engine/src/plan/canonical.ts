/**
 * Canonical JSON (RFC 8785) of a checked plan, as its hash and its size (R5), without ever holding the text: that of a
 * million nodes has 70 MB. Owns: writing the nodes. Does not own: any other value, which is `identity.ts`.
 * Invariant: the text is the one that `canonicalJson` gives for the document. Cost: linear; an id is encoded once, however
 * often it is named.
 */
import { type Adjacency, at } from "./adjacency.ts";
import { ByteSink, type Digest } from "./byte-sink.ts";
import type { Json, NodeDocument, PlanDocument } from "./document.ts";
import { canonicalJson } from "./identity.ts";
import { NodeField, type NodeFields } from "./node-fields.ts";

/** Digest of a document that passed every check; `up` and `fields` are those of its nodes. */
export function digestOf(document: PlanDocument, up: Adjacency, fields: NodeFields): Digest {
  const sink = new ByteSink();
  let before = "{";
  for (const key of Object.keys(document).sort()) {
    sink.text(`${before}${JSON.stringify(key)}:`);
    before = ",";
    if (key === "nodes") new NodeWriter(document.nodes, up, sink).write(fields);
    else sink.text(canonicalJson(document[key as keyof PlanDocument]));
  }
  sink.text("}");
  return sink.end();
}

const ASCII = new TextEncoder();
const UPSTREAMS = ASCII.encode('","upstreams":["');
const COMMA = ASCII.encode(",");
const BETWEEN = ASCII.encode('","');
const END_OF_LIST = ASCII.encode('"]}');
const END = ASCII.encode('"}');

class NodeWriter {
  readonly #nodes: readonly NodeDocument[];
  readonly #up: Adjacency;
  readonly #sink: ByteSink;
  /** All ids, one after the other, and where each begins. */
  readonly #ids: Uint8Array;
  readonly #start: Int32Array;
  /** By action: what comes before the id. */
  readonly #heads = new Map<string, Uint8Array>();

  constructor(nodes: readonly NodeDocument[], up: Adjacency, sink: ByteSink) {
    this.#nodes = nodes;
    this.#up = up;
    this.#sink = sink;
    this.#start = new Int32Array(nodes.length + 1);
    let length = 0;
    for (let v = 0; v < nodes.length; v++) {
      length += (nodes[v] as NodeDocument).id.length;
      this.#start[v + 1] = length;
    }
    this.#ids = new Uint8Array(length);
    let place = 0;
    // Ids have ASCII letters only, and none that JSON escapes.
    for (const { id } of nodes) for (let k = 0; k < id.length; k++) this.#ids[place++] = id.charCodeAt(k);
  }

  write(fields: NodeFields): void {
    const nodes = this.#nodes;
    this.#sink.text("[");
    for (let v = 0; v < nodes.length; v++) {
      if (v > 0) this.#sink.bytes(COMMA, 0, 1);
      const others = (fields.given[v] as number) & ~(NodeField.upstreams | NodeField.downstreams);
      if (others === 0) this.#plain(v);
      else this.#any(nodes[v] as NodeDocument);
    }
    this.#sink.text("]");
  }

  /** A node that is an id, an action and upstreams. */
  #plain(v: number): void {
    const sink = this.#sink;
    const { offset, target } = this.#up;
    const head = this.#headOf((this.#nodes[v] as NodeDocument).action);
    sink.bytes(head, 0, head.length);
    this.#id(v);
    const first = at(offset, v);
    const end = at(offset, v + 1);
    for (let edge = first; edge < end; edge++) {
      if (edge === first) sink.bytes(UPSTREAMS, 0, UPSTREAMS.length);
      else sink.bytes(BETWEEN, 0, BETWEEN.length);
      this.#id(at(target, edge));
    }
    if (first < end) sink.bytes(END_OF_LIST, 0, END_OF_LIST.length);
    else sink.bytes(END, 0, END.length);
  }

  #id(v: number): void {
    this.#sink.bytes(this.#ids, at(this.#start, v), at(this.#start, v + 1));
  }

  #headOf(action: string): Uint8Array {
    const known = this.#heads.get(action);
    if (known !== undefined) return known;
    const head = ASCII.encode(`{"action":${JSON.stringify(action)},"id":"`);
    this.#heads.set(action, head);
    return head;
  }

  #any(node: NodeDocument): void {
    this.#sink.text(textOf(node as unknown as Json));
  }
}

/** The text of a value that is known for JSON. Recursion as deep as the value, which has been measured (R4). */
function textOf(value: Json): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "object" || value === null) return String(value);
  let text = "";
  if (isList(value)) {
    for (const item of value) text += text === "" ? `[${textOf(item)}` : `,${textOf(item)}`;
    return text === "" ? "[]" : `${text}]`;
  }
  for (const key of sorted(Object.keys(value))) {
    text += `${text === "" ? "{" : ","}${JSON.stringify(key)}:${textOf(value[key] as Json)}`;
  }
  return text === "" ? "{}" : `${text}}`;
}

/** Keys that a sort by insertion is faster for. */
const FEW = 24;

/** By UTF-16 code units, as RFC 8785 wants it: the order of `<`, and of a sort without a comparator. In place. */
function sorted(keys: string[]): string[] {
  if (keys.length > FEW) return keys.sort();
  for (let k = 1; k < keys.length; k++) {
    const key = keys[k] as string;
    let place = k;
    for (; place > 0 && (keys[place - 1] as string) > key; place--) keys[place] = keys[place - 1] as string;
    keys[place] = key;
  }
  return keys;
}

function isList(value: object): value is readonly Json[] {
  return Array.isArray(value);
}
