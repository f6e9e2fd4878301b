/**
 * Text on its way into a hash: encoded in a buffer of fixed size, hashed and counted whenever that is full. Owns: the
 * buffer. Does not own: what the text says.
 */
import { createHash, type Hash } from "node:crypto";

const SIZE = 1 << 17;
/** Characters: an encoder's call costs as much as encoding a hundred of them. */
const ENCODED_AT_ONCE = 1 << 14;
const ENCODER = new TextEncoder();

/** SHA-256 of a text, and its length. */
export interface Digest {
  /** Lower-case hex. */
  readonly hash: string;
  /** Bytes of the text in UTF-8. */
  readonly bytes: number;
}

export class ByteSink {
  readonly #hash: Hash = createHash("sha256");
  readonly #buffer = new Uint8Array(SIZE);
  #held = 0;
  #hashed = 0;
  /** Text that comes behind what is held. */
  #text = "";

  /** Any text, well formed. */
  text(text: string): void {
    this.#text += text;
    if (this.#text.length >= ENCODED_AT_ONCE) this.#encode();
  }

  /** Bytes that have been encoded already, fewer than the buffer holds. */
  bytes(source: Uint8Array, from: number, to: number): void {
    if (this.#text !== "") this.#encode();
    if (this.#held + to - from > SIZE) this.#flush();
    const buffer = this.#buffer;
    let at = this.#held;
    // A handful of bytes: a call that copies them costs more than the loop.
    for (let k = from; k < to; k++) buffer[at++] = source[k] as number;
    this.#held = at;
  }

  end(): Digest {
    this.#encode();
    this.#flush();
    return { hash: this.#hash.digest("hex"), bytes: this.#hashed };
  }

  #encode(): void {
    const text = this.#text;
    this.#text = "";
    // A character has three bytes at most.
    if (this.#held + text.length * 3 > SIZE) this.#flush();
    if (text.length * 3 <= SIZE) {
      this.#held += ENCODER.encodeInto(text, this.#buffer.subarray(this.#held)).written;
      return;
    }
    const encoded = ENCODER.encode(text);
    this.#hash.update(encoded);
    this.#hashed += encoded.length;
  }

  #flush(): void {
    this.#hash.update(this.#buffer.subarray(0, this.#held));
    this.#hashed += this.#held;
    this.#held = 0;
  }
}
