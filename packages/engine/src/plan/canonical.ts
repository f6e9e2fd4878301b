/**
 * Canonical JSON (RFC 8785) of a checked plan, as its hash and its size (R5), without ever holding the text: that of a
 * million nodes has 70 MB. Owns: writing the nodes. Does not own: any other value, which is `identity.ts`.
 * Invariant: the text is the one that `canonicalJson` gives for the document.
 */
import { createHash, type Hash } from "node:crypto";
import type { NodeDocument, PlanDocument } from "./document.ts";
import { canonicalJson } from "./identity.ts";
import { NodeField, type NodeFields } from "./node-fields.ts";

export interface CanonicalDigest {
  /** SHA-256, lower-case hex. */
  readonly hash: string;
  /** Length of the text in UTF-8. */
  readonly bytes: number;
}

/** Digest of the canonical JSON of a document that passed every check; `fields` are those of its nodes. */
export function digestOf(document: PlanDocument, fields: NodeFields): CanonicalDigest {
  const sink = new TextSink();
  const writer = new NodeWriter();
  const plain = NodeField.upstreams;
  let before = "{";
  for (const key of Object.keys(document).sort()) {
    sink.write(`${before}${JSON.stringify(key)}:`);
    before = ",";
    if (key !== "nodes") {
      sink.write(canonicalJson(document[key as keyof PlanDocument]));
      continue;
    }
    const { nodes } = document;
    for (let v = 0; v < nodes.length; v++) {
      const node = nodes[v] as NodeDocument;
      const text = ((fields.given[v] as number) & ~plain) === 0 ? writer.plain(node) : writer.any(node);
      sink.write(v === 0 ? `[${text}` : `,${text}`);
    }
    sink.write(nodes.length === 0 ? "[]" : "]");
  }
  sink.write("}");
  return sink.end();
}

class NodeWriter {
  #action = "";
  #before = "";

  /** A node that is an id, an action and upstreams. Ids have no character that JSON escapes. */
  plain({ id, action, upstreams }: NodeDocument): string {
    if (action !== this.#action || this.#before === "") {
      this.#action = action;
      this.#before = `{"action":${JSON.stringify(action)},"id":"`;
    }
    if (upstreams === undefined || upstreams.length === 0) return `${this.#before}${id}"}`;
    return `${this.#before}${id}","upstreams":["${upstreams.join('","')}"]}`;
  }

  any(node: NodeDocument): string {
    let text = "";
    for (const key of Object.keys(node).sort()) {
      const value = node[key as keyof NodeDocument];
      const written = typeof value === "object" ? canonicalJson(value) : JSON.stringify(value);
      text += `${text === "" ? "{" : ","}"${key}":${written}`;
    }
    return `${text}}`;
  }
}

/** Characters that are gathered before they are hashed. */
const CHUNK = 1 << 16;

/** Hashes what is written to it, and counts its bytes. */
class TextSink {
  readonly #hash: Hash = createHash("sha256");
  #text = "";
  #bytes = 0;

  write(text: string): void {
    this.#text += text;
    if (this.#text.length >= CHUNK) this.#flush();
  }

  end(): CanonicalDigest {
    this.#flush();
    return { hash: this.#hash.digest("hex"), bytes: this.#bytes };
  }

  #flush(): void {
    const bytes = Buffer.from(this.#text, "utf8");
    this.#bytes += bytes.length;
    this.#hash.update(bytes);
    this.#text = "";
  }
}
