/**
 * A document that is as it should be, read in two passes: its ids, then its nodes. Owns: recognising such a document, and
 * copying it. Does not own: any rule, any diagnostic. It only ever accepts: whatever it does not know for right (a proxy, an
 * accessor, a class, a field or an id that is wrong) it leaves as a whole to `admit-json.ts`, `structure.ts` and `edges.ts`,
 * which say what is wrong, or that it is fine after all.
 * Invariants: what it accepts is what these accept, and the copy is equal; nothing of the document runs; the copy is
 * frozen and shares no object with its source (R5). Cost: linear; an id is looked up once per edge.
 */
import type { Adjacency } from "./adjacency.ts";
import { JsonCopier } from "./admit-json.ts";
import { isAccessor, isPlainList, isPlainMapping } from "./data-property.ts";
import type { Json, NodeDocument, PlanDocument } from "./document.ts";
import { type Edges, edgesOf } from "./edges.ts";
import { setOwn } from "./json-text.ts";
import type { Limits } from "./limits.ts";
import { NodeField, NodeFields, WITH_EXPRESSIONS } from "./node-fields.ts";
import { fitsNodeField, ID_PATTERN, structureIssues } from "./schema.ts";

export interface PlainDocument {
  /** A frozen copy, but for the document itself and its list of nodes. `upstreams` come last in their nodes. */
  readonly document: PlanDocument;
  /** Its nodes are as a plan has them: `upstreams` only, and those not empty. */
  readonly isNormal: boolean;
  readonly fields: NodeFields;
  /** Undefined when edges are given as `downstreams`: both sides must still be compared. */
  readonly edges: Edges | undefined;
}

/** The copy of a document that is right in itself; undefined for one that has to be looked at closely. */
export function readPlainDocument(source: unknown, limits: Limits): PlainDocument | undefined {
  // Known names are never too long, a node is never too deep, unless somebody wants it so.
  if (limits.depth < NODE_DEPTH || limits.stringLength < LONGEST_NAME) return undefined;
  if (!isPlainMapping(source)) return undefined;
  const nodes = ownValue(source, "nodes");
  if (!isPlainList(nodes) || nodes.length > limits.nodes) return undefined;
  try {
    return new PlainReader(nodes as readonly unknown[], limits).read(source);
  } catch {
    // A proxy deep in the document, or one of a size that cannot be: whoever looks closely says so.
    return undefined;
  }
}

/** The document, its list, a node, the node's list. */
const NODE_DEPTH = 4;
/** Ids, and names of fields. */
const LONGEST_NAME = 64;
const NO_IDS: readonly string[] = Object.freeze([]);

type Mapping = Readonly<Record<string, unknown>>;

class PlainReader {
  readonly #source: readonly unknown[];
  readonly #limits: Limits;
  readonly #copier: JsonCopier;
  #fields = new NodeFields(0);
  readonly #ids: string[] = [];
  readonly #numbers = new Map<string, number>();
  #offset = new Int32Array(0);
  #target = new Int32Array(0);
  #edges = 0;
  /** A node has `upstreams` with nothing in them. */
  #hasEmptyList = false;
  /** By node: the last node that named it. */
  #namedBy = new Int32Array(0);
  /** By field: the value that was right the last time; most nodes repeat it. */
  readonly #right = new Map<string, unknown>();
  /** The same for the action, which every node has. */
  #rightAction: unknown;

  constructor(source: readonly unknown[], limits: Limits) {
    this.#source = source;
    this.#limits = limits;
    this.#copier = new JsonCopier(limits);
  }

