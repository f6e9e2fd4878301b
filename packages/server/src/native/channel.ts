/**
 * Server-sent events of one run for any number of readers. Owns: the ids of events, a bounded buffer of the last ones for readers that come
 * back, and that nobody who reads slowly costs more than a bounded amount of memory. Does not own: where events come from (`streams.ts`).
 *
 * Invariants: an event is put into bytes once, whoever reads it; a reader gets every event after the one it names, in order and without
 * gaps, or a snapshot and then every event after that; who reads too slowly is disconnected, and may come back.
 */
import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import type { ChannelLimits } from "./stream-limits.ts";

interface Reader {
  readonly stream: Readable;
  /** Bytes that may wait for it. */
  readonly most: number;
}

/** What a reader that comes gets. */
export type Joined =
  | { readonly kind: "stream"; readonly stream: Readable }
  /** It has everything, and nothing follows. */
  | { readonly kind: "over" };

const HEARTBEAT = Buffer.from(":\n\n");

/** See the head of this file. */
export class Channel {
  /** First part of all ids: another channel of the same run has another one. */
  readonly id: string = randomBytes(9).toString("base64url");
  readonly #limits: ChannelLimits;
  readonly #readers = new Set<Reader>();
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  /** Number of the last event, from 1; 0 = there was none yet. */
  #last = 0;
  #over = false;
  /** Told each time that the last reader has left. */
  onDeserted: () => void = () => undefined;

  constructor(limits: ChannelLimits) {
    this.#limits = limits;
  }

  /** How many read. */
  get readers(): number {
    return this.#readers.size;
  }

  /** Whether nothing follows. */
  get over(): boolean {
    return this.#over;
  }

  /** An event for everybody, and for those who come back. */
  publish(event: string, data: string): void {
    if (this.#over) return;
    this.#last += 1;
    const bytes = frame(`${this.id}-${this.#last}`, event, data);
    this.#kept.push(bytes);
    this.#keptBytes += bytes.length;
    while (this.#kept.length > this.#limits.events || (this.#keptBytes > this.#limits.bytes && this.#kept.length > 1)) {
      this.#keptBytes -= (this.#kept.shift() as Buffer).length;
    }
    this.#send(bytes);
  }

  /** Nothing follows: readers get what is left, then the end. */
  end(): void {
    this.#over = true;
    for (const { stream } of this.#readers) stream.push(null);
    this.#readers.clear();
  }

  /** Keeps connections open on which nothing happens. */
  beat(): void {
    this.#send(HEARTBEAT);
  }

  /** A reader that has seen the event `lastId`; what it cannot go on from is replaced by the snapshot, which must be that of this moment. */
  join(lastId: string | undefined, snapshot: () => string): Joined {
    const missed = this.#missedSince(lastId);
    if (missed?.length === 0 && this.#over) return { kind: "over" };
    const first = missed ?? [frame(`${this.id}-${this.#last}`, "snapshot", snapshot())];
    const stream = new Readable({ read: () => undefined });
    // Who goes away is no error.
    stream.on("error", () => undefined);
    for (const bytes of first) stream.push(bytes);
    if (this.#over) {
      stream.push(null);
      return { kind: "stream", stream };
    }
    const reader: Reader = { stream, most: stream.readableLength + this.#limits.unread };
    this.#readers.add(reader);
    stream.once("close", () => this.#leave(reader));
    return { kind: "stream", stream };
  }

  #missedSince(lastId: string | undefined): readonly Buffer[] | undefined {
    const [, id, digits] = /^([A-Za-z0-9_-]{12})-([0-9]{1,15})$/.exec(lastId ?? "") ?? [];
    if (id !== this.id) return undefined;
    const back = this.#last - Number(digits);
    if (back < 0 || back > this.#kept.length) return undefined;
    return back === 0 ? [] : this.#kept.slice(-back);
  }

  #send(bytes: Buffer): void {
    for (const reader of this.#readers) {
      const { stream, most } = reader;
      stream.push(bytes);
      if (stream.readableLength > most) stream.destroy();
    }
  }

  #leave(reader: Reader): void {
    if (this.#readers.delete(reader) && this.#readers.size === 0) this.onDeserted();
  }
}

/** An event in bytes; `data` is JSON, and so one line. */
export function frame(id: string, event: string, data: string): Buffer {
  return Buffer.from(`id: ${id}\nevent: ${event}\ndata: ${data}\n\n`);
}