  read(source: Mapping): PlainDocument | undefined {
    // The document, its list, and every node in it.
    if (!this.#copier.count(2 + this.#source.length) || !this.#readIds()) return undefined;
    const size = this.#ids.length;
    this.#fields = new NodeFields(size);
    this.#offset = new Int32Array(size + 1);
    this.#namedBy = new Int32Array(size).fill(-1);
    const nodes: NodeDocument[] = new Array(size);
    for (let v = 0; v < size; v++) {
      const node = this.#readNode(this.#source[v] as Mapping, v);
      if (node === undefined) return undefined;
      nodes[v] = node;
      this.#offset[v + 1] = this.#edges;
    }
    const document = this.#readHeader(source, nodes);
    if (document === undefined) return undefined;
    const fields = this.#fields;
    fields.barrier = this.#numbers.has("barrier");
    if (Math.max(fields.upstreams, fields.downstreams) > this.#limits.edges) return undefined;
    if (fields.any(NodeField.downstreams)) return { document, isNormal: false, fields, edges: undefined };
    const up: Adjacency = { offset: this.#offset, target: this.#target.slice(0, this.#edges) };
    return { document, isNormal: !this.#hasEmptyList, fields, edges: edgesOf(this.#numbers, up) };
  }

  #readIds(): boolean {
    const source = this.#source;
    const size = source.length;
    for (let v = 0; v < size; v++) {
      if (isAccessor(source, v)) return false;
      const node = source[v];
      if (!isPlainMapping(node)) return false;
      const id = ownValue(node, "id");
      if (typeof id !== "string" || !ID_PATTERN.test(id)) return false;
      this.#ids.push(id);
      this.#numbers.set(id, v);
      // One that is there already does not make the map larger.
      if (this.#numbers.size !== v + 1) return false;
    }
    return true;
  }

  #readHeader(source: Mapping, nodes: readonly NodeDocument[]): PlanDocument | undefined {
    const document: Record<string, unknown> = {};
    for (const key of Object.keys(source)) {
      if (key === "nodes") {
        document["nodes"] = [];
        continue;
      }
      if (isAccessor(source, key)) return undefined;
      const value = source[key];
      if (value !== undefined) setOwn(document, key, this.#copier.copy(value, 1));
    }
    if (this.#copier.diagnostics.length > 0 || structureIssues(document).length > 0) return undefined;
    document["nodes"] = nodes;
    return document as unknown as PlanDocument;
  }

  #readNode(source: Mapping, v: number): NodeDocument | undefined {
    const keys = Object.keys(source);
    const { length } = keys;
    if (!this.#copier.count(length)) return undefined;
    const isUsual =
      keys[0] === "id" && keys[1] === "action" && (length === 2 || (length === 3 && keys[2] === "upstreams"));
    return isUsual ? this.#readUsual(source, v, length === 3) : this.#readFields(source, v, keys);
  }

  /** An id, an action and perhaps upstreams, in this order: objects that are made alike are read fast. */
  #readUsual(source: Mapping, v: number, waits: boolean): NodeDocument | undefined {
    const id = this.#ids[v] as string;
    const action = this.#action(source);
    if (action === undefined) return undefined;
    const upstreams = waits ? this.#upstreams(source, v) : NO_IDS;
    if (upstreams === undefined) return undefined;
    this.#fields.set(v, waits ? NodeField.upstreams : 0);
    return Object.freeze(waits ? { id, action, upstreams } : { id, action });
  }

  #readFields(source: Mapping, v: number, keys: readonly string[]): NodeDocument | undefined {
    const node: Record<string, unknown> = {};
    let bits = 0;
    let upstreams: readonly string[] | undefined;
    this.#copier.expressions = false;
    for (const key of keys) {
      if (key === "id") node["id"] = this.#ids[v];
      else if (key === "action") {
        const action = this.#action(source);
        if (action === undefined) return undefined;
        node["action"] = action;
      } else if (key === "upstreams" && !isAccessor(source, key) && source[key] !== undefined) {
        upstreams = this.#upstreams(source, v);
        if (upstreams === undefined) return undefined;
        bits |= NodeField.upstreams;
      } else {
        const value = this.#field(source, key);
        if (value === undefined) return undefined;
        if (value === ABSENT) continue;
        node[key] = value;
        bits |= NodeField[key as keyof typeof NodeField];
        if (key === "downstreams") this.#fields.downstreams += (value as readonly Json[]).length;
      }
    }
    if (node["id"] === undefined || node["action"] === undefined) return undefined;
    if (upstreams !== undefined) node["upstreams"] = upstreams;
    this.#fields.set(v, this.#copier.expressions ? bits | WITH_EXPRESSIONS : bits);
    return Object.freeze(node) as unknown as NodeDocument;
  }

  #action(source: Mapping): string | undefined {
    const action = ownValue(source, "action");
    if (typeof action !== "string") return undefined;
    if (this.#rightAction !== action) {
      if (this.#copyRight("action", action) === undefined) return undefined;
      this.#fields.actions.add(action);
      this.#rightAction = action;
    }
    return action;
  }

  /** The value of any other field; `ABSENT` for one that is given as undefined. */
  #field(source: Mapping, key: string): Json | typeof ABSENT | undefined {
    if (isAccessor(source, key)) return undefined;
    const value = source[key];
    if (value === undefined)
      return "value" in (Object.getOwnPropertyDescriptor(source, key) ?? {}) ? ABSENT : undefined;
    if (typeof value !== "object" && this.#right.get(key) === value) return value as Json;
    return this.#copyRight(key, value);
  }

  #copyRight(key: string, value: unknown): Json | undefined {
    // It was counted with the keys of its node.
    this.#copier.count(-1);
    const copy = this.#copier.copy(value, NODE_DEPTH - 1);
    if (this.#copier.diagnostics.length > 0 || !fitsNodeField(key, copy)) return undefined;
    if (typeof copy !== "object") this.#right.set(key, copy);
    return copy;
  }

  /** The same ids, each the very string that its node has, so that nothing is kept or compared twice. */
  #upstreams(source: Mapping, v: number): readonly string[] | undefined {
    const given = ownValue(source, "upstreams");
    if (!isPlainList(given)) return undefined;
    const { length } = given;
    if (length > this.#ids.length || !this.#copier.count(length)) return undefined;
    this.#fields.upstreams += length;
    if (length === 0) {
      this.#hasEmptyList = true;
      return NO_IDS;
    }
    const target = this.#room(length);
    const upstreams: string[] = new Array(length);
    for (let k = 0; k < length; k++) {
      if (isAccessor(given, k)) return undefined;
      const u = this.#numbers.get(given[k] as string);
      if (u === undefined || u === v || this.#namedBy[u] === v) return undefined;
      this.#namedBy[u] = v;
      target[this.#edges++] = u;
      upstreams[k] = this.#ids[u] as string;
    }
    return Object.freeze(upstreams);
  }

  /** The list of edges, with room for so many more. */
  #room(edges: number): Int32Array {
    const needed = this.#edges + edges;
    if (needed > this.#target.length) {
      const larger = new Int32Array(2 * Math.max(needed, this.#ids.length));
      larger.set(this.#target);
      this.#target = larger;
    }
    return this.#target;
  }
}

/** A field that is given as undefined: it is not there. */
const ABSENT: unique symbol = Symbol("absent");

/** The value of a property, unless an accessor gives it. */
function ownValue(holder: Mapping, key: string): unknown {
  return isAccessor(holder, key) ? undefined : holder[key];
}
